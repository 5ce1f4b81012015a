package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/internal/backup"
	"licenseimport/projector"
	"licenseimport/projector/readapi"
)

// backupCommand copies the streams into a directory.
type backupCommand struct {
	Dir          string `arg:"" help:"The directory for the backup; must be empty or not there."`
	WithoutViews bool   `help:"Leave the views out: a restore folds them from the events."`
	logFlags
	Server   string `group:"where" placeholder:"URL" help:"With --nats-url: the server or role projector whose views are copied, too."`
	Key      string `group:"where" placeholder:"KEY" help:"An admin key for it. Default: the one in the data directory. Better set by the environment."`
	AdminKey string `hidden:"" help:"The key of a server of this machine that was started with it."`
	ServerCA string `name:"server-ca" group:"where" placeholder:"FILE" help:"Certificates (PEM) that the server's is checked against. Default: those of this machine."`
}

// Help is what --help tells beside the flags.
func (backupCommand) Help() string {
	return `Uploads and imports go on meanwhile. The backup holds everything that was acknowledged when it began: the event streams, rows that are still to be processed, the catalogue, saved mappings, the digests of keys, and a copy of the views. With --nats-url each projector has its own views: name one by --server, or leave them out; restoring then folds them from the events. The file admin.key is not in it: keep your key elsewhere, or make a new one after a restore.

Beside a running server of this machine, on a data directory without one, or by --nats-url (NATS 2.15 or later). The directory holds customers' data: keep it as safe as the data directory. It can be checked without this program: sha256sum -c SHA256SUMS. A directory without that file is an interrupted backup.

Exit status: 0 when everything was copied, 1 else: also where only the views could not be, unless --without-views is given.

Examples:
  licenseimport backup /var/backups/licenses-monday
  licenseimport backup ./copy --nats-url nats://nats-1:4222 --server http://views-1:8080`
}

// Run backs up.
func (c *backupCommand) Run(ctx context.Context, t *terminal) error {
	return c.withExisting(ctx, func(log *eventlog.Log) error {
		if c.NatsURL == "" {
			if err := log.CheckRecord(ctx, c.Data); err != nil {
				return err
			}
		}
		began := time.Now()
		bar := newProgress(t.err)
		m, err := backup.Write(ctx, c.source(log), c.Dir, buildInfo().String(), showCopyProgress(bar, "Copying"))
		bar.end()
		if err != nil {
			return explainCopy(ctx, err)
		}
		printManifest(t, m, "Backed up", c.Dir, time.Since(began))
		if m.NoViews != "" {
			fmt.Fprintf(t.err, "The views could not be copied, a restore folds them from the events: %s\nEverything else is in the backup. To leave the views out on purpose: --without-views.\n", m.NoViews)
			return exitStatus(1)
		}
		return nil
	})
}

// source returns the log and the views to copy: from a running server over HTTP, else
// from the views' file.
func (c *backupCommand) source(log *eventlog.Log) backup.Source {
	from := backup.Source{Log: log}
	if c.WithoutViews {
		return from
	}
	server := c.Server
	if by, held, err := eventlog.LockOwner(c.Data); server == "" && c.NatsURL == "" && err == nil && held && by.PID != os.Getpid() {
		server = by.HTTP
	}
	switch {
	case server != "":
		from.Views = func(ctx context.Context, w io.Writer) error {
			reach := clientFlags{Key: c.Key, AdminKey: c.AdminKey, ServerCA: c.ServerCA, dataFlag: c.dataFlag}
			return reach.withURL(ctx, server, func(ctx context.Context, api *client) error { return api.save(ctx, readapi.ExportPath, w) })
		}
	case c.NatsURL == "" && exists(filepath.Join(c.Data, projector.FileName)):
		from.Views = func(ctx context.Context, w io.Writer) error { return projector.Export(ctx, log, c.Data, w) }
	}
	return from
}

// showCopyProgress draws a progress bar for each stream.
func showCopyProgress(bar *progress, verb string) backup.Progress {
	shown := ""
	return func(stream string, bytes int) {
		if stream != shown {
			shown = stream
			bar.begin(verb+" "+stream, -1, inBytes)
		}
		bar.add(bytes)
	}
}

func explainCopy(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errors.New("stopped before the end: nothing was stored")
	}
	return err
}

// printManifest prints the content of a backup.
func printManifest(t *terminal, m backup.Manifest, verb, where string, took time.Duration) {
	fmt.Fprintf(t.out, "%s %s in %.1f s: everything up to %s UTC.\n\n", verb, where, took.Seconds(), m.Started.Format(time.DateTime))
	table := newTable(t.out, "Stream", "Messages", "Last sequence", "File")
	for _, s := range m.Streams {
		table.AppendRow([]any{s.Stream, grouped(s.Messages), grouped(uint64(s.Last)), printable(s.File)})
	}
	if m.Views != nil {
		table.AppendRow([]any{"views", "", "", printable(m.Views.Name)})
	}
	table.Render()
}

// restoreCommand makes the streams from a backup.
type restoreCommand struct {
	Dir string `arg:"" help:"The directory of the backup."`
	dataFlag
	NatsURL string `name:"nats-url" group:"nats" placeholder:"URL" help:"Restore into this NATS server or cluster instead of the data directory."`
	natsFlags
}

// Help is what --help tells beside the flags.
func (restoreCommand) Help() string {
	return `Restores into a data directory that is empty or not there, or into a NATS server without the program's streams. The backup is compared with its checksums before anything is written. Imports that had not ended at the time of the backup go on when a server or a processor runs.

What happened after the backup did not happen: later uploads have to be sent again, their ids are given to others, and keys that were revoked later work again.

A NATS server that syncs every message, as the embedded one does, takes some 1,000 messages a second over --nats-url: restore into its data directory instead while it is stopped. All roles must be stopped as well.

Examples:
  licenseimport restore /var/backups/licenses-monday --data ./data
  licenseimport restore ./copy --nats-url nats://nats-1:4222 --replicas 3`
}

// Run restores.
func (c *restoreCommand) Run(ctx context.Context, t *terminal) error {
	began := time.Now()
	b, err := backup.Open(ctx, c.Dir)
	if err != nil {
		return explainCopy(ctx, err)
	}
	bar := newProgress(t.err)
	progress := showCopyProgress(bar, "Restoring")
	if c.NatsURL != "" {
		err = c.restoreToNATS(ctx, b, progress)
	} else if err = refuseRoot(c.Data); err == nil {
		err = b.RestoreDir(ctx, c.Data, progress)
	}
	bar.end()
	if err != nil {
		return explainCopy(ctx, err)
	}
	printManifest(t, b.Manifest, "Restored", c.Dir, time.Since(began))
	return c.restoreViews(ctx, t, b)
}

func (c *restoreCommand) restoreToNATS(ctx context.Context, b *backup.Backup, progress backup.Progress) error {
	config := c.natsFlags.config(c.NatsURL, c.Data)
	config.Name = "licenseimport restore"
	err := b.Restore(ctx, config, progress)
	if used, ok := errors.AsType[*eventlog.NotEmptyError](err); ok {
		return fmt.Errorf("%w on %s: nothing was written. Restore into a server without it, or delete the streams first (they are %s, %s and those of the buckets %s, %s, %s, %s)",
			used, withoutPassword(c.NatsURL), events.LicensesStream, events.RowsStream, eventlog.Jobs, eventlog.Managers, eventlog.Products, eventlog.Mappings)
	}
	return err
}

// restoreViews makes the views of a data directory: from the backup's copy and the later
// events, or from all events.
func (c *restoreCommand) restoreViews(ctx context.Context, t *terminal, b *backup.Backup) error {
	fmt.Fprintln(t.out)
	if c.NatsURL != "" {
		fmt.Fprintln(t.out, "Each projector rebuilds its views when it starts.")
		return nil
	}
	flags := logFlags{dataFlag: c.dataFlag}
	if err := flags.withExisting(ctx, func(log *eventlog.Log) error { return c.adoptViews(ctx, t, b, log) }); err != nil {
		return fmt.Errorf("the streams are restored, but the views could not be folded: %w", err)
	}
	if !exists(adminKeyPath(c.Data)) {
		fmt.Fprintf(t.err, "The keys of that time work. Where none is at hand: licenseimport keys create NAME --role admin --data %s\n", c.Data)
	}
	return nil
}

func (c *restoreCommand) adoptViews(ctx context.Context, t *terminal, b *backup.Backup, log *eventlog.Log) error {
	views, unusable := b.Views()
	if views != "" {
		reason, err := projector.Import(ctx, log, c.Data, views)
		if err != nil {
			return err
		}
		if reason == "" {
			return catchUp(ctx, t, log, c.Data)
		}
		unusable = errors.New(reason)
	}
	if unusable != nil {
		fmt.Fprintf(t.err, "The copy of the views is not used, they are rebuilt: %v\n", unusable)
	}
	return (&rebuildCommand{logFlags: logFlags{dataFlag: c.dataFlag}}).rebuild(ctx, t, log)
}

// catchUp folds the events after a copy of the views.
func catchUp(ctx context.Context, t *terminal, log *eventlog.Log, dir string) error {
	result, err := projector.CatchUp(ctx, log, dir)
	if err != nil {
		return err
	}
	fmt.Fprintf(t.out, "The views are those of the backup, and %s folded behind them\n", plural(result.Events, "event", "events"))
	fmt.Fprintf(t.out, "Digest of the views: %s\n", result.Digest)
	return nil
}

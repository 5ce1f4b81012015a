package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/internal/access"
)

// log checks NATS, the streams, the imports and the keys.
func (d *diagnosis) log(ctx context.Context, log *eventlog.Log, config eventlog.Config) {
	c, err := log.Health(ctx)
	if err != nil {
		d.problem("NATS", "See the NATS server's log: a stream may have no leader", "%v", err)
		return
	}
	d.version(c.Version)
	d.durability(c)
	d.clock("NATS clock", c.ClockSkew)
	if d.lost(log.CheckLoss(ctx, config)) {
		return
	}
	if d.held && d.NatsURL == "" {
		if err := log.CheckRecord(ctx, d.Data); d.lost(err) {
			return
		} else if err != nil {
			d.problem("streams", "Start the server again: its log says more", "%v", err)
		}
	}
	missing := d.streams(c)
	if missing {
		return
	}
	if c.Cluster != "" {
		d.replicas(log.CompareReplicas(ctx))
	}
	d.processors(c.Processors)
	if err := d.setAside(ctx, log); err != nil {
		d.problem("set aside", "See the NATS server's log", "%v", err)
	}
	if err := d.imports(ctx, log, time.Now().Add(c.ClockSkew)); err != nil {
		d.problem("imports", "See the NATS server's log", "%v", err)
	}
	if err := d.keys(ctx, log); err != nil {
		d.problem("keys", "See the NATS server's log", "%v", err)
	}
}

// version checks the NATS server's version.
func (d *diagnosis) version(version string) {
	var major, minor int
	_, err := fmt.Sscanf(version, "%d.%d", &major, &minor)
	at := major*1000 + minor
	unsafe := eventlog.CheckVersion(version)
	switch {
	case err != nil:
		d.warn("NATS version", "It should be 2.15 or later", "%q is no version that is known here", version)
	case at < 2012:
		d.problem("NATS version", "Update it to 2.15 or later", "%s has no atomic batches", version)
	case unsafe != nil:
		d.problem("NATS version", "Update it to 2.14.4 or later, best to 2.15", "%v", unsafe)
	case at < 2014:
		d.warn("NATS version", "Update it to 2.15 or later", "%s syncs each message of a batch by itself, which is slow", version)
	case at < 2015:
		d.warn("NATS version", "Update it to 2.15 or later", "%s has no snapshots that licenseimport backup could use", version)
	default:
		d.ok("NATS version", "%s", version)
	}
}

// durability checks whether a power cut may lose acknowledged data.
func (d *diagnosis) durability(c eventlog.Health) {
	replicas := minReplicas(c.Streams)
	switch {
	case c.Embedded:
		d.ok("durability", "the embedded server answers when a batch is on the disk")
	case c.Cluster != "" && replicas < 3:
		d.warn("durability", "Start the roles with --replicas 3", "the cluster %s keeps %s of a stream: a server that fails stops imports, or loses what was acknowledged", c.Cluster, plural(uint64(replicas), "copy", "copies"))
	case c.Cluster != "":
		d.ok("durability", "each stream has %d replicas on the cluster %s", replicas, c.Cluster)
	default:
		d.warn("durability", "Make sure that its configuration has sync_interval: always in jetstream, or use a cluster with --replicas 3", "whether this NATS server syncs what it acknowledges cannot be seen from outside; by default it does not")
	}
}

// minReplicas returns the fewest replicas of a stream. Missing streams do not count.
func minReplicas(streams []eventlog.StreamHealth) int {
	least := 0
	for _, s := range streams {
		if s.State.Replicas > 0 && (least == 0 || s.State.Replicas < least) {
			least = s.State.Replicas
		}
	}
	return least
}

// streams checks each stream. missing: the other checks are impossible.
func (d *diagnosis) streams(c eventlog.Health) (missing bool) {
	if !slices.ContainsFunc(c.Streams,
		func(s eventlog.StreamHealth) bool { return !errors.Is(s.Problem, eventlog.ErrStreamMissing) }) {
		d.problem("streams", "The first role that starts here makes them; so does restore",
			"there are no streams of licenseimport on this server")
		return true
	}
	var sizes []string
	for _, s := range c.Streams {
		switch {
		case s.Problem != nil:
			missing = true
			d.problem("stream "+s.Name, "Streams are made when a role starts; where one exists with other settings, it is not this program's: use another NATS account", "%v", s.Problem)
		case len(s.LaggingReplicas) > 0:
			d.warn("stream "+s.Name, "See to that server: the stream stops when one more fails", "the replica on %s is offline or behind", strings.Join(s.LaggingReplicas, ", "))
		}
		if !strings.HasPrefix(s.Name, "KV_") {
			sizes = append(sizes, fmt.Sprintf("%s %s messages, %s", s.Name, grouped(s.State.Messages), formatBytes(s.State.Bytes)))
		}
	}
	if !missing {
		d.ok("streams", "%s", strings.Join(sizes, "; "))
	}
	return missing
}

// replicas checks that all replicas of a stream hold the same.
func (d *diagnosis) replicas(all []eventlog.ReplicaComparison, err error) {
	if err != nil {
		d.warn("replicas", "Run doctor as a user that may create consumers, when the cluster is whole",
			"whether they hold the same is not known: %v", err)
	}
	var same []string
	for _, r := range all {
		check := "replicas of " + r.Stream
		lacking, whole := strings.Join(r.Lacking, ", "), strings.Join(r.Whole, ", ")
		const again = "delete its JetStream directory and start it, so that it copies everything again. Then rebuild the views. Until then stop no other NATS server, and import nothing"
		switch {
		case slices.Contains(r.Lacking, r.Leader):
			d.problem(check, fmt.Sprintf("Make %s the leader (nats stream cluster step-down %s, again until it leads). Then, one server at a time: stop %s, %s",
				r.Whole[0], r.Stream, lacking, again),
				"%s lacks messages that %s has, and %s leads the stream", lacking, whole, r.Leader)
		case len(r.Lacking) > 0:
			d.problem(check, fmt.Sprintf("One server at a time: stop %s, %s", lacking, again),
				"%s lacks messages that %s has", lacking, whole)
		case len(r.Unknown) > 0:
			d.warn(check, "Run doctor again when that server is up, has caught up and answers",
				"%s could not be compared with %s", strings.Join(r.Unknown, ", "), whole)
		default:
			same = append(same, fmt.Sprintf("%s at sequence %s", r.Stream, grouped(uint64(r.At))))
		}
	}
	if len(same) > 0 {
		d.ok("replicas", "all servers hold the same: %s", strings.Join(same, "; "))
	}
}

// processors checks that a processor runs.
func (d *diagnosis) processors(p *eventlog.ConsumerHealth) {
	const advice = "Start licenseimport serve, or a processor"
	switch {
	case p != nil && p.Problem != nil && d.idle:
		d.warn("processor", "A server that starts restores it", "%v", p.Problem)
	case p != nil && p.Problem != nil:
		d.problem("processor", "Restart licenseimport serve, or a processor, and see who may change consumers of your NATS server", "%v", p.Problem)
	case p == nil && d.idle:
	case p == nil:
		d.problem("processor", advice, "none has ever run here: imports would stay pending")
	case d.idle && p.Pending+p.InProgress > 0:
		d.warn("processor", "They are processed when a server runs", "%s", waiting(p.Pending+p.InProgress))
	case d.idle:
		d.ok("processor", "no import waits")
	case p.PullRequests == 0 && p.InProgress == 0:
		d.problem("processor", advice, "none is running; %s", waiting(p.Pending))
	default:
		d.ok("processor", "%s; %d in work", waiting(p.Pending), p.InProgress)
	}
}

func waiting(n int) string {
	switch n {
	case 0:
		return "no import waits"
	case 1:
		return "1 import waits"
	}
	return grouped(uint64(n)) + " imports wait"
}

// setAside lists the messages that readers go on without.
func (d *diagnosis) setAside(ctx context.Context, log *eventlog.Log) error {
	all, err := log.SetAsides(ctx)
	for _, s := range all {
		d.ok("set aside", "sequence %d, %s, by %s on %s: %s", s.Seq, placeOf(s.Subject), s.Manager, s.Time.Format(time.DateOnly), s.Reason)
	}
	return err
}

// imports checks for imports and undos that make no progress.
func (d *diagnosis) imports(ctx context.Context, log *eventlog.Log, now time.Time) error {
	jobs, err := log.RowJobs(ctx)
	if err != nil {
		return err
	}
	undos, err := log.OpenUndos(ctx) // whose rows may have been purged
	if err != nil {
		return err
	}
	undos = slices.DeleteFunc(undos, func(job events.JobID) bool { return slices.Contains(jobs, job) })
	slices.Sort(undos)
	open := 0
	for i, job := range slices.Concat(jobs, undos) {
		ended, err := d.oneImport(ctx, log, job, now)
		if err != nil {
			return err
		}
		if !ended && i < len(jobs) {
			open++
		}
	}
	d.ok("imports", "%s have rows in the store, %d of them go on", grouped(uint64(len(jobs))), open)
	return nil
}

// oneImport checks one import that has rows in the stream ROWS, or an undo.
func (d *diagnosis) oneImport(
	ctx context.Context, log *eventlog.Log, job events.JobID, now time.Time,
) (ended bool, err error) {
	last, found, err := log.LastFact(ctx, job)
	if err != nil {
		return false, err
	}
	check := "import " + job.String()
	if found {
		if _, err := last.Decode(); err != nil {
			d.problem(check, "Use the version of licenseimport that wrote it, or a newer one", "%v", err)
			return false, nil
		}
	}
	fact := last.Subject[strings.LastIndexByte(last.Subject, '.')+1:]
	if !found || fact == "started" { // an upload: its last row is its progress
		if last, _, err = log.LastRow(ctx, job); err != nil {
			return false, err
		}
	}
	if fact == "cancelled" { // which ends an import that is not sealed
		if _, sealed, err := log.Fact(ctx, events.SealedSubject(job)); err != nil || !sealed {
			return true, err
		}
	}
	still := now.Sub(last.Time)
	switch {
	case fact == "finished" || fact == "aborted" || fact == "undo_finished":
		return true, nil
	case still < time.Duration(d.Stalled) || last.Time.IsZero():
	case !found || fact == "started":
		d.stalled(check, "Start licenseimport serve, or the role ingest: it ends uploads that broke off", "its upload has stood still for %s", still.Round(time.Second))
	default:
		d.stalled(check, "See whether a processor runs and what its log says of this import", "it is at %s and has stood still for %s", fact, still.Round(time.Second))
	}
	return false, nil
}

// stalled reports an import that makes no progress: a problem, unless nothing runs.
func (d *diagnosis) stalled(check, advice, format string, a ...any) {
	if d.idle {
		d.warn(check, "It goes on, or is ended, when a server runs", format, a...)
		return
	}
	d.problem(check, advice, format, a...)
}

// keys checks that there is a key for the API.
func (d *diagnosis) keys(ctx context.Context, log *eventlog.Log) error {
	keys, err := access.Open(log).List(ctx)
	if err != nil {
		return err
	}
	all, err := log.Bucket(eventlog.Managers).List(ctx)
	if err != nil {
		return err
	}
	admins := 0
	for _, k := range keys {
		if k.Manager.Role == "admin" {
			admins++
		}
	}
	create := d.command("keys", "create", "NAME", "--role", "admin")
	switch {
	case d.AdminKey != "":
		d.ok("keys", "%d work, and the one from the environment", len(keys))
	case len(keys) == 0 && len(all) > 0:
		d.problem("keys", create, "all keys were revoked: nobody can call, unless a server has one from its environment")
	case len(keys) == 0 && d.ownerServesAPI(ctx): // without a key in its environment it makes one when it starts
		d.ok("keys", "none is stored; the server has one from its environment")
	case len(keys) == 0:
		d.problem("keys", create, "there is no key: nobody can call, unless a server has one from its environment")
	case admins == 0:
		d.warn("keys", create, "%d work, none of them an admin's", len(keys))
	default:
		d.ok("keys", "%d work, %d of them admins'", len(keys), admins)
	}
	return nil
}

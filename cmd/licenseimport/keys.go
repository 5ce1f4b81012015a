package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"licenseimport/events/eventlog"
	"licenseimport/internal/access"
	"licenseimport/internal/admin"
)

// keysCommand manages managers' keys.
type keysCommand struct {
	Create keysCreateCommand `cmd:"" help:"Make a key for a manager and print it: the only time that it can be seen."`
	List   keysListCommand   `cmd:"" default:"withargs" help:"Show the keys that work."`
	Revoke keysRevokeCommand `cmd:"" help:"End a key, or all keys of a manager, within a second."`
}

// Help is what --help tells beside the flags.
func (keysCommand) Help() string {
	return `A key belongs to a manager and has a role: admin may do everything; importer imports, cancels and sees own imports; viewer reads.

Examples:
  licenseimport keys create "Web shop" --role importer
  licenseimport keys create Reseller --role importer --products photo-pro,photo-lite
  licenseimport keys list
  licenseimport keys revoke "Web shop"

Works beside a running server of this machine, on a data directory without one, or by --nats-url.`
}

type keysCreateCommand struct {
	Name     string `arg:"" help:"The manager: a person or a program."`
	Role     string `placeholder:"ROLE" enum:"admin,importer,viewer" default:"importer" help:"importer (imports, and sees its own imports), viewer (sees everything, changes nothing) or admin (everything). Default: importer."`
	Products codes  `placeholder:"CODE,..." help:"Short codes that the manager is limited to. Default: every product."`
	logFlags
}

// Help is what --help tells beside the flags.
func (keysCreateCommand) Help() string {
	return `The key goes to standard output, so that a script can store it; it cannot be shown again.

Examples:
  licenseimport keys create "Web shop" --role importer
  licenseimport keys create Reseller --role importer --products photo-pro,photo-lite
  licenseimport keys create Ops --role admin --nats-url nats://nats-1:4222`
}

// codes are short codes separated by commas, at least one: a script's empty variable
// must not make a key for every product.
type codes []string

// UnmarshalText appends the codes of a flag.
func (c *codes) UnmarshalText(text []byte) error {
	for code := range strings.SplitSeq(string(text), ",") {
		if code = strings.TrimSpace(code); code == "" {
			return errors.New("must name products; leave the flag out for every product")
		}
		*c = append(*c, code)
	}
	return nil
}

// Run makes a key.
func (c *keysCreateCommand) Run(ctx context.Context, t *terminal) error {
	return c.withLog(ctx, func(log *eventlog.Log) error {
		key, err := access.Open(log).As(operator).Create(ctx, c.Name, c.Role, []string(c.Products))
		if err := recordedLater(t, err); err != nil {
			return err
		}
		fmt.Fprintf(t.err, "A key for %s, role %s. It cannot be shown again:\n", printable(c.Name), c.Role)
		_, err = fmt.Fprintln(t.out, key)
		return err
	})
}

// recordedLater is nil for a change that is made and lacks only its entry in the audit log, which it says; else err.
func recordedLater(t *terminal, err error) error {
	if _, unrecorded := errors.AsType[*eventlog.UnrecordedError](err); !unrecorded {
		return err
	}
	fmt.Fprintln(t.err, "The change is made. Its entry in the audit log could not be stored yet: "+
		"a server adds it within a minute after that is possible.")
	return nil
}

type keysListCommand struct {
	listFlags
	logFlags
}

// Help is what --help tells beside the flags.
func (keysListCommand) Help() string {
	return `Shows what each key begins with, whose it is and what it may do; never the key.

Examples:
  licenseimport keys list
  licenseimport keys list --json`
}

// Run lists the keys.
func (c *keysListCommand) Run(ctx context.Context, t *terminal) error {
	return c.withExisting(ctx, func(log *eventlog.Log) error {
		keys, err := access.Open(log).List(ctx)
		if err != nil {
			return err
		}
		used, err := access.OpenUses(log).Last(ctx)
		if err != nil {
			used = nil // a server of an earlier version does not know it
		}
		if c.JSON {
			return printList(t.out, keys, func(k access.Key) admin.Key { return admin.KeyOf(k, used) })
		}
		if len(keys) == 0 {
			fmt.Fprintln(t.out, "No keys yet: licenseimport keys create NAME")
			return nil
		}
		table := newTable(t.out, "Key begins with", "Manager", "Role", "Products", "Made at (UTC)", "Last used")
		for _, k := range keys {
			products := "every"
			if k.Manager.Limited() {
				products = strings.Join(k.Manager.Products, ", ")
			}
			table.AppendRow([]any{k.BeginsWith(), printable(k.Manager.Name), k.Manager.Role, printable(products),
				k.Created.Format(time.DateTime), lastUsed(used, k)})
		}
		table.Render()
		return nil
	})
}

// lastUsed says when a key was used last.
func lastUsed(used map[string]time.Time, k access.Key) string {
	if at, ok := used[k.Prefix]; ok {
		return at.Format(time.DateTime)
	}
	return ""
}

type keysRevokeCommand struct {
	Which string `arg:"" help:"What the key begins with (as keys list shows it), or a manager's name for all its keys."`
	logFlags
}

// Help is what --help tells beside the flags.
func (keysRevokeCommand) Help() string {
	return `Examples:
  licenseimport keys revoke "Web shop"
  licenseimport keys revoke lik_k3fd7qma`
}

// Run ends keys.
func (c *keysRevokeCommand) Run(ctx context.Context, t *terminal) error {
	return c.withExisting(ctx, func(log *eventlog.Log) error {
		keys, err := access.Open(log).As(operator).Revoke(ctx, c.Which)
		if errors.Is(err, access.ErrNoSuchKey) {
			if _, err := access.Recorded(log).Record(ctx); err != nil { // of a revocation that was cut off before its event
				return err
			}
			return errors.New("there is no such key and no such manager: licenseimport keys list shows them")
		}
		if err := recordedLater(t, err); err != nil {
			return err
		}
		for _, k := range keys {
			fmt.Fprintf(t.out, "Revoked %s of %s.\n", k.BeginsWith(), printable(k.Manager.Name))
		}
		return nil
	})
}

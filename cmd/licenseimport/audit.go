package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/internal/admin"
)

// auditCommand shows the audit log.
type auditCommand struct {
	Limit int `placeholder:"N" default:"50" help:"The newest N entries; 0: all. Default: 50."`
	listFlags
	logFlags
}

// Help is what --help tells beside the flags.
func (auditCommand) Help() string {
	return `Every change of keys, products and saved mappings, and every message that was set aside: who and when, the newest first. A change by a command on the data directory, or on NATS, is the manager "admin".

Examples:
  licenseimport audit
  licenseimport audit --limit 0 --json`
}

// Run shows the audit log.
func (c *auditCommand) Run(ctx context.Context, t *terminal) error {
	return c.withExisting(ctx, func(log *eventlog.Log) error {
		limit := c.Limit
		if limit <= 0 {
			limit = int(^uint(0) >> 1)
		}
		entries, count, err := openAudit(log).List(ctx, 0, limit)
		if err != nil {
			return err
		}
		if c.JSON {
			return printList(t.out, entries, func(e admin.Entry) admin.Entry { return e })
		}
		if count == 0 {
			fmt.Fprintln(t.out, "Nothing was changed yet.")
			return nil
		}
		table := newTable(t.out, "At (UTC)", "By", "What")
		for _, e := range entries {
			by := "not known"
			if e.Manager != nil {
				by = printable(*e.Manager)
			}
			table.AppendRow([]any{time.Time(e.Time).UTC().Format(time.DateTime), by, printable(describeOperation(e.Data))})
		}
		table.Render()
		if len(entries) < count {
			fmt.Fprintf(t.out, "%d of %d entries: --limit 0 shows all.\n", len(entries), count)
		}
		return nil
	})
}

// describeOperation says what was done.
func describeOperation(e events.Event) string {
	switch e := e.(type) {
	case *events.ManagerKeyCreated:
		products := ""
		if len(e.Products) > 0 {
			products = ", limited to " + strings.Join(e.Products, ", ")
		}
		return fmt.Sprintf("key lik_%s made for %s, role %s%s", e.Key, e.Name, e.Role, products)
	case *events.ManagerKeyRevoked:
		return fmt.Sprintf("key lik_%s of %s revoked", e.Key, e.Name)
	case *events.ProductSet:
		return "product " + e.Product.ShortCode + " set"
	case *events.ProductRemoved:
		return "product " + e.ShortCode + " removed"
	case *events.MappingSaved:
		return "mapping " + e.Mapping.Name + " saved"
	case *events.MappingRemoved:
		return "mapping " + e.Name + " removed"
	case *events.EventSetAside:
		return fmt.Sprintf("message %d set aside: %s", e.Sequence, e.Reason)
	}
	return e.Type()
}

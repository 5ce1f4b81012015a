package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/projector"
)

// setAsideCommand sets one message of LICENSES aside.
type setAsideCommand struct {
	Seq    uint64 `arg:"" help:"The message's sequence in the stream LICENSES, as /readyz and the log name it."`
	Reason string `required:"" placeholder:"TEXT" help:"Why: it is stored with the decision, for those who ask later."`
	logFlags
}

// Help is what --help tells beside the flags.
func (setAsideCommand) Help() string {
	return `A message that cannot be read stops all readers of the stream, since a license that is skipped would be lost. Where the message is not this program's, such as one that another program published by mistake, or its file is damaged and no backup has it, this lets them go on without it. The decision is stored in the stream for good; /readyz and doctor show it.

First see what it is: a message of a newer version of licenseimport needs that version. A message that can be read cannot be set aside.

Who may use the data directory, or NATS as an operator, counts as an admin.

Examples:
  licenseimport set-aside 4711 --reason "published by mistake by the shop's test"
  licenseimport set-aside 4711 --reason "not ours" --nats-url nats://nats-1:4222`
}

// operator is the manager of decisions that are made on the data directory, like that of its key.
const operator = "admin"

// Run sets the message aside.
func (c *setAsideCommand) Run(ctx context.Context, t *terminal) error {
	reason := strings.TrimSpace(c.Reason)
	if reason == "" {
		return errors.New("--reason is empty: say why, for those who ask later")
	}
	return c.withExisting(ctx, func(log *eventlog.Log) error {
		m, err := log.SetAside(ctx, events.Seq(c.Seq), operator, reason, func(ctx context.Context, m eventlog.Message) error {
			return projector.CannotFollow(ctx, log, m)
		})
		if err != nil {
			return err
		}
		fmt.Fprintf(t.out, "Set aside sequence %d of stream %s, %s: all readers go on without it.\n", c.Seq,
			events.LicensesStream, placeOf(m.Subject))
		return nil
	})
}

// placeOf says at which subject a message is that is set aside.
func placeOf(subject string) string {
	if subject == "" {
		return "whose message is damaged or gone"
	}
	return "at " + printable(subject)
}

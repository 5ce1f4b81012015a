package eventlog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"licenseimport/events"

	"github.com/nats-io/nats.go/jetstream"
)

// errDamaged is why a message cannot be read that the stream holds. Where a server reads a stream through, it leaves
// such messages out without an error.
var errDamaged = errors.New("its file is damaged")

// errFileDamaged is errDamaged where the server has dropped all messages of the file: they are too many to set aside.
var errFileDamaged = fmt.Errorf("%w, with all other events in it", errDamaged)

// gaps explains the sequences of LICENSES between two messages that a reader got one after the other. Nothing deletes a
// message of this stream but an operator, by hand or by accepting a loss.
type gaps struct {
	first   events.Seq // of the stream, when it was asked; 0: it was not
	deleted map[events.Seq]bool
	cause   error // of a message that nothing explains
}

// check returns an [*UnreadableEventError] for a message between two that is damaged and not set aside. It asks the
// stream where it does not know, until ctx ends. Where the stream's leader has the message, only the replica that was
// read lacks it: errOutOfOrder.
func (g *gaps) check(ctx context.Context, log *Log, after, before events.Seq) error {
	explained := func(seq events.Seq) bool { return seq < g.first || g.deleted[seq] || log.setAside.has(seq) }
	for seq := max(after+1, g.first); seq < before; seq++ {
		if explained(seq) {
			continue
		}
		if err := g.ask(ctx, log); err != nil {
			return err
		}
		if explained(seq) {
			seq = max(seq, g.first-1)
			continue
		}
		found := false
		err := log.retryUntilDone(ctx, log.timeout, func(ctx context.Context) (err error) {
			_, found, err = log.MessageAt(ctx, seq)
			return err
		})
		if err != nil {
			return err
		}
		if found {
			return errOutOfOrder
		}
		return &UnreadableEventError{Seq: seq, Cause: g.cause}
	}
	return nil
}

func (g *gaps) ask(ctx context.Context, log *Log) error {
	var state jetstream.StreamState
	err := log.retryUntilDone(ctx, log.timeout, func(ctx context.Context) (err error) {
		if _, err = log.refreshSetAside(ctx); err == nil {
			state, err = log.stateWithDeleted(ctx)
		}
		return err
	})
	if err != nil {
		return err
	}
	if log.server != nil && state.Msgs < log.server.most.Load() {
		// The server has dropped messages of a damaged file as if they were deleted: none counts as deleted.
		g.first, g.deleted, g.cause = 1, nil, errFileDamaged
		return nil
	}
	if g.first == 0 && len(state.Deleted) > 0 {
		slog.Warn("messages of the stream were deleted: what they said is lost", "stream", events.LicensesStream,
			"messages", len(state.Deleted), "first", state.Deleted[0])
	}
	g.first, g.deleted, g.cause = events.Seq(max(state.FirstSeq, 1)), map[events.Seq]bool{}, errDamaged
	for _, seq := range state.Deleted {
		g.deleted[events.Seq(seq)] = true
	}
	return nil
}

// DamagedBefore reads LICENSES up to a sequence, and returns an [*UnreadableEventError] for its first damaged message
// that is not set aside: where an event cannot follow the ones before it, that is why. Reads of single messages just do
// not find it.
func (l *Log) DamagedBefore(ctx context.Context, seq events.Seq) error {
	err := l.FactsUpTo(ctx, map[string]events.Seq{"": seq}, 0, nil)
	if damaged, ok := errors.AsType[*UnreadableEventError](err); ok {
		return damaged
	}
	return nil
}

// stateWithDeleted asks for the state of LICENSES, with the sequences of all deleted messages, within the time of one
// request.
func (l *Log) stateWithDeleted(ctx context.Context) (state jetstream.StreamState, err error) {
	err = l.retryWithTimeout(ctx, func(ctx context.Context) error {
		info, err := l.info(ctx, events.LicensesStream, jetstream.WithDeletedDetails(true))
		if err == nil {
			state = info.State
		}
		return err
	})
	return state, err
}

// damagedSetAside is how many messages the stream LICENSES counts that are damaged and set aside.
func (l *Log) damagedSetAside(ctx context.Context) (n uint64, err error) {
	all, err := l.SetAsides(ctx)
	if err != nil || !slices.ContainsFunc(all, isGone) {
		return 0, err
	}
	state, err := l.stateWithDeleted(ctx)
	for _, s := range all {
		if isGone(s) && s.Seq >= events.Seq(state.FirstSeq) && !slices.Contains(state.Deleted, uint64(s.Seq)) {
			n++
		}
	}
	return n, err
}

// isGone reports whether what is set aside is damaged, or was deleted since.
func isGone(s SetAside) bool { return s.Subject == "" }

package eventlog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"licenseimport/events"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// spec is one row of the two tables as a stream.
type spec struct {
	name     string
	subjects []string                                // of a stream that is no bucket
	usable   func(have jetstream.StreamConfig) error // why its settings break a promise
	create   func(ctx context.Context, js jetstream.JetStream, metadata map[string]string, replicas int) error
}

// specs are the rows of both tables.
func specs() (all []spec) {
	for _, want := range streams {
		if want.Name == events.LicensesStream {
			want.Subjects = events.LicensesSubjects // a test may have extended them
		}
		all = append(all, spec{
			name: want.Name, subjects: want.Subjects,
			usable: func(have jetstream.StreamConfig) error { return usable(have, want) },
			create: func(ctx context.Context, js jetstream.JetStream, metadata map[string]string, replicas int) error {
				want.Metadata, want.Replicas = metadata, replicas
				_, err := js.CreateStream(ctx, want)
				return err
			},
		})
	}
	for _, want := range buckets {
		all = append(all, spec{
			name:   BucketStream(want.Bucket),
			usable: func(have jetstream.StreamConfig) error { return usableBucket(have, want) },
			create: func(ctx context.Context, js jetstream.JetStream, metadata map[string]string, replicas int) error {
				want.Metadata, want.Replicas = metadata, replicas
				_, err := js.CreateKeyValue(ctx, want)
				return err
			},
		})
	}
	return all
}

func streamNames() (names []string) {
	for _, s := range specs() {
		names = append(names, s.name)
	}
	return names
}

// confirmAfter is the pause before a loss is looked at again: another process may be creating the
// streams, or marking them. Streams name each other only when all of them exist, so an inspection
// that begins after another one has seen such a mark sees all of them.
const confirmAfter = 50 * time.Millisecond

// maxSetUps bounds the rounds of setUpOnce. Each creates or marks something, or finds that another
// process has.
const maxSetUps = 10

// setUpOnce makes the log usable: see [Open].
func (l *Log) setUpOnce(ctx context.Context, config Config) error {
	for range maxSetUps {
		inv, err := l.inspectTwice(ctx, config)
		if err != nil {
			return err
		}
		missing := inv.missing()
		switch {
		case config.Existing && len(missing) == len(inv.streams):
			return ErrNoStreams
		case config.Existing && len(missing) > 0:
			return fmt.Errorf("there is no stream %s yet, as with an earlier version: "+
				"start the server of this version once, which creates it, then try again", strings.Join(missing, ", "))
		case config.Existing:
			return nil
		case len(missing) == 0:
			l.warnOfClock(inv)
			return l.settle(ctx, inv)
		}
		next := missing[0]
		if slices.Contains(missing, events.LicensesStream) {
			next = events.LicensesStream // its creation is the log's identity
		}
		if err := l.create(ctx, inv, next); err != nil {
			return err
		}
	}
	return errors.New("other processes create and delete the streams at the same time")
}

// inspectTwice inspects the streams. It returns a loss only if it sees the same one twice.
func (l *Log) inspectTwice(ctx context.Context, config Config) (inv inventory, err error) {
	var before []string
	for {
		if inv, err = l.inspect(ctx, config); err != nil {
			return inv, err
		}
		lost := inv.losses()
		if len(lost) == 0 || config.AcceptLoss {
			return inv, nil
		}
		if slices.Equal(lost, before) {
			return inv, &LossError{Lost: lost, Left: inv.left()}
		}
		before = lost
		select {
		case <-time.After(confirmAfter):
		case <-ctx.Done():
			return inv, ctx.Err()
		}
	}
}

// CheckLoss returns a *[LossError] where [Open] would. It changes nothing.
func (l *Log) CheckLoss(ctx context.Context, config Config) error {
	_, err := l.inspectTwice(ctx, config)
	return err
}

// inspect asks the server for all streams. A stream whose settings break a promise is an error.
func (l *Log) inspect(ctx context.Context, config Config) (inventory, error) {
	inv := inventory{claims: config.Claims}
	for _, s := range specs() {
		f := found{name: s.name}
		info, err := l.info(ctx, s.name)
		if err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
			return inv, fmt.Errorf("stream %s: %w", s.name, err)
		}
		if err == nil {
			f.exists, f.config, f.state, f.lastTime = true, info.Config, stateOf(info), info.State.LastTime
			inv.now = info.TimeStamp
			if err := s.usable(info.Config); err != nil {
				return inv, fmt.Errorf("stream %s: %w", s.name, err)
			}
			if s.name == events.RowsStream {
				l.fastRows.Store(fast(info.Config))
			}
		}
		inv.streams = append(inv.streams, f)
	}
	var err error
	empty := min(inv.stream(events.RowsStream).state.Last, inv.stream(BucketStream(Jobs)).state.Last) == 0
	if config.CrossCheck && empty && inv.stream(events.LicensesStream).state.Last > 0 {
		_, inv.sealed, err = l.Fact(ctx, "imports.*.sealed")
	}
	return inv, err
}

// create creates one stream. Another process may have created it a moment ago.
func (l *Log) create(ctx context.Context, inv inventory, name string) error {
	all := specs()
	s := all[slices.IndexFunc(all, func(s spec) bool { return s.name == name })]
	var metadata map[string]string
	if id := inv.identity(); id != "" {
		metadata = map[string]string{storeMark: id}
	}
	if name == events.RowsStream {
		return l.createRows(ctx, metadata)
	}
	err := s.create(ctx, l.js, metadata, max(l.replicas, 1))
	if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) || errors.Is(err, jetstream.ErrBucketExists) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("stream %s: %w", name, err)
	}
	return nil
}

// identity is the log's identity: that of its marks, else the creation of LICENSES; "" if that does
// not exist either.
func (inv inventory) identity() string {
	if store, named := inv.marks(); len(named) > 0 {
		return store
	}
	for _, s := range inv.streams {
		if s.store() != "" {
			return s.store()
		}
	}
	if licenses := inv.stream(events.LicensesStream); licenses.exists {
		return licenses.state.Created.UTC().Format(time.RFC3339Nano)
	}
	return ""
}

// settle adds the subjects that existing streams of an earlier version lack, brings their replicas to
// the wanted number, and marks the streams that are not marked: first the identity of all, then the
// list in each. Streams of a version without marks are adopted that way. A user without the right to
// change streams works without marks.
func (l *Log) settle(ctx context.Context, inv inventory) error {
	for i, s := range specs() {
		var err error
		have := inv.streams[i].config
		if inv.streams[i].config, err = addSubjects(ctx, l.js, have, s.subjects); err != nil {
			return fmt.Errorf("stream %s: %w", s.name, err)
		}
	}
	for i, s := range inv.streams {
		if l.replicas == 0 || s.config.Replicas == l.replicas {
			continue
		}
		s.config.Replicas = l.replicas
		if _, err := l.js.UpdateStream(ctx, s.config); err != nil {
			return fmt.Errorf("stream %s: %w", s.name, err)
		}
		inv.streams[i] = s
	}
	ctx, cancel := context.WithTimeout(ctx, l.timeout/2)
	defer cancel()
	_, named := inv.marks()
	for _, s := range inv.streams {
		named[s.name] = true
	}
	list := strings.Join(slices.Sorted(maps.Keys(named)), " ")
	for _, mark := range []struct{ key, value string }{{storeMark, inv.identity()}, {streamsMark, list}} {
		for i := range inv.streams {
			if err := l.mark(ctx, &inv.streams[i], mark.key, mark.value); err != nil {
				slog.Warn("the streams are not marked, so one that gets lost may not be noticed: start once as a user that may change streams",
					"stream", inv.streams[i].name, "error", err)
				return nil
			}
		}
	}
	return nil
}

// addSubjects adds the subjects that a stream of an earlier version lacks. A user who may not
// change streams goes on without them: the operator's user adds them.
func addSubjects(ctx context.Context, js jetstream.JetStream, have jetstream.StreamConfig, want []string) (jetstream.StreamConfig, error) {
	if len(want) == 0 || len(have.Subjects) == len(want) {
		return have, nil
	}
	next := have
	next.Subjects = want
	_, err := js.UpdateStream(ctx, next)
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrTimeout) {
		slog.Warn("the stream has the subjects of an earlier version: run a command with a user who may change streams",
			"stream", have.Name, "subjects", want)
		return have, nil
	}
	if err != nil {
		return have, fmt.Errorf("add its subjects: %w", err)
	}
	slog.Info("added the stream's new subjects", "stream", have.Name, "subjects", want)
	return next, nil
}

func (l *Log) mark(ctx context.Context, s *found, key, value string) error {
	if s.config.Metadata[key] == value {
		return nil
	}
	metadata := maps.Clone(s.config.Metadata)
	if metadata == nil {
		metadata = map[string]string{}
	}
	metadata[key] = value
	s.config.Metadata = metadata
	_, err := l.js.UpdateStream(ctx, s.config)
	return err
}

// maxClockStep is how far the newest message may be ahead of the server's clock.
const maxClockStep = 2 * time.Second

// warnOfClock warns of a clock that was set back. Nothing is deleted because of it: ages are then
// too small.
func (l *Log) warnOfClock(inv inventory) {
	if behind := inv.clockBehind(); behind > 0 {
		slog.Warn("the NATS server's clock is behind its newest event: it was set back, or was wrong before. Set it by NTP; "+
			"times in results mislead until then", "behind", behind.Round(time.Second), "newest_event", inv.newest().UTC())
	}
}

// clockBehind is how far the server's clock is behind its newest message; 0: not more than
// maxClockStep.
func (inv inventory) clockBehind() time.Duration {
	if behind := inv.newest().Sub(inv.now); behind > maxClockStep {
		return behind
	}
	return 0
}

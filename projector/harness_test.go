package projector

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"licenseimport/events/eventlog"
	"licenseimport/projector/projectortest"
	"licenseimport/projector/viewstore"
)

// Short names for the helpers of projectortest.
type memLog = projectortest.MemLog

var (
	logBegins   = projectortest.Begins
	newMemLog   = projectortest.NewMemLog
	newReal     = projectortest.NewStream
	started     = projectortest.Started
	imported    = projectortest.Imported
	rejection   = projectortest.Rejected
	progressed  = projectortest.Progressed
	sealed      = projectortest.Sealed
	finished    = projectortest.Finished
	manyImports = projectortest.ManyImports
)

// harness is a Projector that runs.
type harness struct {
	testing.TB
	*Projector
	ended  chan error
	cancel func() // ends Run
	stop   func()
}

// newHarness runs a projector on a directory until the test ends or stop is called.
func newHarness(t testing.TB, dir string, log Log) *harness {
	t.Helper()
	p, err := Open(t.Context(), dir, log)
	check(t, err)
	return runHarness(t, p)
}

// runHarness runs a projector that is open.
func runHarness(t testing.TB, p *Projector) *harness {
	t.Helper()
	r := &harness{TB: t, Projector: p, ended: make(chan error, 1)}
	ctx, cancel := context.WithCancel(t.Context())
	r.cancel = cancel
	go func() { r.ended <- p.Run(ctx) }()
	stopped := false
	r.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		<-r.ended
		check(t, p.Close())
	}
	t.Cleanup(r.stop)
	return r
}

// catchUp waits until the views hold the whole stream.
func (r *harness) catchUp() {
	r.Helper()
	ctx, cancel := context.WithTimeout(r.Context(), 20*time.Second)
	defer cancel()
	state, err := r.log.State(ctx)
	check(r, err)
	check(r, r.WaitFor(ctx, state.Last))
}

// answers returns the API's answers to many requests as one text. answers_test.go sets it, since this
// package cannot import the API.
var answers func(t testing.TB, p *Projector) string

// SetAnswers sets answers.
func SetAnswers(f func(t testing.TB, p *Projector) string) { answers = f }

// answersOf are the answers when the views hold the whole stream.
func answersOf(r *harness) string {
	r.Helper()
	r.catchUp()
	return answers(r, r.Projector)
}

// check ends the test on an error.
func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// openViews opens the views' file of a directory as one of the test's stream.
func openViews(t testing.TB, dir string) *viewstore.Store {
	t.Helper()
	s, err := viewstore.Open(filepath.Join(dir, FileName), schema)
	check(t, err)
	setOrigin(s, eventlog.State{Created: logBegins})
	return s
}

// readAll reads without a limit.
func readAll(f func(r *Reader)) func(views *viewstore.Reader) error {
	return func(views *viewstore.Reader) error {
		r := &Reader{views, viewstore.NewBound(func() error { return nil })}
		f(r)
		return r.bound.Err()
	}
}

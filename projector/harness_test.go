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

// Short names of what tests of several packages share.
type tape = projectortest.MemLog

var (
	tapeBegins  = projectortest.Begins
	newTape     = projectortest.NewMemLog
	newReal     = projectortest.NewStream
	started     = projectortest.Started
	imported    = projectortest.Imported
	rejection   = projectortest.Rejected
	progressed  = projectortest.Progressed
	sealed      = projectortest.Sealed
	finished    = projectortest.Finished
	manyImports = projectortest.ManyImports
)

// rig is a Projector that runs.
type rig struct {
	testing.TB
	*Projector
	ended chan error
	stop  func()
}

// newRig runs a projector on a folder until the test ends or stop is called.
func newRig(t testing.TB, dir string, log Log) *rig {
	t.Helper()
	p, err := Open(t.Context(), dir, log)
	check(t, err)
	r := &rig{TB: t, Projector: p, ended: make(chan error, 1)}
	ctx, cancel := context.WithCancel(t.Context())
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
func (r *rig) catchUp() {
	r.Helper()
	ctx, cancel := context.WithTimeout(r.Context(), 20*time.Second)
	defer cancel()
	state, err := r.log.State(ctx)
	check(r, err)
	check(r, r.WaitFor(ctx, state.Last))
}

// answers gives what the API answers to many requests, in one text; answers_test.go sets it, since
// this package cannot import the API.
var answers func(t testing.TB, p *Projector) string

// SetAnswers sets answers.
func SetAnswers(f func(t testing.TB, p *Projector) string) { answers = f }

// answersOf are the answers when the views hold the whole stream.
func answersOf(r *rig) string {
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
	setOrigin(s, eventlog.State{Created: tapeBegins})
	return s
}

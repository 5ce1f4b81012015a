package main

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"licenseimport/internal/httpx"
)

const (
	// checkTime bounds all checks of one look together.
	checkTime = 3 * time.Second
	// freshTime is how long who asks waits for a look of its own before it is told what
	// the last one saw: a server with much to do still answers in time.
	freshTime = 30 * time.Millisecond
	// staleTime is how old that may be.
	staleTime = 5 * time.Second
)

// check is one thing that must hold before a process is ready.
type check struct {
	name string
	ask  func(context.Context) error
}

// readiness is what /readyz says. The log is told only what changes: it is asked every
// few seconds.
type readiness struct {
	checks func() []check
	log    *slog.Logger
	fresh  time.Duration

	mu      sync.Mutex
	looking chan struct{} // closed when the look under way ends; nil: none is
	last    *httpx.Error  // what it saw; nil: all is well
	seen    time.Time     // when; zero: never
	parts   []string      // that were not ready then
}

func newReadiness(log *slog.Logger, checks func() []check) *readiness {
	return &readiness{checks: checks, log: log, fresh: freshTime}
}

// now is why the process is not ready, or nil.
func (r *readiness) now(ctx context.Context) *httpx.Error {
	done := r.look()
	timer := time.NewTimer(r.fresh)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
		if err, known := r.recent(); known {
			return err
		}
		select {
		case <-done:
		case <-ctx.Done():
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last
}

// recent is what the last look saw; false where that is too long ago.
func (r *readiness) recent() (*httpx.Error, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last, time.Since(r.seen) < staleTime
}

// look begins a look, or joins the one under way.
func (r *readiness) look() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.looking == nil {
		done := make(chan struct{})
		r.looking = done
		go func() {
			err := notReady(context.Background(), r.checks())
			r.mu.Lock()
			defer r.mu.Unlock()
			r.saw(err)
			r.looking = nil
			close(done)
		}()
	}
	return r.looking
}

// saw remembers, and tells the log what has changed.
func (r *readiness) saw(err *httpx.Error) {
	var parts []string
	if err != nil {
		for _, p := range err.Problems {
			parts = append(parts, p.Code)
		}
	}
	switch {
	case slices.Equal(parts, r.parts):
	case err != nil:
		r.log.Warn("not ready", "reason", err.Detail)
	default:
		r.log.Info("ready again")
	}
	r.last, r.seen, r.parts = err, time.Now(), parts
}

// notReady names everything that does not hold, or is nil.
func notReady(ctx context.Context, checks []check) *httpx.Error {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	var reasons []string
	var problems []httpx.Problem
	for _, c := range checks {
		if err := c.ask(ctx); err != nil {
			reasons = append(reasons, c.name+": "+err.Error())
			problems = append(problems, httpx.Problem{Code: c.name, Message: err.Error()})
		}
	}
	if len(problems) == 0 {
		return nil
	}
	e := httpx.Unavailable(time.Second, "not_ready", "Not ready: %s.", strings.Join(reasons, "; ")).With(problems...)
	e.Unlogged = true // see saw
	return e
}

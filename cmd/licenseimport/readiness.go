package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"licenseimport/internal/httpx"
)

const (
	// probeTimeout bounds all checks of one probe together.
	probeTimeout = 3 * time.Second
	// probeWait is how long a request waits for a probe. Then it gets the result of
	// the last one, so that a busy server answers in time.
	probeWait = 30 * time.Millisecond
	// maxProbeAge bounds the age of that result.
	maxProbeAge = 5 * time.Second
)

// check is one condition of readiness.
type check struct {
	name string
	run  func(context.Context) error
}

// readiness answers /readyz. It is asked every few seconds, so it logs changes only.
type readiness struct {
	checks   func() []check
	setAside func(context.Context) []setAsideBody // what operators have set aside
	log      *slog.Logger
	wait     time.Duration // probeWait, but for tests
	stopping atomic.Bool

	mu       sync.Mutex
	probing  chan struct{} // closed at the end of the probe in flight; nil: none
	last     *httpx.Error  // the last result; nil: ready
	probedAt time.Time     // of last; zero: never
	failing  []string      // names of the checks that failed then
}

func newReadiness(log *slog.Logger, checks func() []check) *readiness {
	none := func(context.Context) []setAsideBody { return nil }
	return &readiness{checks: checks, setAside: none, log: log, wait: probeWait}
}

// stop makes the process not ready: new uploads are refused, and load balancers shall send no more.
func (r *readiness) stop() { r.stopping.Store(true) }

// isStopping is the one check of a process that stops.
var isStopping = check{"stopping", func(context.Context) error { return errors.New("the process has been told to stop") }}

// current returns why the process is not ready, or nil.
func (r *readiness) current(ctx context.Context) *httpx.Error {
	if r.stopping.Load() {
		return notReady(ctx, []check{isStopping})
	}
	done := r.probe()
	timer := time.NewTimer(r.wait)
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

// recent returns the last result; false where it is older than maxProbeAge.
func (r *readiness) recent() (*httpx.Error, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last, time.Since(r.probedAt) < maxProbeAge
}

// probe starts a probe, or joins the one in flight. The channel is closed at its end.
func (r *readiness) probe() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.probing == nil {
		done := make(chan struct{})
		r.probing = done
		go func() {
			err := notReady(context.Background(), r.checks())
			r.mu.Lock()
			defer r.mu.Unlock()
			r.record(err)
			r.probing = nil
			close(done)
		}()
	}
	return r.probing
}

// record stores a result, and logs which checks have changed.
func (r *readiness) record(err *httpx.Error) {
	var failing []string
	if err != nil {
		for _, p := range err.Problems {
			failing = append(failing, p.Code)
		}
	}
	switch {
	case slices.Equal(failing, r.failing):
	case err != nil:
		r.log.Warn("not ready", "reason", err.Detail)
	default:
		r.log.Info("ready again")
	}
	r.last, r.probedAt, r.failing = err, time.Now(), failing
}

// notReady runs all checks and returns a 503 that names those that fail, or nil.
func notReady(ctx context.Context, checks []check) *httpx.Error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	var reasons []string
	var problems []httpx.Problem
	for _, c := range checks {
		if err := c.run(ctx); err != nil {
			reasons = append(reasons, c.name+": "+err.Error())
			problems = append(problems, httpx.Problem{Code: c.name, Message: err.Error()})
		}
	}
	if len(problems) == 0 {
		return nil
	}
	e := httpx.Unavailable(time.Second, "not_ready", "Not ready: %s.", strings.Join(reasons, "; ")).With(problems...)
	e.Unlogged = true // record logs it
	return e
}

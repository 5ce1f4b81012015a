package ingest

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// patience says when a projector that does not answer is given up.
type patience struct {
	headers time.Duration // how long a request waits for the answer's headers before the projector is probed, and between two probes
	probe   time.Duration // how long the projector may take to say that it lives
}

// defaultPatience is for a stopped process or a dead machine, whose connections stay open without a word. A
// projector that lives may take any time for an answer, such as a large export.
var defaultPatience = patience{headers: 10 * time.Second, probe: 2 * time.Second}

// watchedTransport sends requests to the projector, and ends those that wait for a projector which does not
// even answer /healthz.
type watchedTransport struct {
	patience patience
	health   string // the address of the projector's /healthz
	requests http.RoundTripper
	probes   http.RoundTripper // each probe has its own connection: an old one may be dead
}

func newWatchedTransport(projector *url.URL, p patience) *watchedTransport {
	requests := http.DefaultTransport.(*http.Transport)
	probes := requests.Clone()
	probes.DisableKeepAlives = true
	return &watchedTransport{p, projector.JoinPath("healthz").String(), requests, probes}
}

// RoundTrip implements [http.RoundTripper].
func (t *watchedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(r.Context())
	w := &headerWait{over: make(chan struct{})}
	go t.watch(ctx, w, cancel)
	res, err := t.requests.RoundTrip(r.WithContext(ctx)) // r's context ends after the body was read
	if !w.end() && err == nil {
		_ = res.Body.Close()
		return nil, context.Cause(ctx)
	}
	return res, err
}

// watch probes the projector while there is no answer, and ends the request if it is silent.
func (t *watchedTransport) watch(ctx context.Context, w *headerWait, cancel context.CancelCauseFunc) {
	timer := time.NewTimer(t.patience.headers)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-w.over:
			return
		case <-ctx.Done():
			return
		}
		if err := t.probe(ctx); err != nil {
			if w.end() {
				cancel(err)
			}
			return
		}
		timer.Reset(t.patience.headers)
	}
}

// headerWait is a request that waits for its answer's headers.
type headerWait struct {
	once sync.Once
	over chan struct{} // closed when it has ended
}

// end ends the wait. It reports false if it had ended before, so that an answer which comes during the last
// probe is passed on whole or not at all.
func (w *headerWait) end() (first bool) {
	w.once.Do(func() {
		close(w.over)
		first = true
	})
	return first
}

// probe asks the projector whether it lives. Any answer says so.
func (t *watchedTransport) probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, t.patience.probe)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, t.health, nil)
	if err != nil {
		return err
	}
	res, err := t.probes.RoundTrip(r)
	if err != nil {
		return fmt.Errorf("no answer, and the projector's /healthz does not answer: %w", err)
	}
	return res.Body.Close()
}

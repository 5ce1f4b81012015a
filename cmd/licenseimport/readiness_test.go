package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"licenseimport/internal/httpx"
	"licenseimport/internal/metrics"
)

// TestReadinessIsLoggedWhenItChanges: a request alone logs nothing.
func TestReadinessIsLoggedWhenItChanges(t *testing.T) {
	var log bytes.Buffer
	failures := map[string]error{}
	newCheck := func(name string) check {
		return check{name, func(context.Context) error { return failures[name] }}
	}
	logger := slog.New(slog.NewTextHandler(&log, nil))
	router := httpx.NewRouter(httpx.Options{Log: logger})
	ready := newReadiness(logger, func() []check { return []check{newCheck("nats"), newCheck("views")} })
	ready.wait = time.Minute
	registerHealth(router, metrics.New("test"), ready)
	handler, err := router.Handler()
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		check  string
		err    error
		status int
		logged string // part of the one line in the log; "": no line
	}{
		{"nats", nil, 200, ""},
		{"nats", errors.New("5 MiB are left"), 503, "5 MiB are left"},
		{"nats", errors.New("4 MiB are left"), 503, ""},
		{"views", errors.New("behind"), 503, "behind"},
		{"nats", nil, 503, "behind"},
		{"nats", nil, 503, ""},
		{"views", nil, 200, "ready again"},
		{"views", nil, 200, ""},
	} {
		failures[step.check] = step.err
		log.Reset()
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest("GET", "/readyz", nil))
		if w.Code != step.status {
			t.Errorf("%s %v: %d, want %d", step.check, step.err, w.Code, step.status)
		}
		if lines := strings.Count(log.String(), "\n"); step.logged == "" && lines != 0 || step.logged != "" && (lines != 1 || !strings.Contains(log.String(), step.logged)) {
			t.Errorf("%s %v: logged %q, want %q", step.check, step.err, log.String(), step.logged)
		}
	}
}

// TestReadinessDoesNotWait: during a slow probe, requests get the last result. Without a
// last result they wait.
func TestReadinessDoesNotWait(t *testing.T) {
	started, result := make(chan struct{}), make(chan error)
	r := newReadiness(slog.New(slog.DiscardHandler), func() []check {
		return []check{{"slow", func(context.Context) error { started <- struct{}{}; return <-result }}}
	})
	r.wait = time.Millisecond
	first := make(chan error, 1)
	go func() {
		if err := r.current(context.Background()); err != nil {
			first <- err
			return
		}
		first <- nil
	}()
	<-started
	result <- errors.New("the first result")
	if err := <-first; err == nil || !strings.Contains(err.Error(), "the first result") {
		t.Errorf("the first request got %v", err)
	}
	second := make(chan *httpx.Error, 1)
	go func() { second <- r.current(context.Background()) }()
	<-started // the probe is in flight until it gets its result
	if err := <-second; err == nil || !strings.Contains(err.Error(), "the first result") {
		t.Errorf("during the second probe: %v", err)
	}
	done := r.probe()
	result <- nil
	<-done
	if err, known := r.recent(); err != nil || !known {
		t.Errorf("after the second probe: %v, %v", err, known)
	}
	r.probedAt = time.Now().Add(-time.Hour)
	if _, known := r.recent(); known {
		t.Error("a result was used that is an hour old")
	}
}

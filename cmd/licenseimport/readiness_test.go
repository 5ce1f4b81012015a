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

// TestReadinessIsLoggedWhenItChanges: not each time that somebody asks.
func TestReadinessIsLoggedWhenItChanges(t *testing.T) {
	var log bytes.Buffer
	failures := map[string]error{}
	part := func(name string) check {
		return check{name, func(context.Context) error { return failures[name] }}
	}
	logger := slog.New(slog.NewTextHandler(&log, nil))
	router := httpx.NewRouter(httpx.Options{Log: logger})
	ready := newReadiness(logger, func() []check { return []check{part("nats"), part("views")} })
	ready.fresh = time.Minute
	operations(router, metrics.New("test"), ready)
	handler, err := router.Handler()
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		part   string
		err    error
		status int
		logged string // what the log is told, empty: nothing
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
		failures[step.part] = step.err
		log.Reset()
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest("GET", "/readyz", nil))
		if w.Code != step.status {
			t.Errorf("%s %v: %d, want %d", step.part, step.err, w.Code, step.status)
		}
		if lines := strings.Count(log.String(), "\n"); step.logged == "" && lines != 0 || step.logged != "" && (lines != 1 || !strings.Contains(log.String(), step.logged)) {
			t.Errorf("%s %v: the log is told %q, want %q", step.part, step.err, log.String(), step.logged)
		}
	}
}

// TestReadinessDoesNotWait: while a look takes long, what the last one saw is told; without
// one there is nothing to tell, so who asks waits.
func TestReadinessDoesNotWait(t *testing.T) {
	looking, goOn := make(chan struct{}), make(chan error)
	r := newReadiness(slog.New(slog.DiscardHandler), func() []check {
		return []check{{"slow", func(context.Context) error { looking <- struct{}{}; return <-goOn }}}
	})
	r.fresh = time.Millisecond
	first := make(chan error, 1)
	go func() {
		if err := r.now(context.Background()); err != nil {
			first <- err
			return
		}
		first <- nil
	}()
	<-looking
	goOn <- errors.New("the first look")
	if err := <-first; err == nil || !strings.Contains(err.Error(), "the first look") {
		t.Errorf("the first to ask is told %v", err)
	}
	second := make(chan *httpx.Error, 1)
	go func() { second <- r.now(context.Background()) }()
	<-looking // and does not go on
	if err := <-second; err == nil || !strings.Contains(err.Error(), "the first look") {
		t.Errorf("during the second look is told %v", err)
	}
	done := r.look()
	goOn <- nil
	<-done
	if err, known := r.recent(); err != nil || !known {
		t.Errorf("the second look saw %v %v", err, known)
	}
	r.seen = time.Now().Add(-time.Hour)
	if _, known := r.recent(); known {
		t.Error("what is an hour old is told")
	}
}

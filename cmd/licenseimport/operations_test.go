package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

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
	operations(router, metrics.New("test"), logger, func() []check { return []check{part("nats"), part("views")} })
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

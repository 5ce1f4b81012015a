package main

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"licenseimport/internal/httpx"
	"licenseimport/internal/metrics"
	"licenseimport/internal/openapi"
)

// check is one thing that must hold before a process is ready.
type check struct {
	name string
	ask  func(context.Context) error
}

// checkTime bounds all checks of one request together.
const checkTime = 3 * time.Second

// operations registers what every role that speaks HTTP has for its operator.
// The log is told when readiness changes.
func operations(router *httpx.Router, set *metrics.Set, log *slog.Logger, checks func() []check) {
	scrape, changes := set.Handler(), &readiness{to: log}
	router.Handle("GET", "/healthz", func(w http.ResponseWriter, _ *http.Request, _ httpx.Params) error {
		return httpx.WriteJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	router.Handle("GET", "/readyz", func(w http.ResponseWriter, r *http.Request, _ httpx.Params) error {
		err := notReady(r.Context(), checks())
		changes.log(err)
		if err != nil {
			return err
		}
		return httpx.WriteJSON(w, http.StatusOK, map[string]string{"status": "ready"})
	})
	router.Handle("GET", openapi.Path, openapi.Handler)
	router.Handle("GET", "/metrics", func(w http.ResponseWriter, r *http.Request, _ httpx.Params) error {
		scrape.ServeHTTP(w, r)
		return nil
	})
}

// readiness remembers what /readyz said last: it is asked every few seconds, and only
// what changes is worth a line in the log.
type readiness struct {
	to   *slog.Logger
	mu   sync.Mutex
	last []string // the parts that were not ready
}

func (l *readiness) log(err *httpx.Error) {
	var parts []string
	if err != nil {
		for _, p := range err.Problems {
			parts = append(parts, p.Code)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case slices.Equal(parts, l.last):
	case err != nil:
		l.to.Warn("not ready", "reason", err.Detail)
	default:
		l.to.Info("ready again")
	}
	l.last = parts
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
	e.Unlogged = true // see readiness
	return e
}

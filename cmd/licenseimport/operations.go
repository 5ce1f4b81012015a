package main

import (
	"context"
	"net/http"
	"strings"
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
func operations(router *httpx.Router, set *metrics.Set, checks func() []check) {
	scrape := set.Handler()
	router.Handle("GET", "/healthz", func(w http.ResponseWriter, _ *http.Request, _ httpx.Params) error {
		return httpx.WriteJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	router.Handle("GET", "/readyz", func(w http.ResponseWriter, r *http.Request, _ httpx.Params) error {
		if err := notReady(r.Context(), checks()); err != nil {
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

// notReady names everything that does not hold, or is nil.
func notReady(ctx context.Context, checks []check) error {
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
	return httpx.Unavailable(time.Second, "not_ready", "Not ready: %s.", strings.Join(reasons, "; ")).With(problems...)
}

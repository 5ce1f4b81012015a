package main

import (
	"context"
	"net/http"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/internal/httpx"
	"licenseimport/internal/metrics"
	"licenseimport/internal/openapi"
)

// registerHealth registers the operator's routes, which every role with HTTP has.
func registerHealth(router *httpx.Router, set *metrics.Set, ready *readiness) {
	scrape := set.Handler()
	router.Handle("GET", "/healthz", func(w http.ResponseWriter, _ *http.Request, _ httpx.Params) error {
		return httpx.WriteJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	router.Handle("GET", "/readyz", func(w http.ResponseWriter, r *http.Request, _ httpx.Params) error {
		if err := ready.current(r.Context()); err != nil {
			return err
		}
		return httpx.WriteJSON(w, http.StatusOK, readyBody{Status: "ready", SetAside: ready.setAside(r.Context())})
	})
	router.Handle("GET", openapi.Path, openapi.Handler)
	router.Handle("GET", openapi.JSONPath, openapi.JSONHandler)
	router.Handle("GET", "/metrics", func(w http.ResponseWriter, r *http.Request, _ httpx.Params) error {
		scrape.ServeHTTP(w, r)
		return nil
	})
}

// readyBody is the answer of /readyz where the process is ready.
type readyBody struct {
	Status   string         `json:"status"`
	SetAside []setAsideBody `json:"set_aside,omitempty"`
}

// setAsideBody is one message that an operator has set aside.
type setAsideBody struct {
	Sequence events.Seq `json:"sequence"`
	Manager  string     `json:"manager"`
	Reason   string     `json:"reason"`
}

// listSetAside lists what is set aside in a log; nothing where the log cannot be asked: then the
// process is not ready.
func listSetAside(ctx context.Context, log *eventlog.Log) (list []setAsideBody) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	all, err := log.SetAsides(ctx)
	if err != nil {
		return nil
	}
	for _, s := range all {
		list = append(list, setAsideBody{Sequence: s.Seq, Manager: s.Manager, Reason: s.Reason})
	}
	return list
}

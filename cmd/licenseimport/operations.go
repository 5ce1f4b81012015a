package main

import (
	"net/http"

	"licenseimport/internal/httpx"
	"licenseimport/internal/metrics"
	"licenseimport/internal/openapi"
)

// operations registers what every role that speaks HTTP has for its operator.
func operations(router *httpx.Router, set *metrics.Set, ready *readiness) {
	scrape := set.Handler()
	router.Handle("GET", "/healthz", func(w http.ResponseWriter, _ *http.Request, _ httpx.Params) error {
		return httpx.WriteJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	router.Handle("GET", "/readyz", func(w http.ResponseWriter, r *http.Request, _ httpx.Params) error {
		if err := ready.now(r.Context()); err != nil {
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

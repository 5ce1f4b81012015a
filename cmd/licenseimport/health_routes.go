package main

import (
	"net/http"

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
		return httpx.WriteJSON(w, http.StatusOK, map[string]string{"status": "ready"})
	})
	router.Handle("GET", openapi.Path, openapi.Handler)
	router.Handle("GET", "/metrics", func(w http.ResponseWriter, r *http.Request, _ httpx.Params) error {
		scrape.ServeHTTP(w, r)
		return nil
	})
}

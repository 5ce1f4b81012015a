package main

import (
	"net/http"
	"sync/atomic"
)

// gate passes requests on to the handler that was set last. So a role answers
// /healthz while it still waits for its NATS server.
type gate struct{ handler atomic.Pointer[http.Handler] }

func (g *gate) set(h http.Handler) { g.handler.Store(&h) }

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) { (*g.handler.Load()).ServeHTTP(w, r) }

package httpx

import (
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// run answers one request by its route and sees to all that is the same for
// each: headers, errors, panics, log and metrics.
func (rt *Router) run(rw http.ResponseWriter, r *http.Request, matched *route, p Params) {
	began := time.Now()
	w := &writer{ResponseWriter: rw, head: r.Method == http.MethodHead, within: rt.within}
	defer func() { rt.report(w, r, matched, time.Since(began)) }()
	securityHeaders(w.Header(), r.URL.Path)
	r = watchBody(r)
	body := r.Body // the handler may put a limit around it
	err := call(matched.handler, w, r, p)
	if err == nil {
		return
	}
	if w.status != 0 {
		rt.log.Debug("answer cut off", "method", r.Method, "route", matched.pattern, "error", err)
		panic(http.ErrAbortHandler)
	}
	drain(w, body, drainBytes, drainTime)
	writeError(rt.log, w, r, err)
}

// call turns a panic into an error. http.ErrAbortHandler stays what it is: a
// handler's wish to cut the connection.
func call(h Handler, w http.ResponseWriter, r *http.Request, p Params) (err error) {
	defer func() {
		switch v := recover(); v {
		case nil:
		case http.ErrAbortHandler:
			panic(v)
		default:
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	return h(w, r, p)
}

// securityHeaders are those that every answer has. A handler may replace them.
func securityHeaders(h http.Header, path string) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	if strings.HasPrefix(path, "/api/") {
		h.Set("Cache-Control", "no-store")
	}
}

// report tells log and metrics the registered path, never the one requested:
// queries hold license keys.
func (rt *Router) report(w *writer, r *http.Request, matched *route, d time.Duration) {
	status, method := w.status, r.Method
	if status == 0 {
		status = http.StatusOK // net/http writes it for a handler that wrote nothing
	}
	if !slices.Contains(methods, method) {
		method = "other"
	}
	rt.observe(matched.pattern, method, status, d)
	if rt.log.Enabled(r.Context(), slog.LevelDebug) {
		rt.log.Debug("request", "method", method, "route", matched.pattern, "status", status, "duration", d)
	}
}

package httpx

import (
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// run answers one request, and does what every request needs: headers, errors,
// panics, log and metrics.
func (rt *Router) run(rw http.ResponseWriter, r *http.Request, matched target, p Params) {
	began := time.Now()
	w := &writer{ResponseWriter: rw, head: r.Method == http.MethodHead, within: rt.within}
	defer func() { rt.report(w, r, matched, time.Since(began)) }()
	securityHeaders(w.Header(), r.URL.Path)
	identify(w.Header(), r)
	r = watchBody(w, rt.external.mark(r))
	if takesNoBody(r.Method) {
		r = withoutBody(w, r)
	}
	body := r.Body // the handler may wrap r.Body in a limit
	handler := matched.handler
	if headerBytes(r) > maxHeaderBytes { // only over TLS: see [Listen]
		handler = refuseHeaders
	}
	err := call(handler, w, r, p)
	if err == nil {
		skipNeedlessBody(w, r.ProtoMajor, body)
		return
	}
	if w.status != 0 {
		rt.log.Debug("answer cut off", "request_id", requestID(r), "method", r.Method, "route", matched.pattern, "error", err)
		panic(http.ErrAbortHandler)
	}
	drain(w, body, math.MaxInt64, DrainTime)
	writeError(rt.log, w, r, err)
}

// call turns a panic into an error, but for http.ErrAbortHandler, by which a handler
// cuts the connection.
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

// securityHeaders sets the headers of every answer. A handler may replace them.
func securityHeaders(h http.Header, path string) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	if strings.HasPrefix(path, "/api/") {
		h.Set("Cache-Control", "no-store")
	}
}

// report passes the registered path to log and metrics, never the requested one:
// queries hold license keys.
func (rt *Router) report(w *writer, r *http.Request, matched target, d time.Duration) {
	status, method := w.status, r.Method
	if status == 0 {
		status = http.StatusOK // net/http sends it for a handler that wrote nothing
	}
	if !slices.Contains(methods, method) {
		method = "other"
	}
	rt.observe(matched.pattern, method, status, d)
	if rt.log.Enabled(r.Context(), slog.LevelDebug) {
		rt.log.Debug("request", "request_id", requestID(r), "method", method, "route", matched.pattern, "status", status, "duration", d)
	}
}

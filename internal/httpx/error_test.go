package httpx

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestErrors(t *testing.T) {
	const start = `{"type":"about:blank","title":`
	for name, c := range map[string]struct {
		err    error
		want   string // the body behind start
		header string // one header: "name: value"
	}{
		"bad request": {BadRequest("bad", "<a> & %d", 1),
			`"Bad Request","status":400,"detail":"<a> & 1","code":"bad","message":"<a> & 1"}`, ""},
		"wrapped": {fmt.Errorf("while reading: %w", NotFound("No import %d.", 7)),
			`"Not Found","status":404,"detail":"No import 7.","code":"not_found","message":"No import 7."}`, ""},
		"of a job": {Conflict("cancelled", "Cancelled.").ForJob(10),
			`"Conflict","status":409,"detail":"Cancelled.","code":"cancelled","message":"Cancelled.","job_id":10}`, ""},
		"several mistakes": {BadRequest("invalid_header", "Two.").With(Problem{Column: "a", Code: "missing", Message: "A."}, Problem{Code: "twice", Message: "B.", Parameter: "map=a:b"}),
			`"Bad Request","status":400,"detail":"Two.","code":"invalid_header","message":"Two.","errors":[{"column":"a","code":"missing","message":"A."},{"code":"twice","message":"B.","parameter":"map=a:b"}]}`, ""},
		"unauthorized": {Unauthorized("invalid_key", "Who?"),
			`"Unauthorized","status":401,"detail":"Who?","code":"invalid_key","message":"Who?"}`, "WWW-Authenticate: Api-Key"},
		"forbidden": {Forbidden("No."),
			`"Forbidden","status":403,"detail":"No.","code":"permission_denied","message":"No."}`, ""},
		"too slow": {Timeout("slow_upload", "Slow."),
			`"Request Timeout","status":408,"detail":"Slow.","code":"slow_upload","message":"Slow."}`, ""},
		"too large": {TooLarge("file_too_large", "Large."),
			`"Request Entity Too Large","status":413,"detail":"Large.","code":"file_too_large","message":"Large."}`, ""},
		"unsupported": {Unsupported("not_csv", "Excel."),
			`"Unsupported Media Type","status":415,"detail":"Excel.","code":"not_csv","message":"Excel."}`, ""},
		"unprocessable": {Unprocessable("reused", "Reused."),
			`"Unprocessable Entity","status":422,"detail":"Reused.","code":"reused","message":"Reused."}`, ""},
		"too many": {TooMany(1100*time.Millisecond, "Slower."),
			`"Too Many Requests","status":429,"detail":"Slower.","code":"too_many_requests","message":"Slower."}`, "Retry-After: 2"},
		"unavailable": {Unavailable(time.Millisecond, "unavailable", "Later.").Because(errors.New("secret")),
			`"Service Unavailable","status":503,"detail":"Later.","code":"unavailable","message":"Later."}`, "Retry-After: 1"},
		"bad parameter": {BadParameter("limit", "a\n\"\xff", "a whole number"),
			`"Bad Request","status":400,"detail":"Query parameter limit=a\\n\\\"` + "\uFFFD" + `: must be a whole number.",` +
				`"code":"invalid_parameter","message":"Query parameter limit=a\\n\\\"` + "\uFFFD" + `: must be a whole number."}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := httptest.NewRecorder()
			writeError(slog.New(slog.DiscardHandler), w, httptest.NewRequest("GET", "/", nil), c.err)
			if got := strings.TrimSpace(w.Body.String()); got != start+c.want {
				t.Errorf("got  %s\nwant %s", got, start+c.want)
			}
			if w.Header().Get("Content-Type") != "application/problem+json" || !strings.Contains(c.want, fmt.Sprintf(`"status":%d`, w.Code)) {
				t.Errorf("%d %v", w.Code, w.Header())
			}
			if name, value, _ := strings.Cut(c.header, ": "); name != "" && w.Header().Get(name) != value {
				t.Errorf("%s: %q", name, w.Header().Get(name))
			}
		})
	}
}

func TestLongValuesAreCut(t *testing.T) {
	if got := BadParameter("q", strings.Repeat("ä", 1000), "short").Detail; len(got) > 200 || !strings.Contains(got, "ä…:") {
		t.Errorf("%d bytes: %s", len(got), got)
	}
}

// TestUnknownErrors: the log has the cause, the client only the id to find it.
func TestUnknownErrors(t *testing.T) {
	for name, h := range map[string]Handler{
		"error": func(http.ResponseWriter, *http.Request, Params) error { return errors.New("the cause") },
		"panic": func(http.ResponseWriter, *http.Request, Params) error { panic("the cause") },
		"not JSON": func(w http.ResponseWriter, _ *http.Request, _ Params) error {
			return WriteJSON(w, 200, map[string]any{"the cause": func() {}})
		},
		"a time-out that nobody mapped": func(http.ResponseWriter, *http.Request, Params) error {
			return fmt.Errorf("the cause: %w", context.DeadlineExceeded)
		},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			rt := NewRouter(Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
			rt.Handle("GET", "/", h, "license_key")
			w := serve(t, rt, "GET", "/?license_key=SECRET")
			id := regexp.MustCompile(`request id (\w+)\.`).FindStringSubmatch(w.Body.String())
			if w.Code != 500 || problemCode(t, w) != "internal" || strings.Contains(w.Body.String(), "cause") || id == nil {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			if !strings.Contains(log.String(), id[1]) || strings.Contains(log.String(), "SECRET") {
				t.Errorf("log: %s", log.String())
			}
			if name != "not JSON" && !strings.Contains(log.String(), "the cause") {
				t.Errorf("the log does not tell the cause: %s", log.String())
			}
		})
	}
}

func TestRequestThatWentAwayIsNoFault(t *testing.T) {
	var log bytes.Buffer
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := httptest.NewRequest("GET", "/", nil).WithContext(ctx)
	w := httptest.NewRecorder()
	writeError(slog.New(slog.NewTextHandler(&log, nil)), w, r, fmt.Errorf("reading: %w", ctx.Err()))
	if w.Code != 503 || log.Len() != 0 {
		t.Errorf("%d, log %s", w.Code, log.String())
	}
}

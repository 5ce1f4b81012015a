package httpx

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestRequestID: an answer and the log have the id of the request, or a new one where the request has
// none that is safe to log.
func TestRequestID(t *testing.T) {
	var lines bytes.Buffer
	router := NewRouter(Options{Log: slog.New(slog.NewTextHandler(&lines, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	router.Handle("GET", "/api/fine", func(w http.ResponseWriter, r *http.Request, _ Params) error {
		return WriteJSON(w, 200, requestID(r))
	})
	router.Handle("GET", "/api/broken", func(http.ResponseWriter, *http.Request, Params) error { panic("broken") })
	handler, err := router.Handler()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, tt := range []struct {
		path, sent string
		taken      bool
	}{
		{"/api/fine", "", false}, {"/api/fine", "", false}, {"/api/none", "", false}, {"/api/broken", "", false},
		{"/api/fine", "order-7:a/b+c=@_.", true}, {"/api/broken", "abc", true},
		{"/api/fine", "a b", false}, {"/api/fine", "a\"b", false}, {"/api/fine", strings.Repeat("a", 129), false},
	} {
		lines.Reset()
		r := httptest.NewRequest("GET", tt.path, nil)
		if tt.sent != "" {
			r.Header.Set("X-Request-Id", tt.sent)
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		id := w.Header().Get("X-Request-Id")
		if (id == tt.sent) != tt.taken || len(id) < 3 || len(w.Header().Values("X-Request-Id")) != 1 || !tt.taken && seen[id] {
			t.Errorf("%s with %q: %q", tt.path, tt.sent, w.Header().Values("X-Request-Id"))
		}
		seen[id] = true
		text := strings.TrimSpace(lines.String())
		if n := strings.Count(text, "request_id="); n == 0 || n != len(strings.Split(text, "\n")) || !strings.Contains(text, id) {
			t.Errorf("%s: the log has\n%s", tt.path, text)
		}
		if tt.path == "/api/broken" && !strings.Contains(w.Body.String(), id) {
			t.Errorf("the answer has no id: %s", w.Body)
		}
	}
}

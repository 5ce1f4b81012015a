package readapi

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// slowWriter is the connection of a client: beforeRead is called once, before it reads the first byte.
type slowWriter struct {
	*httptest.ResponseRecorder
	beforeRead func()
}

func (w *slowWriter) Write(b []byte) (int, error) {
	if w.beforeRead != nil {
		f := w.beforeRead
		w.beforeRead = nil
		f()
	}
	return w.ResponseRecorder.Write(b)
}

// TestSlowClientsHoldNoTransaction: while a client does not read, no transaction of the views is open
// that commits would have to wait for when the file grows. The views can be closed then.
func TestSlowClientsHoldNoTransaction(t *testing.T) {
	for _, path := range []string{
		ExportPath, prefix + "licenses/?limit=100", prefix + "customers/", prefix + "orders/",
		importsPath, importsPath + "1/", importsPath + "1/invalid_rows/", importsPath + "1/invalid_rows.csv", importsPath + "1/invalid_rows.xlsx",
		importsPath + "1/existed_rows/", importsPath + "1/events/",
	} {
		t.Run(path, func(t *testing.T) {
			r := newHarness(t, t.TempDir(), newMemLog(manyImports(5, 1, 50)...))
			r.catchUp()
			want := r.get(path)
			request := httptest.NewRequest(http.MethodGet, path, nil)
			request.Header.Set("Authorization", "Api-Key "+adminKey)
			w := &slowWriter{ResponseRecorder: httptest.NewRecorder(), beforeRead: r.stop}
			func() {
				defer func() { _ = recover() }() // an answer of several reads is cut off: the views are closed
				r.handler.ServeHTTP(w, request)
			}()
			if w.beforeRead != nil || want.status != http.StatusOK {
				t.Fatalf("nothing was sent: %d", want.status)
			}
			sent := w.Body.String()
			if path == ExportPath && sent != want.body || !strings.HasPrefix(want.body, sent) {
				t.Errorf("%d bytes were sent, want %d", len(sent), len(want.body))
			}
		})
	}
}

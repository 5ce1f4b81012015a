package httpx

import (
	"net/http"
	"strings"
	"testing"
)

// TestUnderstoodQueries: a request reaches its handler only with parameters that its route declares,
// each with one value. Without a right to call, the answer says nothing of parameters.
func TestUnderstoodQueries(t *testing.T) {
	rt := quiet()
	rt.Guard("/api/", func(r *http.Request) error {
		if r.Header.Get("Authorization") == "" {
			return Unauthorized("not_authenticated", "A key is needed.")
		}
		return nil
	})
	rt.Handle("GET", "/api/list/", answers("list"), "limit", "name")
	rt.Handle("POST", "/api/items/:id/cancel/", answers("cancel"))
	rt.Handle("GET", "/style.css", answers("file"), AnyQuery)
	rt.Reserve("POST", "/api/elsewhere/")
	for _, c := range []struct {
		method, target string
		status         int
		code, detail   string
	}{
		{"GET", "/api/list/?limit=2&name=a", 200, "", ""},
		{"HEAD", "/api/list?limit=2", 200, "", ""},
		{"GET", "/api/list/?page=2", 400, "unknown_parameter", "no query parameter page here; there are limit, name."},
		{"GET", "/api/list/?limit=2&Limit=2", 400, "unknown_parameter", "Limit"},
		{"GET", "/api/list/?name=", 400, "invalid_parameter", "name is empty: give it a value, or leave it out; there are limit, name."},
		{"GET", "/api/list/?name", 400, "invalid_parameter", "name is empty: give it a value, or leave it out; there are limit, name."},
		{"GET", "/api/list/?name=a&name=b", 400, "invalid_parameter", "given 2 times: give it once; there are limit, name."},
		{"GET", "/api/list/?name=%zz", 400, "invalid_parameter", "cannot be read"},
		{"GET", "/api/list/?name=a;limit=1", 400, "invalid_parameter", "cannot be read"},
		{"POST", "/api/items/1/cancel?now=1", 400, "unknown_parameter", "this address has none. Nothing was done."},
		{"GET", "/style.css?v=1&v=", 200, "", ""},
		{"POST", "/api/elsewhere/?any=", 404, "not_found", ""},
	} {
		w := serve(t, rt, c.method, c.target, "Authorization", "any")
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.detail) {
			t.Errorf("%s %s: %d %s, want %d", c.method, c.target, w.Code, w.Body, c.status)
		}
		if c.code != "" && problemCode(t, w) != c.code {
			t.Errorf("%s %s: %s, want %s", c.method, c.target, w.Body, c.code)
		}
	}
	if w := serve(t, rt, "GET", "/api/list/?page=2"); w.Code != 401 {
		t.Errorf("without a key: %d %s", w.Code, w.Body)
	}
}

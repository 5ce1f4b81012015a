package httpx

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"
)

// answers is a handler that says which route was taken, with its id.
func answers(name string) Handler {
	return func(w http.ResponseWriter, r *http.Request, p Params) error {
		_, err := fmt.Fprintf(w, "%s %s", name, p.ByName("id"))
		return err
	}
}

func quiet() *Router { return NewRouter(Options{Log: slog.New(slog.DiscardHandler)}) }

func serve(t *testing.T, rt *Router, method, target string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	h, err := rt.Handler()
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	h.ServeHTTP(w, r)
	return w
}

// everyRole has the routes of all roles, as serve has them.
func everyRole() *Router {
	rt := quiet()
	const results = "/api/v1/licenses-import-results/"
	for _, route := range []struct{ method, path string }{
		{"POST", "/api/v1/licenses/import_from_csv/"},
		{"GET", "/api/v1/license-import-template.csv"},
		{"POST", results + ":id/cancel/"},
		{"GET", "/api/v1/me/"}, {"GET", results}, {"GET", results + ":id/"},
		{"GET", results + ":id/invalid_rows/"}, {"GET", results + ":id/invalid_rows.csv"},
		{"GET", results + ":id/existed_rows/"}, {"GET", results + ":id/events/"},
		{"GET", "/api/v1/licenses/"}, {"GET", "/api/v1/licenses/:id/"}, {"GET", "/api/v1/licenses/:id/event/"},
		{"GET", "/api/v1/customers/"}, {"GET", "/api/v1/customers/:id/"},
		{"GET", "/api/v1/orders/"}, {"GET", "/api/v1/orders/:id/"},
		{"GET", "/healthz"}, {"GET", "/readyz"}, {"GET", "/metrics"}, {"GET", "/openapi.yaml"}, {"GET", "/"},
	} {
		rt.Handle(route.method, route.path, answers(route.path))
	}
	return rt
}

func TestRoutes(t *testing.T) {
	const results = "/api/v1/licenses-import-results/"
	for _, c := range []struct{ method, path, want string }{
		{"POST", "/api/v1/licenses/import_from_csv/", "/api/v1/licenses/import_from_csv/ "},
		{"GET", "/api/v1/licenses/17/", "/api/v1/licenses/:id/ 17"},
		{"GET", results + "17/", results + ":id/ 17"},
		{"POST", results + "17/cancel/", results + ":id/cancel/ 17"},
		{"GET", results + "17/invalid_rows/", results + ":id/invalid_rows/ 17"},
		{"GET", results + "17/invalid_rows.csv/", results + ":id/invalid_rows.csv 17"},
		{"GET", results, results + " "},
		{"GET", "/api/v1/license-import-template.csv/", "/api/v1/license-import-template.csv "},
		{"GET", "/openapi.yaml/", "/openapi.yaml "},
		{"GET", "/healthz/", "/healthz "},
		{"GET", "/", "/ "},
	} {
		for _, path := range []string{c.path, strings.TrimSuffix(c.path, "/")} {
			if path == "" {
				continue
			}
			t.Run(c.method+" "+path, func(t *testing.T) {
				w := serve(t, everyRole(), c.method, path)
				if w.Code != 200 || w.Body.String() != c.want {
					t.Errorf("%d %q, want 200 %q", w.Code, w.Body, c.want)
				}
			})
		}
	}
}

func TestNoRoute(t *testing.T) {
	for _, c := range []struct {
		method, path string
		status       int
		allow, code  string
	}{
		{"GET", "/api/v1/licenses/import_from_csv/", 405, "POST", "method_not_allowed"},
		{"GET", "/api/v1/licenses/import_from_csv", 405, "POST", "method_not_allowed"},
		{"HEAD", "/api/v1/licenses/import_from_csv/", 405, "POST", ""},
		{"DELETE", "/api/v1/licenses/17/", 405, "GET, HEAD", "method_not_allowed"},
		{"GET", "/api/v1/licenses-import-results/17/cancel", 405, "POST", "method_not_allowed"},
		{"BREW", "/api/v1/me/", 405, "GET, HEAD", "method_not_allowed"},
		{"OPTIONS", "/api/v1/me", 204, "GET, HEAD", ""},
		{"OPTIONS", "/api/v1/licenses/17", 204, "GET, HEAD", ""},
		{"GET", "/api/v1/nothing/", 404, "", "not_found"},
		{"GET", "/API/V1/ME/", 404, "", "not_found"},
		{"GET", "//api/v1/me/", 404, "", "not_found"},
		{"OPTIONS", "/api/v1/nothing/", 404, "", "not_found"},
	} {
		t.Run(c.method+" "+c.path, func(t *testing.T) {
			w := serve(t, everyRole(), c.method, c.path)
			if w.Code != c.status || w.Header().Get("Allow") != c.allow || w.Header().Get("Location") != "" {
				t.Errorf("%d, Allow %q, Location %q", w.Code, w.Header().Get("Allow"), w.Header().Get("Location"))
			}
			if got := problemCode(t, w); got != c.code {
				t.Errorf("code %q, want %q", got, c.code)
			}
		})
	}
}

// problemCode is the code in a problem's body, after a look at all of it.
func problemCode(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	if w.Body.Len() == 0 {
		return ""
	}
	if got := w.Header().Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("content type %q", got)
	}
	var p problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatal(err)
	}
	if p.Type == "" || p.Title == "" || p.Status != w.Code || p.Detail == "" || p.Message != p.Detail {
		t.Errorf("incomplete problem %s", w.Body)
	}
	return p.Code
}

func TestHeadIsGetWithoutBody(t *testing.T) {
	rt := quiet()
	rt.Handle("GET", "/x/:id", func(w http.ResponseWriter, r *http.Request, p Params) error {
		return WriteJSON(w, 200, p.ByName("id"))
	})
	w := serve(t, rt, "HEAD", "/x/17")
	if w.Code != 200 || w.Body.Len() != 0 || w.Header().Get("Content-Length") != "5" {
		t.Errorf("%d, %d bytes, Content-Length %s", w.Code, w.Body.Len(), w.Header().Get("Content-Length"))
	}
}

func TestFallback(t *testing.T) {
	rt := everyRole()
	rt.Fallback("/", answers("web"))
	rt.Fallback("/api/", answers("forward"))
	for _, c := range []struct{ method, path, want string }{
		{"GET", "/style.css", "web "},
		{"GET", "/api/v2/things", "forward "},
		{"PUT", "/api/v2/things/", "forward "},
		{"OPTIONS", "/api", "forward "},
		{"GET", "/api/v1/me", "/api/v1/me/ "},
	} {
		if w := serve(t, rt, c.method, c.path); w.Code != 200 || w.Body.String() != c.want {
			t.Errorf("%s %s: %d %q, want %q", c.method, c.path, w.Code, w.Body, c.want)
		}
	}
	if w := serve(t, rt, "DELETE", "/api/v1/me"); w.Code != 405 {
		t.Errorf("a path with routes fell back: %d", w.Code)
	}
}

// TestGuard: below its prefix nothing is told without leave, not even that there is nothing.
func TestGuard(t *testing.T) {
	guarded := func() *Router {
		rt := everyRole()
		rt.Guard("/api/", func(r *http.Request) error {
			if r.Header.Get("Authorization") == "" {
				return Unauthorized("not_authenticated", "No.")
			}
			return nil
		})
		rt.Reserve("POST", "/api/v1/elsewhere")
		return rt
	}
	forwards := guarded()
	forwards.Fallback("/api/v2/", answers("forward"))
	for _, c := range []struct {
		method, path string
		with         int
	}{
		{"GET", "/api/v1/nothing/", 404}, {"GET", "/api", 404}, {"DELETE", "/api/v1/me", 405}, {"OPTIONS", "/api/v1/me", 204},
		{"PUT", "/api/v1/licenses/17", 405}, {"POST", "/api/v1/elsewhere", 404}, {"GET", "/api/v1/elsewhere/", 405}, {"GET", "/api/v2/x", 200},
	} {
		if w := serve(t, forwards, c.method, c.path); w.Code != 401 || w.Header().Get("Allow") != "" || w.Header().Get("WWW-Authenticate") != "Api-Key" {
			t.Errorf("%s %s without leave: %d %v", c.method, c.path, w.Code, w.Header())
		}
		if w := serve(t, forwards, c.method, c.path, "Authorization", "yes"); w.Code != c.with {
			t.Errorf("%s %s with leave: %d, want %d", c.method, c.path, w.Code, c.with)
		}
	}
	if w := serve(t, guarded(), "GET", "/apiary"); w.Code != 404 {
		t.Errorf("beside the prefix: %d", w.Code)
	}
}

func TestReserve(t *testing.T) {
	const upload = "/api/v1/licenses/import_from_csv"
	reads := func() *Router {
		rt := quiet()
		rt.Handle("GET", "/api/v1/licenses/:id/", answers("license"))
		rt.Reserve("POST", upload)
		return rt
	}
	if w := serve(t, reads(), "GET", upload+"/"); w.Code != 405 || w.Header().Get("Allow") != "POST" {
		t.Errorf("GET: %d %s", w.Code, w.Header().Get("Allow"))
	}
	if w := serve(t, reads(), "POST", upload); w.Code != 404 {
		t.Errorf("POST, not served here: %d", w.Code)
	}
	forwards := reads()
	forwards.Fallback("/api/", answers("forward"))
	if w := serve(t, forwards, "POST", upload); w.Body.String() != "forward " {
		t.Errorf("POST, forwarded: %q", w.Body)
	}
	later := reads()
	later.Handle("POST", upload+"/", answers("upload"))
	later.Reserve("POST", upload)
	if w := serve(t, later, "POST", upload); w.Body.String() != "upload " {
		t.Errorf("POST, served here: %q", w.Body)
	}
}

// TestReserveWithParameter: two roles serve one path, each one method of it.
func TestReserveWithParameter(t *testing.T) {
	const undo = "/api/v1/results/:id/undo/"
	writes := func() *Router {
		rt := quiet()
		rt.Handle("POST", undo, answers("undo"))
		rt.Reserve("GET", undo)
		return rt
	}
	for _, tt := range []struct {
		name     string
		register func(*Router)
		method   string
		status   int
		body     string
	}{
		{"alone", func(*Router) {}, "GET", 404, ""},
		{"forwards", func(rt *Router) { rt.Fallback("/api/", answers("forward")) }, "GET", 200, "forward 7"},
		{"both", func(rt *Router) { rt.Handle("GET", undo, answers("preview")) }, "GET", 200, "preview 7"},
		{"reserved twice", func(rt *Router) { rt.Reserve("GET", undo); rt.Reserve("POST", undo) }, "POST", 200, "undo 7"},
		{"another method", func(*Router) {}, "PUT", 405, ""},
	} {
		rt := writes()
		tt.register(rt)
		w := serve(t, rt, tt.method, "/api/v1/results/7/undo")
		if w.Code != tt.status || tt.body != "" && w.Body.String() != tt.body {
			t.Errorf("%s: %d %q", tt.name, w.Code, w.Body)
		}
		if allow := w.Header().Get("Allow"); tt.status == 405 && allow != "GET, HEAD, POST" {
			t.Errorf("%s: Allow is %q", tt.name, allow)
		}
	}
}

func TestMistakesInRegistrationAreReturned(t *testing.T) {
	for name, register := range map[string]func(*Router){
		"the same path twice":         func(rt *Router) { rt.Handle("GET", "/a", answers("")); rt.Handle("GET", "/a/", answers("")) },
		"the same parameter twice":    func(rt *Router) { rt.Handle("GET", "/:a", answers("")); rt.Handle("GET", "/:a/", answers("")) },
		"two names for one parameter": func(rt *Router) { rt.Handle("GET", "/:a/", answers("")); rt.Handle("GET", "/:b/x", answers("")) },
		"parameter beside segment":    func(rt *Router) { rt.Handle("GET", "/:a/", answers("")); rt.Handle("GET", "/x/:b", answers("")) },
		"parameter without name":      func(rt *Router) { rt.Handle("GET", "/:/", answers("")) },
		"no slash":                    func(rt *Router) { rt.Handle("GET", "a", answers("")) },
		"catch-all":                   func(rt *Router) { rt.Handle("GET", "/*all", answers("")) },
		"no handler":                  func(rt *Router) { rt.Handle("GET", "/a", nil) },
		"unusual method":              func(rt *Router) { rt.Handle("BREW", "/a", answers("")) },
		"fallback without handler":    func(rt *Router) { rt.Fallback("/", nil) },
		"reserved parameter twice":    func(rt *Router) { rt.Reserve("GET", "/:a"); rt.Reserve("GET", "/:b") },
	} {
		t.Run(name, func(t *testing.T) {
			rt := quiet()
			register(rt)
			if h, err := rt.Handler(); err == nil || h != nil {
				t.Error("accepted")
			}
		})
	}
}

func TestObserverSeesPatternsOnly(t *testing.T) {
	var seen []string
	rt := NewRouter(Options{Log: slog.New(slog.DiscardHandler), Observe: func(route, method string, status int, _ time.Duration) {
		seen = append(seen, fmt.Sprint(method, " ", route, " ", status))
	}})
	rt.Handle("GET", "/licenses/:id", answers("x"), "q")
	rt.Handle("GET", "/bad", func(http.ResponseWriter, *http.Request, Params) error { return errors.New("broken") })
	for _, target := range []string{"GET /licenses/KEY-1?q=KEY-2", "BREW /licenses/KEY", "GET /KEY", "GET /bad"} {
		method, path, _ := strings.Cut(target, " ")
		serve(t, rt, method, path)
	}
	want := "[GET /licenses/:id 200 other none 405 GET none 404 GET /bad 500]"
	if fmt.Sprint(seen) != want {
		t.Errorf("%v, want %s", seen, want)
	}
}

func TestSecurityHeaders(t *testing.T) {
	rt := everyRole()
	for path, cache := range map[string]string{"/api/v1/me": "no-store", "/api/v1/none": "no-store", "/openapi.yaml": ""} {
		h := serve(t, rt, "GET", path).Header()
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "no-referrer" || h.Get("Cache-Control") != cache {
			t.Errorf("%s: %v", path, h)
		}
	}
}

func TestLateErrorCutsTheConnection(t *testing.T) {
	rt := quiet()
	rt.Handle("GET", "/half", func(w http.ResponseWriter, r *http.Request, _ Params) error {
		_, _ = io.WriteString(w, "half")
		return errors.New("no more")
	})
	h, _ := rt.Handler()
	server := httptest.NewServer(h)
	defer server.Close()
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	resp, err := http.Get(server.URL + "/half")
	if err == nil {
		_, err = io.ReadAll(resp.Body)
		resp.Body.Close()
	}
	if err == nil {
		t.Error("half an answer looked whole")
	}
}

func TestRoutesAreListed(t *testing.T) {
	rt := NewRouter(Options{})
	none := func(http.ResponseWriter, *http.Request, Params) error { return nil }
	rt.Handle("GET", "/a/:id/", none, "limit", "offset")
	rt.Reserve("POST", "/a/b/")
	rt.Handle("GET", "no path", none) // Handler tells of it
	rt.Fallback("/", none)
	want := []Route{{"GET", "/a/:id/", []string{"limit", "offset"}}}
	if got := rt.Routes(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

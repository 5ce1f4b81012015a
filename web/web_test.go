package web

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"path"
	"regexp"
	"strings"
	"testing"

	"licenseimport/internal/httpx"
)

func handler(t *testing.T) http.Handler {
	router := httpx.NewRouter(httpx.Options{})
	if err := Register(router); err != nil {
		t.Fatal(err)
	}
	h, err := router.Handler()
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func get(t *testing.T, h http.Handler, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", path, nil)
	if len(header) == 2 {
		r.Header.Set(header[0], header[1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestPageIsServedWithoutAKey(t *testing.T) {
	h := handler(t)
	for path, mime := range map[string]string{
		"/":                      "text/html; charset=utf-8",
		"/static/js/app.js":      "text/javascript; charset=utf-8",
		"/static/js/app.js/":     "text/javascript; charset=utf-8",
		"/static/css/tokens.css": "text/css; charset=utf-8",
		"/static/icon.svg":       "image/svg+xml",
		"/static/columns.json":   "application/json",
		"/static/guide.md":       "text/markdown; charset=utf-8",
	} {
		w := get(t, h, path)
		if w.Code != 200 || w.Header().Get("Content-Type") != mime || w.Body.Len() == 0 {
			t.Errorf("%s: %d %q, %d bytes", path, w.Code, w.Header().Get("Content-Type"), w.Body.Len())
		}
	}
	if w := get(t, h, "/static/js/none.js"); w.Code != 404 {
		t.Errorf("a file that is not there: %d", w.Code)
	}
}

func TestEveryAnswerHasThePolicy(t *testing.T) {
	header := get(t, handler(t), "/").Header()
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "Cache-Control": "no-cache",
	} {
		if got := header.Get(name); got != want {
			t.Errorf("%s: %q, not %q", name, got, want)
		}
	}
	csp := header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "form-action 'none'",
		"frame-ancestors 'none'", "base-uri 'none'", "require-trusted-types-for 'script'"} {
		if !strings.Contains(csp+";", want+";") {
			t.Errorf("the policy lacks %s: %s", want, csp)
		}
	}
	if strings.Contains(csp, "unsafe") || strings.Contains(csp, "http") {
		t.Errorf("the policy allows too much: %s", csp)
	}
}

func TestUnchangedFileIsNotSentAgain(t *testing.T) {
	h := handler(t)
	tag := get(t, h, "/").Header().Get("ETag")
	if w := get(t, h, "/", "If-None-Match", tag); w.Code != http.StatusNotModified || w.Body.Len() != 0 {
		t.Errorf("known: %d, %d bytes", w.Code, w.Body.Len())
	}
	if w := get(t, h, "/", "If-None-Match", `"other"`); w.Code != 200 {
		t.Errorf("another: %d", w.Code)
	}
}

// forbidden matches code that would make markup of text or send a request to another server.
var forbidden = map[string][]string{
	".html": {`<script>`, `<style`, ` style=`, ` onclick=`, `javascript:`, `http://`, `https://`},
	".css":  {`@import`, `url(`},
	".js":   {`innerHTML`, `outerHTML`, `insertAdjacentHTML`, `document.write`, `eval(`, `new Function`, `http://`, `https://`, `console.`, `localStorage`, `document.cookie`},
}

// permitted are forbidden words that one file has a reason for. session.js notes in localStorage that there is a cookie;
// TestBrowserStaysSignedIn looks for the key there.
var permitted = map[string]string{"static/js/session.js": `localStorage`}

var imported = regexp.MustCompile(`from "([^"]+)"`)

// TestFilesKeepTheRules: no file breaks the Content-Security-Policy, and every imported
// module exists.
func TestFilesKeepTheRules(t *testing.T) {
	err := fs.WalkDir(files, "static", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		text := string(content)
		for _, word := range forbidden[path.Ext(name)] {
			if strings.Contains(text, word) && permitted[name] != word {
				t.Errorf("%s has %q", name, word)
			}
		}
		if lines := strings.Count(text, "\n"); lines > 400 || path.Ext(name) == ".js" && lines > 300 {
			t.Errorf("%s has %d lines", name, lines)
		}
		if path.Ext(name) != ".js" {
			return nil
		}
		for _, match := range imported.FindAllStringSubmatch(text, -1) {
			if _, err := fs.Stat(files, path.Join(path.Dir(name), match[1])); err != nil {
				t.Errorf("%s imports %s, which is not there", name, match[1])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

package web

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"strings"
	"testing"

	"licenseimport/internal/httpx"
)

var (
	linked  = regexp.MustCompile(`(?:href|src)="([^"#]+)"`)
	located = regexp.MustCompile(`new URL\("([^"]+)", import\.meta\.url\)`)
	started = regexp.MustCompile(`new URL\("([^"]+)", document\.currentScript\.src\)`)
	dynamic = regexp.MustCompile(`\bfetch\("([^"]+)"`)
)

// browser follows the addresses of a page as a browser does.
type browser struct {
	*testing.T
	visited map[string]bool
}

func (b *browser) visit(address string) {
	if b.visited[address] {
		return
	}
	b.visited[address] = true
	r, err := http.NewRequestWithContext(b.Context(), "GET", address, nil)
	if err != nil {
		b.Fatal(err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		b.Errorf("%s: %s %v", address, res.Status, err)
		return
	}
	base, err := url.Parse(address)
	if err != nil {
		b.Fatal(err)
	}
	patterns := map[string][]*regexp.Regexp{
		"text/html; charset=utf-8":       {linked},
		"text/javascript; charset=utf-8": {imported, located, started},
	}[res.Header.Get("Content-Type")]
	if path.Ext(base.Path) == ".js" && dynamic.Match(text) {
		b.Errorf("%s fetches an address that is relative to the page: %s", address, dynamic.Find(text))
	}
	for _, pattern := range patterns {
		for _, match := range pattern.FindAllSubmatch(text, -1) {
			next, err := base.Parse(string(match[1]))
			if err != nil {
				b.Fatal(err)
			}
			b.visit(next.String())
		}
	}
}

// TestPageBelowAPrefix: behind a proxy that strips a prefix, the page finds all of its files and the
// API, with and without the last slash of its address.
func TestPageBelowAPrefix(t *testing.T) {
	for name, external := range map[string]httpx.External{
		"public URL":      {URL: "https://shop.example/some/prefix"},
		"trusted headers": {Trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}},
	} {
		router := httpx.NewRouter(httpx.Options{External: external, Log: slog.New(slog.DiscardHandler)})
		if err := Register(router); err != nil {
			t.Fatal(err)
		}
		answer := func(w http.ResponseWriter, _ *http.Request, _ httpx.Params) error {
			return httpx.WriteJSON(w, 200, "here")
		}
		router.Handle("GET", "/api/v1/", answer)
		router.Handle("GET", "/openapi.yaml", answer)
		router.Handle("GET", "/openapi.json", answer)
		inside, err := httpx.Listen(httpx.ServerConfig{Addr: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		h, err := router.Handler()
		if err != nil {
			t.Fatal(err)
		}
		go func() { _ = inside.Serve(h) }()
		t.Cleanup(func() { _ = inside.Shutdown(context.Background()) })
		target, err := url.Parse(inside.URL())
		if err != nil {
			t.Fatal(err)
		}
		proxy := &httputil.ReverseProxy{Rewrite: func(pr *httputil.ProxyRequest) {
			pr.SetURL(target)
			pr.SetXForwarded()
			pr.Out.Header.Set("X-Forwarded-Prefix", "/some/prefix")
		}}
		front := httptest.NewServer(http.StripPrefix("/some/prefix", proxy))
		t.Cleanup(front.Close)
		for _, slash := range []string{"", "/"} {
			t.Run(name+slash, func(t *testing.T) {
				b := &browser{t, map[string]bool{}}
				b.visit(front.URL + "/some/prefix" + slash)
				for _, want := range []string{"/static/css/base.css", "/static/js/app.js", "/static/js/views/license.js", "/static/columns.json", "/static/guide.md", "/api/v1/", "/reference/", "/reference/start.js", "/reference/swagger-ui.css", "/openapi.json"} {
					if !b.visited[front.URL+"/some/prefix"+want] {
						t.Errorf("%s was not asked for", want)
					}
				}
				for address := range b.visited {
					if !strings.HasPrefix(address, front.URL+"/some/prefix") {
						t.Errorf("%s is not below the prefix", address)
					}
				}
			})
		}
	}
}

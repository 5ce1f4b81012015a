package httpx

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
)

// TestLinksBeginWithTheExternalAddress: next and previous, by BaseURL, and Location begin with what
// --public-url or a trusted proxy says. Headers of other addresses are ignored.
func TestLinksBeginWithTheExternalAddress(t *testing.T) {
	headers := map[string]string{"Proto": "https", "Host": "shop.example", "Prefix": "/licenses/"}
	only := func(name, value string) map[string]string { return map[string]string{name: value} }
	for name, c := range map[string]struct {
		url, trusted, remote string
		headers              map[string]string
		base, prefix         string
	}{
		"no proxy":                  {"", "", "192.0.2.1:5", nil, "http://inside:8080", ""},
		"headers, nobody trusted":   {"", "", "127.0.0.1:5", headers, "http://inside:8080", ""},
		"headers of another":        {"", "10.0.0.0/8", "192.0.2.1:5", headers, "http://inside:8080", ""},
		"headers of a proxy":        {"", "10.0.0.0/8", "10.1.2.3:5", headers, "https://shop.example/licenses", "/licenses"},
		"of a proxy over IPv6":      {"", "fd00::/8", "[fd00::1%eth0]:5", headers, "https://shop.example/licenses", "/licenses"},
		"of a proxy, mapped":        {"", "10.0.0.0/8", "[::ffff:10.1.2.3]:5", headers, "https://shop.example/licenses", "/licenses"},
		"a proxy without headers":   {"", "10.0.0.0/8", "10.1.2.3:5", nil, "http://inside:8080", ""},
		"not over IP":               {"", "0.0.0.0/0", "pipe", headers, "http://inside:8080", ""},
		"scheme only":               {"", "10.0.0.0/8", "10.1.2.3:5", only("Proto", "https"), "https://inside:8080", ""},
		"prefix only":               {"", "10.0.0.0/8", "10.1.2.3:5", only("Prefix", "/a/b"), "http://inside:8080/a/b", "/a/b"},
		"the root as prefix":        {"", "10.0.0.0/8", "10.1.2.3:5", only("Prefix", "/"), "http://inside:8080", ""},
		"the last of several hosts": {"", "10.0.0.0/8", "10.1.2.3:5", only("Host", "forged.example, shop.example"), "http://shop.example", ""},
		"a strange scheme":          {"", "10.0.0.0/8", "10.1.2.3:5", only("Proto", "javascript"), "http://inside:8080", ""},
		"a strange host":            {"", "10.0.0.0/8", "10.1.2.3:5", only("Host", "a/b"), "http://inside:8080", ""},
		"another host as prefix":    {"", "10.0.0.0/8", "10.1.2.3:5", only("Prefix", "//evil.example"), "http://inside:8080", ""},
		"markup as prefix":          {"", "10.0.0.0/8", "10.1.2.3:5", only("Prefix", `/"><script>`), "http://inside:8080", ""},
		"public URL":                {"https://host/prefix", "", "192.0.2.1:5", nil, "https://host/prefix", "/prefix"},
		"public URL before headers": {"https://host", "10.0.0.0/8", "10.1.2.3:5", headers, "https://host", ""},
	} {
		t.Run(name, func(t *testing.T) {
			e := External{URL: c.url}
			if c.trusted != "" {
				e.Trusted = []netip.Prefix{netip.MustParsePrefix(c.trusted)}
			}
			rt := NewRouter(Options{External: e})
			rt.Handle("GET", "/x", func(w http.ResponseWriter, r *http.Request, _ Params) error {
				w.Header().Set("Location", Location(r, "/y/"))
				w.Header().Set("Prefix", Prefix(r))
				p, err := ParsePage(r)
				if err != nil {
					return err
				}
				return WritePage[string](w, r, p, 2, nil)
			}, "limit", "offset")
			h, err := rt.Handler()
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequest("GET", "http://inside:8080/x/?limit=1", nil)
			r.RemoteAddr = c.remote
			for name, value := range c.headers {
				r.Header.Set("X-Forwarded-"+name, value)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			want := `{"count":2,"next":"` + c.base + `/x/?limit=1&offset=1","previous":null,"results":[]}` + "\n"
			if w.Body.String() != want || w.Header().Get("Prefix") != c.prefix {
				t.Errorf("prefix %q, %s", w.Header().Get("Prefix"), w.Body)
			}
			location := c.base + "/y/"
			if c.base == "http://inside:8080" {
				location = "/y/"
			}
			if got := w.Header().Get("Location"); got != location && got != c.base+"/y/" {
				t.Errorf("Location %q", got)
			}
		})
	}
}

func TestExternalURL(t *testing.T) {
	for text, want := range map[string]string{
		"https://host": "https://host", "https://host/": "https://host", "http://host:8080/a/b/": "http://host:8080/a/b",
		"https://[::1]:8443/x": "https://[::1]:8443/x",
		"":                     "", "host": "", "/prefix": "", "ftp://host": "", "https://": "", "https://user@host": "", "https://host?x": "",
		"https://host/#x": "", "https://host//x": "", `https://host/"`: "https://host/%22", "https://ho\"st": "",
	} {
		got, err := ParseExternalURL(text)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q %v", text, got, err)
		}
	}
}

func TestBaseURLWithTLS(t *testing.T) {
	r := httptest.NewRequest("GET", "http://host:8080/x", nil)
	r.Header.Set("X-Forwarded-Proto", "https")
	if got := BaseURL(r); got != "http://host:8080" {
		t.Errorf("a header of anyone: %s", got)
	}
	r.TLS = &tls.ConnectionState{}
	if got := BaseURL(r); got != "https://host:8080" {
		t.Error(got)
	}
}

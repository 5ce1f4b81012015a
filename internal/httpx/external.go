package httpx

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// External says how the address is known under which clients reach this server behind a proxy. The
// proxy strips the prefix of that address from the paths that it passes on.
type External struct {
	// URL is scheme, host and the prefix of all paths, from [ParseExternalURL]. It comes before
	// the headers. Empty: not known.
	URL string

	// Trusted are the proxies whose headers X-Forwarded-Proto, -Host and -Prefix count. From other
	// addresses they are ignored.
	Trusted []netip.Prefix
}

// ParseExternalURL checks an address such as https://host/prefix, and removes its last slash.
func ParseExternalURL(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || !validHost.MatchString(u.Host) ||
		u.User != nil || u.RawQuery != "" || u.ForceQuery || strings.Contains(text, "#") {
		return "", errors.New("must be like https://host/prefix, with neither user, query nor fragment")
	}
	prefix := strings.TrimRight(u.EscapedPath(), "/")
	if !validPrefix.MatchString(prefix) {
		return "", errors.New("the prefix may have letters, digits, and any of / - . _ ~ %")
	}
	return u.Scheme + "://" + u.Host + prefix, nil
}

// What a host and a prefix consist of. A prefix stands in the page's markup as well, so no other
// character may be in it; two slashes at its beginning would be another host.
var (
	validHost   = regexp.MustCompile(`^[A-Za-z0-9._:\[\]-]+$`)
	validPrefix = regexp.MustCompile(`^(/[A-Za-z0-9._~%-]+)*$`)
)

type externalKey struct{}

// mark records the external address of a request in its context, if one is known.
func (e External) mark(r *http.Request) *http.Request {
	base := e.URL
	if base == "" && e.trusts(r.RemoteAddr) {
		base = forwardedBase(r)
	}
	if base == "" {
		return r
	}
	return r.WithContext(context.WithValue(r.Context(), externalKey{}, base))
}

// trusts reports whether a connection comes from one of the trusted proxies.
func (e External) trusts(remote string) bool {
	if len(e.Trusted) == 0 {
		return false
	}
	addr, err := netip.ParseAddrPort(remote)
	if err != nil {
		return false // not a connection over IP
	}
	ip := addr.Addr().Unmap().WithZone("")
	return slices.ContainsFunc(e.Trusted, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// forwardedBase is the external address that a trusted proxy's headers give; "" without such
// headers. A header that is not valid is ignored.
func forwardedBase(r *http.Request) string {
	proto, host, prefix := forwarded(r, "Proto"), forwarded(r, "Host"), strings.TrimRight(forwarded(r, "Prefix"), "/")
	if proto == "" && host == "" && prefix == "" {
		return ""
	}
	if proto != "http" && proto != "https" {
		proto = schemeOf(r)
	}
	if !validHost.MatchString(host) {
		host = r.Host
	}
	if !validPrefix.MatchString(prefix) {
		prefix = ""
	}
	return proto + "://" + host + prefix
}

// forwarded is the last value of a header X-Forwarded-…: the nearest proxy, which is the trusted
// one, adds its value at the end of what its own client has sent.
func forwarded(r *http.Request, name string) string {
	values := strings.Split(strings.Join(r.Header.Values("X-Forwarded-"+name), ","), ",")
	return strings.TrimSpace(values[len(values)-1])
}

func schemeOf(r *http.Request) string {
	if r.TLS != nil {
		return "https"
	}
	return "http"
}

// BaseURL returns scheme, host and prefix of the address that the client used, without a last
// slash: the external address of [External] if it is known, else as this server sees it.
func BaseURL(r *http.Request) string {
	if base := external(r); base != "" {
		return base
	}
	return schemeOf(r) + "://" + r.Host
}

// Prefix returns the path of the external address, such as /prefix; "" for none.
func Prefix(r *http.Request) string {
	_, rest, _ := strings.Cut(external(r), "://")
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		return rest[i:]
	}
	return ""
}

// Location returns the value of the header Location for a path of this server: absolute below the
// external address if that is known, else the path.
func Location(r *http.Request, path string) string { return external(r) + path }

func external(r *http.Request) string {
	base, _ := r.Context().Value(externalKey{}).(string)
	return base
}

// SetForwarded describes the address that in's client used in the headers of out, which is in passed
// on to another process of this program.
func SetForwarded(out, in *http.Request) {
	scheme, rest, _ := strings.Cut(BaseURL(in), "://")
	host, _, _ := strings.Cut(rest, "/")
	out.Host = host
	out.Header.Set("X-Forwarded-Proto", scheme)
	out.Header.Set("X-Forwarded-Host", host)
	out.Header.Del("X-Forwarded-Prefix")
	if prefix := Prefix(in); prefix != "" {
		out.Header.Set("X-Forwarded-Prefix", prefix)
	}
}

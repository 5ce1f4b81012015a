package ingest

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"

	"licenseimport/internal/httpx"
)

// Forward hands requests on to the projector at an address, as they are: it
// checks keys itself. Event streams are passed on event by event, and end when
// this server stops. While the projector is away the answer is 503.
//
// It is the fallback of the role ingest for "/api/".
func Forward(projector string) (httpx.Handler, error) {
	target, err := url.Parse(projector)
	if err != nil || target.Host == "" || target.Scheme != "http" && target.Scheme != "https" {
		return nil, fmt.Errorf("projector's address %q: must be like http://host:port", projector)
	}
	proxy := &httputil.ReverseProxy{
		FlushInterval: -1,
		Rewrite: func(pr *httputil.ProxyRequest) {
			pr.SetURL(target)
			pr.Out.Host = pr.In.Host // of the links in pages
			pr.SetXForwarded()
			pr.Out.Header.Set("X-Forwarded-Proto", strings.SplitN(httpx.BaseURL(pr.In), ":", 2)[0])
		},
		ModifyResponse: func(res *http.Response) error {
			return forwardingOf(res.Request.Context()).answered(res)
		},
		ErrorHandler: func(_ http.ResponseWriter, r *http.Request, err error) {
			forwardingOf(r.Context()).err = err
		},
	}
	return func(w http.ResponseWriter, r *http.Request, _ httpx.Params) error {
		f := &forwarding{header: w.Header(), stopping: httpx.Stopping(r.Context())}
		ctx, cancel := context.WithCancel(context.WithValue(r.Context(), forwardingKey{}, f))
		defer cancel()
		f.cancel = cancel
		proxy.ServeHTTP(w, r.WithContext(ctx))
		if f.err != nil {
			return httpx.Unavailable(2*time.Second, "projector_unavailable", "Results cannot be read at the moment. Try again shortly.").Because(f.err)
		}
		return nil
	}, nil
}

// forwarding is one request on its way through the proxy.
type forwarding struct {
	header   http.Header // of our answer
	stopping <-chan struct{}
	cancel   context.CancelFunc
	err      error // why the projector did not answer
}

type forwardingKey struct{}

func forwardingOf(ctx context.Context) *forwarding {
	return ctx.Value(forwardingKey{}).(*forwarding)
}

// answered prefers the projector's headers to those that our router has set, and
// sees to it that an event stream does not keep this server from stopping.
func (f *forwarding) answered(res *http.Response) error {
	for name := range res.Header {
		f.header.Del(name)
	}
	if strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		ctx := res.Request.Context()
		go func() {
			select {
			case <-f.stopping:
				f.cancel()
			case <-ctx.Done():
			}
		}()
	}
	return nil
}

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
func ProxyTo(projector string) (httpx.Handler, error) {
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
			return proxiedRequestOf(res.Request.Context()).adoptHeaders(res)
		},
		ErrorHandler: func(_ http.ResponseWriter, r *http.Request, err error) {
			proxiedRequestOf(r.Context()).err = err
		},
	}
	return func(w http.ResponseWriter, r *http.Request, _ httpx.Params) error {
		f := &proxiedRequest{header: w.Header(), stopping: httpx.Stopping(r.Context())}
		ctx, cancel := context.WithCancel(context.WithValue(r.Context(), proxiedRequestKey{}, f))
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
type proxiedRequest struct {
	header   http.Header // of our answer
	stopping <-chan struct{}
	cancel   context.CancelFunc
	err      error // why the projector did not answer
}

type proxiedRequestKey struct{}

func proxiedRequestOf(ctx context.Context) *proxiedRequest {
	return ctx.Value(proxiedRequestKey{}).(*proxiedRequest)
}

// answered prefers the projector's headers to those that our router has set, and
// sees to it that an event stream does not keep this server from stopping.
func (f *proxiedRequest) adoptHeaders(res *http.Response) error {
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

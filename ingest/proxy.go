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

// ProxyTo is a reverse proxy to the projector at an address. It is the fallback of the role ingest
// for "/api/". The projector authenticates the requests itself. Server-sent events pass one by one,
// and their streams end when this server stops. If the projector does not answer, or hangs, the answer
// is 503.
func ProxyTo(projector string) (httpx.Handler, error) { return proxyTo(projector, defaultPatience) }

func proxyTo(projector string, p patience) (httpx.Handler, error) {
	target, err := url.Parse(projector)
	if err != nil || target.Host == "" || target.Scheme != "http" && target.Scheme != "https" {
		return nil, fmt.Errorf("projector's address %q: must be like http://host:port", projector)
	}
	proxy := &httputil.ReverseProxy{
		FlushInterval: -1,
		Transport:     newWatchedTransport(target, p),
		Rewrite: func(pr *httputil.ProxyRequest) {
			pr.SetURL(target)
			pr.Out.URL.RawQuery = pr.In.URL.RawQuery // ReverseProxy has taken out what cannot be read; the projector refuses it
			pr.SetXForwarded()
			httpx.SetForwarded(pr.Out, pr.In) // the projector builds links with it
		},
		ModifyResponse: func(res *http.Response) error {
			return proxiedRequestOf(res.Request.Context()).adoptHeaders(res)
		},
		ErrorHandler: func(_ http.ResponseWriter, r *http.Request, err error) {
			proxiedRequestOf(r.Context()).err = err
		},
	}
	return func(w http.ResponseWriter, r *http.Request, _ httpx.Params) error {
		p := &proxiedRequest{header: w.Header(), stopping: httpx.Stopping(r.Context())}
		ctx, cancel := context.WithCancel(context.WithValue(r.Context(), proxiedRequestKey{}, p))
		defer cancel()
		p.cancel = cancel
		proxy.ServeHTTP(w, r.WithContext(ctx))
		if p.err != nil {
			return httpx.Unavailable(2*time.Second, "projector_unavailable",
				"Results cannot be read at the moment. Try again shortly.").Because(p.err)
		}
		return nil
	}, nil
}

// proxiedRequest is one request in the proxy.
type proxiedRequest struct {
	header   http.Header // of this server's answer
	stopping <-chan struct{}
	cancel   context.CancelFunc
	err      error // why the projector did not answer
}

type proxiedRequestKey struct{}

func proxiedRequestOf(ctx context.Context) *proxiedRequest {
	return ctx.Value(proxiedRequestKey{}).(*proxiedRequest)
}

// adoptHeaders removes headers that the router has set and the projector sets, too. It also ends an
// event stream when this server stops.
func (p *proxiedRequest) adoptHeaders(res *http.Response) error {
	for name := range res.Header {
		p.header.Del(name)
	}
	if strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		ctx := res.Request.Context()
		go func() {
			select {
			case <-p.stopping:
				p.cancel()
			case <-ctx.Done():
			}
		}()
	}
	return nil
}

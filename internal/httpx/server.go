package httpx

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// ServerConfig says where to listen.
type ServerConfig struct {
	Addr    string       // host:port; port 0: any free one
	TLSCert string       // file in PEM form; with TLSKey: serve TLS
	TLSKey  string       // file in PEM form
	Log     *slog.Logger // nil: slog's default

	// Listener, unless nil, is served instead of Addr: one without a port, for
	// clients in this process.
	Listener net.Listener
}

// maxHeaderBytes bounds the headers of a request. net/http allows 4 KiB more.
const maxHeaderBytes = 64 << 10

// maxReadHeaderBytes is what net/http itself reads of them over TLS. Its own answer cannot be replaced
// there, so up to this length a handler answers.
const maxReadHeaderBytes = 4 * maxHeaderBytes

// Server is an HTTP server that listens already. Before it serves, its address is
// known and clients wait instead of failing.
type Server struct {
	http     *http.Server
	listener net.Listener
	tls      bool
	stopping chan struct{}
	stopOnce sync.Once
}

// Listen opens the port and reads the certificate.
func Listen(c ServerConfig) (*Server, error) {
	certificates, err := loadCertificate(c)
	if err != nil {
		return nil, err
	}
	listener := c.Listener
	if listener == nil {
		if listener, err = net.Listen("tcp", c.Addr); err != nil {
			return nil, err
		}
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	s := &Server{listener: problemListener{listener}, tls: len(certificates) > 0, stopping: make(chan struct{})}
	s.http = &http.Server{
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    maxHeaderBytes,
		TLSConfig:         &tls.Config{Certificates: certificates, MinVersion: tls.VersionTLS12},
		ErrorLog:          slog.NewLogLogger(c.Log.Handler(), slog.LevelDebug),
		BaseContext: func(net.Listener) context.Context {
			return context.WithValue(context.Background(), stoppingKey{}, s.stopping)
		},
	}
	if s.tls {
		s.http.MaxHeaderBytes = maxReadHeaderBytes
	}
	return s, nil
}

func loadCertificate(c ServerConfig) ([]tls.Certificate, error) {
	if c.TLSCert == "" && c.TLSKey == "" {
		return nil, nil
	}
	if c.TLSCert == "" || c.TLSKey == "" {
		return nil, errors.New("TLS needs both a certificate and its key")
	}
	certificate, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
	if err != nil {
		return nil, fmt.Errorf("TLS certificate: %w", err)
	}
	return []tls.Certificate{certificate}, nil
}

// Addr is host:port as listened on.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// URL is the address for clients on this machine, without a last slash. For a server
// that listens on every address it is the loopback address.
func (s *Server) URL() string {
	scheme := "http://"
	if s.tls {
		scheme = "https://"
	}
	host, port, err := net.SplitHostPort(s.Addr())
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsUnspecified() {
		return scheme + s.Addr()
	}
	return scheme + net.JoinHostPort("127.0.0.1", port)
}

// Serve answers requests until Shutdown. Then it returns nil at once, while Shutdown
// waits for the requests in flight.
func (s *Server) Serve(h http.Handler) error {
	s.http.Handler = h
	var err error
	if s.tls {
		err = s.http.ServeTLS(s.listener, "", "")
	} else {
		err = s.http.Serve(s.listener)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve HTTP: %w", err)
}

// Shutdown closes the port, ends event streams (see [Stopping]) and waits for the
// requests in flight. If ctx ends first, it cuts them off and returns ctx's error.
func (s *Server) Shutdown(ctx context.Context) error {
	s.stopOnce.Do(func() { close(s.stopping) })
	defer s.listener.Close() // for a server that never served
	if err := s.http.Shutdown(ctx); err != nil && ctx.Err() != nil {
		return errors.Join(fmt.Errorf("requests cut off: %w", err), s.http.Close())
	}
	return nil
}

type stoppingKey struct{}

// Stopping is closed when the server of this request's context begins to shut down.
// An unbounded answer must end then. It is nil, which blocks in a select, for a
// request that did not come through a [Server].
func Stopping(ctx context.Context) <-chan struct{} {
	stopping, _ := ctx.Value(stoppingKey{}).(chan struct{})
	return stopping
}

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"licenseimport/events/eventlog"
	"licenseimport/internal/access"
	"licenseimport/internal/httpx"
	"licenseimport/internal/metrics"
	"licenseimport/web"
)

// grace is how long uploads in flight may go on after a signal to stop.
const grace = 30 * time.Second

// A node is one process with its roles and what they share.
type node struct {
	settings settings

	server  *eventlog.Server      // nil where NATS runs elsewhere
	log     *eventlog.Log         // nil where no role needs it
	keys    *access.Store         // likewise
	auth    *access.Authenticator // likewise
	router  *httpx.Router
	metrics *metrics.Set
	key     string // the data folder's admin key, where it was asked for
	newKey  bool   // it was made just now

	http   *httpx.Server // nil without HTTP
	served chan error    // how serving ended
	gate   gate
	parts  []started // in the order in which they were started

	mu       sync.Mutex
	checks   []check
	failures map[string]error // of parts whose work stopped by itself
	failed   chan error       // the same, as they come
}

// started is a part with its background work.
type started struct {
	name string
	part
	cancel context.CancelFunc
	done   chan struct{}
}

// startNode starts the roles of a process, and stops those that run already
// where one cannot be started. It waits for a NATS server that is not there yet
// until ctx ends; what runs afterwards is ended by stop alone.
func startNode(ctx context.Context, s settings) (*node, error) {
	set := metrics.New(buildInfo().name())
	n := &node{
		settings: s, metrics: set, router: httpx.NewRouter(httpx.Options{Observe: set.HTTP}), served: make(chan error, 1),
		failures: map[string]error{}, failed: make(chan error, len(roles)+1),
	}
	err := n.start(ctx)
	if err == nil {
		return n, nil
	}
	if ctx.Err() != nil {
		err = errors.New("stopped before everything had started")
	}
	return nil, errors.Join(err, n.stop())
}

func (n *node) start(ctx context.Context) error {
	if err := n.listen(); err != nil {
		return err
	}
	operations(n.router, n.metrics, newReadiness(slog.Default(), n.started))
	n.metrics.Watch(n.watched)
	for _, r := range roles {
		if !has(n.settings.roles, r.name) {
			continue
		}
		if err := n.startRole(ctx, r); err != nil {
			return err
		}
	}
	if n.auth != nil {
		n.router.Guard("/api/", n.auth.Guard)
		n.router.Handle("GET", "/api/v1/me/", n.auth.Require(access.Identify, access.Me))
		if err := web.Register(n.router); err != nil {
			return err
		}
	}
	if n.settings.ownKey {
		if err := n.ensureKey(ctx); err != nil {
			return err
		}
	}
	handler, err := n.router.Handler()
	if err != nil {
		return err
	}
	n.gate.set(handler)
	return nil
}

// ensureKey sees to it that somebody has a key.
func (n *node) ensureKey(ctx context.Context) (err error) {
	if err := makeDataFolder(n.settings.data); err != nil {
		return err
	}
	n.key, n.newKey, err = access.EnsureAdminKey(ctx, n.keys, adminKeyPath(n.settings.data))
	return err
}

// startRole makes one role, after what it needs.
func (n *node) startRole(ctx context.Context, r role) error {
	if r.log && n.log == nil {
		if err := n.openLog(ctx); err != nil {
			return err
		}
	}
	if r.api && n.auth == nil {
		if n.server != nil {
			lookAtSockets()
		}
		n.auth = access.NewAuthenticator(access.Config{Store: n.keys, AdminKey: n.settings.adminKey, Rate: n.settings.rate})
	}
	p, err := r.make(ctx, n)
	if err != nil {
		return err
	}
	n.begin(r.name, p)
	return nil
}

// openLog connects to the streams, in this process or elsewhere.
func (n *node) openLog(ctx context.Context) error {
	config := n.settings.nats
	config.Server = n.server
	config.Name = "licenseimport"
	log, err := eventlog.Open(ctx, config)
	if err != nil {
		return explainStreams(err, config.Replicas)
	}
	n.log, n.keys = log, openKeys(log)
	n.begin("streams", part{ready: log.Ready, close: func() error { log.Close(); return nil }})
	return nil
}

// begin lets a part work in the background. Its context has no connection to
// the one that ends the process, so that the parts end in order.
func (n *node) begin(name string, p part) {
	ctx, cancel := context.WithCancel(context.Background())
	s := started{name: name, part: p, cancel: cancel, done: make(chan struct{})}
	n.parts = append(n.parts, s)
	n.mu.Lock()
	n.checks = append(n.checks, check{name, func(ctx context.Context) error { return n.ready(ctx, name, p) }})
	n.mu.Unlock()
	go func() {
		defer close(s.done)
		if p.run == nil {
			return
		}
		if err := p.run(ctx); ctx.Err() == nil {
			n.fail(name, err)
		}
	}()
}

// fail remembers that a part's work ended by itself. The other parts go on: an
// upload is safe also while the views stand still. The process is not ready from
// then on, and says why.
func (n *node) fail(name string, err error) {
	if err == nil {
		err = errors.New("it ended without a reason")
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.failures[name] = err
	n.failed <- &stoppedError{name, err}
}

// stoppedError says which part's work ended by itself, and why.
type stoppedError struct {
	part string
	err  error
}

func (e *stoppedError) Error() string { return fmt.Sprintf("%s stopped: %v", e.part, e.err) }
func (e *stoppedError) Unwrap() error { return e.err }

// started are the checks of the parts that were started so far.
func (n *node) started() []check {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.checks)
}

// watched are the same for the metrics.
func (n *node) watched() []metrics.Part {
	var parts []metrics.Part
	for _, c := range n.started() {
		parts = append(parts, metrics.Part{Name: c.name, Ready: c.ask})
	}
	return parts
}

// ready says why a part is not ready.
func (n *node) ready(ctx context.Context, name string, p part) error {
	n.mu.Lock()
	err := n.failures[name]
	n.mu.Unlock()
	if err != nil || p.ready == nil {
		return err
	}
	return p.ready(ctx)
}

// untilReady waits until all parts are ready. The views, above all, may still be
// folding what the stream holds, and would tell of an earlier moment.
func (n *node) untilReady(ctx context.Context) error {
	for pause := firstPause; ; pause = min(2*pause, longPause) {
		if notReady(ctx, n.started()) == nil {
			return nil
		}
		if err := sleep(ctx, pause); err != nil {
			return err
		}
	}
}

// wait returns when ctx ends, or with the reason when HTTP cannot be served any
// more. A part that stops goes into the log.
func (n *node) wait(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-n.served:
			return err
		case err := <-n.failed:
			slog.Error("the other parts go on", "error", err)
		}
	}
}

// listen opens the port, if there is to be one, and answers from then on.
func (n *node) listen() error {
	if n.settings.http.Addr == "" && n.settings.http.Listener == nil {
		return nil
	}
	server, err := httpx.Listen(n.settings.http)
	if err != nil {
		return explainListen(n.settings.http.Addr, "--http", err)
	}
	n.http = server
	starting, err := startingHandler(n.metrics)
	if err != nil {
		return err
	}
	n.gate.set(starting)
	go func() { n.served <- server.Serve(&n.gate) }()
	return nil
}

// announce writes into the data folder's lock file where the API is, for the
// commands on this machine that want it.
func (n *node) announce() error {
	if n.server == nil || n.http == nil || n.auth == nil {
		return nil
	}
	return n.server.Announce(n.http.URL())
}

// startingHandler answers until all roles have started.
func startingHandler(set *metrics.Set) (http.Handler, error) {
	unlogged := slog.New(slog.DiscardHandler) // it has said already what it waits for
	router := httpx.NewRouter(httpx.Options{Log: unlogged, Observe: set.HTTP})
	starting := func(context.Context) error { return errors.New("waiting for NATS, or recovering what is stored") }
	operations(router, set, newReadiness(unlogged, func() []check { return []check{{"starting", starting}} }))
	router.Fallback("/", func(http.ResponseWriter, *http.Request, httpx.Params) error {
		return httpx.Unavailable(time.Second, "starting", "The server is starting. Try again shortly.")
	})
	return router.Handler()
}

// stop ends everything in order: first uploads get their time and the port is
// closed, then each part, the last started first.
func (n *node) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	n.finish(ctx)
	n.closeHTTP(ctx)
	var errs []error
	for i := len(n.parts) - 1; i >= 0; i-- {
		errs = append(errs, n.parts[i].end())
	}
	return errors.Join(errs...)
}

// finish lets the parts end what was begun. What has to be cut off is told to
// its clients and to the log; it is no failure.
func (n *node) finish(ctx context.Context) {
	for i := len(n.parts) - 1; i >= 0; i-- {
		if n.parts[i].part.finish == nil {
			continue
		}
		if err := n.parts[i].part.finish(ctx); err != nil {
			slog.Warn("work in flight was cut off", "part", n.parts[i].name, "error", err)
		}
	}
}

// closeHTTP closes the port. Answers that are being written get a moment even
// where uploads have used up all the time.
func (n *node) closeHTTP(ctx context.Context) {
	if n.http == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := n.http.Shutdown(ctx); err != nil {
		slog.Warn("requests were cut off", "error", err)
	}
}

// end ends a part's work, waits for it and closes what it has open.
func (s *started) end() error {
	s.cancel()
	<-s.done
	if s.close == nil {
		return nil
	}
	if err := s.close(); err != nil {
		return fmt.Errorf("stopping %s: %w", s.name, err)
	}
	return nil
}

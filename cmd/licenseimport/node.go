package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"licenseimport/events/eventlog"
	"licenseimport/internal/access"
	"licenseimport/internal/httpx"
	"licenseimport/internal/metrics"
	"licenseimport/projector"
	"licenseimport/web"
)

const (
	// grace is how long uploads in flight may go on after a signal to stop.
	grace = 30 * time.Second
	// httpGrace is how long answers in flight may take after that. The answer to an upload that was cut off is due
	// after DrainTime, where the client goes on sending.
	httpGrace = 2 * httpx.DrainTime
)

// A node is one process with its roles and what they share.
type node struct {
	settings settings

	server  *eventlog.Server      // nil where NATS runs elsewhere
	log     *eventlog.Log         // nil where no role needs it
	views   *projector.Opening    // nil: not begun yet
	keys    *access.Store         // nil where no role needs the log
	auth    *access.Authenticator // nil where no role serves the API
	router  *httpx.Router
	metrics *metrics.Set
	key     string // the data directory's admin key; "" unless settings.makeAdminKey
	newKey  bool   // this start made the key

	http       *httpx.Server // nil without HTTP
	served     chan error    // receives the error that ended serving
	handler    swapHandler
	ready      *readiness         // nil: not started yet
	components []runningComponent // in the order of their start

	mu       sync.Mutex
	checks   []check
	failures map[string]error // by component: why its background work ended by itself
	failed   chan error       // the same errors, in order of time
}

// runningComponent is a component with its background work.
type runningComponent struct {
	name string
	component
	cancel context.CancelFunc
	done   chan struct{}
}

// swapHandler passes requests on to the handler that was set last. So a role
// answers /healthz while it still waits for its NATS server.
type swapHandler struct{ current atomic.Pointer[http.Handler] }

func (s *swapHandler) set(h http.Handler) { s.current.Store(&h) }

func (s *swapHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	(*s.current.Load()).ServeHTTP(w, r)
}

// errStoppedStarting: the context ended before all roles of a process had started.
var errStoppedStarting = errors.New("stopped before everything had started")

// startNode starts the roles of a process. Where one of them cannot start, it
// stops those that run already. It waits for its NATS server until ctx ends; once
// it has returned a node, only stop ends it.
func startNode(ctx context.Context, s settings) (*node, error) {
	set := metrics.New(buildInfo().name())
	n := &node{
		settings: s, metrics: set, router: httpx.NewRouter(httpx.Options{Observe: set.HTTP, External: s.external}), served: make(chan error, 1),
		failures: map[string]error{}, failed: make(chan error, len(roles)+1),
	}
	err := n.start(ctx)
	if err == nil {
		return n, nil
	}
	if ctx.Err() != nil {
		err = errStoppedStarting
	}
	return nil, errors.Join(err, n.stop())
}

func (n *node) start(ctx context.Context) error {
	if err := n.listen(); err != nil {
		return err
	}
	n.ready = newReadiness(slog.Default(), n.currentChecks)
	n.ready.setAside = n.setAside
	registerHealth(n.router, n.metrics, n.ready)
	n.metrics.Watch(n.observedComponents)
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
	if n.settings.makeAdminKey {
		if err := n.ensureKey(ctx); err != nil {
			return err
		}
	}
	handler, err := n.router.Handler()
	if err != nil {
		return err
	}
	n.handler.set(handler)
	if n.newKey {
		n.awaitFirstEvent(ctx)
	}
	return nil
}

// firstEventTimeout bounds the wait for the views at the first start.
const firstEventTimeout = 5 * time.Second

// awaitFirstEvent waits until the views have the event of the key that this start made: a new data
// directory is ready when its start returns. What else is not ready is said by /readyz.
func (n *node) awaitFirstEvent(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, firstEventTimeout)
	defer cancel()
	_ = n.waitUntilReady(ctx)
}

// ensureKey makes an admin key on the data directory's first start.
func (n *node) ensureKey(ctx context.Context) (err error) {
	if err := makeDataDir(n.settings.data); err != nil {
		return err
	}
	n.key, n.newKey, err = access.EnsureAdminKey(ctx, n.keys, adminKeyPath(n.settings.data))
	return err
}

// startRole starts one role, after what it needs.
func (n *node) startRole(ctx context.Context, r role) error {
	if r.log && n.log == nil {
		if err := n.openLog(ctx); err != nil {
			return err
		}
	}
	if r.api && n.auth == nil {
		if n.server != nil {
			raiseGOMAXPROCS()
		}
		warnOfShortKey(n.settings.adminKey)
		n.auth = access.NewAuthenticator(access.Config{Store: n.keys, Uses: access.OpenUses(n.log),
			Sessions: access.OpenSessions(n.log), AdminKey: n.settings.adminKey, Rate: n.settings.rate})
	}
	c, err := r.make(ctx, n)
	if err != nil {
		return err
	}
	n.startComponent(r.name, c)
	return nil
}

// openLog connects to the streams, in this process or elsewhere.
func (n *node) openLog(ctx context.Context) error {
	config := n.settings.nats
	config.Server = n.server
	config.Name = "licenseimport"
	config.CrossCheck = true
	config.Existing = n.onlyReads()
	log, err := n.openStreams(ctx, config)
	if err != nil {
		return explainStreams(err, config.Replicas)
	}
	n.log, n.keys = log, access.Open(log)
	if n.server != nil && !n.onlyReads() {
		n.server.Record()
	}
	n.startComponent("streams", component{ready: log.Ready, close: func() error { log.Close(); return nil }})
	return nil
}

// startComponent runs a component in the background. Its context does not derive
// from the one that ends the process: stop ends the components in order.
func (n *node) startComponent(name string, c component) {
	ctx, cancel := context.WithCancel(context.Background())
	running := runningComponent{name: name, component: c, cancel: cancel, done: make(chan struct{})}
	n.components = append(n.components, running)
	n.mu.Lock()
	n.checks = append(n.checks, check{name, func(ctx context.Context) error { return n.componentReady(ctx, name, c) }})
	n.mu.Unlock()
	go func() {
		defer close(running.done)
		if c.run != nil {
			n.runComponent(ctx, name, c)
		}
	}()
}

// runComponent does a component's background work until ctx ends. Work that ends at an event that
// cannot be read begins again when an operator has set that event aside, in this process or another.
func (n *node) runComponent(ctx context.Context, name string, c component) {
	for {
		err := c.run(ctx)
		if ctx.Err() != nil {
			return
		}
		n.fail(name, err)
		if n.log == nil || n.log.AwaitSetAside(ctx, err) != nil {
			return
		}
		slog.Info("the event is set aside: it goes on without it", "component", name, "event", err)
		n.mu.Lock()
		delete(n.failures, name)
		n.mu.Unlock()
	}
}

// fail records that a component's work ended by itself. The others go on: an
// upload is safe while the views stand still. From then on the process is not
// ready, and /readyz names the error.
func (n *node) fail(name string, err error) {
	if err == nil {
		err = errors.New("it ended without a reason")
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.failures[name] = err
	select {
	case n.failed <- &stoppedError{name, err}:
	default: // nobody reads them
	}
}

// stoppedError names a component whose work ended by itself, and the reason.
type stoppedError struct {
	component string
	err       error
}

func (e *stoppedError) Error() string { return fmt.Sprintf("%s stopped: %v", e.component, e.err) }
func (e *stoppedError) Unwrap() error { return e.err }

// currentChecks returns the checks of the components started so far.
func (n *node) currentChecks() []check {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.checks)
}

// observedComponents returns the same checks for the metrics.
func (n *node) observedComponents() []metrics.Component {
	var components []metrics.Component
	for _, c := range n.currentChecks() {
		components = append(components, metrics.Component{Name: c.name, Ready: c.run})
	}
	return components
}

// componentReady returns why a component is not ready, or nil.
func (n *node) componentReady(ctx context.Context, name string, c component) error {
	n.mu.Lock()
	err := n.failures[name]
	n.mu.Unlock()
	if err != nil || c.ready == nil {
		return err
	}
	return c.ready(ctx)
}

// waitUntilReady waits until all components are ready. Before that the views may
// still fold the stream, and answers would show an earlier state.
func (n *node) waitUntilReady(ctx context.Context) error {
	for polls := polling.Start(); ; {
		if notReady(ctx, n.currentChecks()) == nil {
			return nil
		}
		if err := polls.Wait(ctx, nil); err != nil {
			return err
		}
	}
}

// wait returns when ctx ends, or with the error that ended serving HTTP. It logs
// components that stop.
func (n *node) wait(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-n.served:
			return err
		case err := <-n.failed:
			slog.Error("the other components go on", "error", err)
		}
	}
}

// listen opens the HTTP port, where one is configured, and serves from then on.
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
	n.handler.set(starting)
	go func() { n.served <- server.Serve(&n.handler) }()
	return nil
}

// announce writes the API's address into the data directory's lock file, where
// commands on this machine find it.
func (n *node) announce() error {
	if n.server == nil || n.http == nil || n.auth == nil {
		return nil
	}
	return n.server.Announce(n.http.URL())
}

// setAside lists what operators have set aside in the streams, if this process uses them.
func (n *node) setAside(ctx context.Context) []setAsideBody {
	if n.log == nil {
		return nil
	}
	return listSetAside(ctx, n.log)
}

// startingHandler answers requests until all roles have started.
func startingHandler(set *metrics.Set) (http.Handler, error) {
	unlogged := slog.New(slog.DiscardHandler) // the start logs what it waits for
	router := httpx.NewRouter(httpx.Options{Log: unlogged, Observe: set.HTTP})
	starting := func(context.Context) error { return errors.New("waiting for NATS, or recovering what is stored") }
	registerHealth(router, set, newReadiness(unlogged, func() []check { return []check{{"starting", starting}} }))
	router.Fallback("/", func(http.ResponseWriter, *http.Request, httpx.Params) error {
		return httpx.Unavailable(time.Second, "starting", "The server is starting. Try again shortly.")
	})
	return router.Handler()
}

// stop ends everything in order: the process is not ready any more, uploads get their grace, the port is closed, then
// each component ends, the last started first.
func (n *node) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	if n.ready != nil {
		n.ready.stop()
	}
	n.finish(ctx)
	n.closeHTTP(ctx)
	n.closeViews() // before another process can lock the data directory
	var errs []error
	for i := len(n.components) - 1; i >= 0; i-- {
		errs = append(errs, n.components[i].end())
	}
	return errors.Join(errs...)
}

// finish lets the components complete work in flight. Work that outlasts ctx is
// cut off: its client gets an error, the log a warning, and the stop still succeeds.
func (n *node) finish(ctx context.Context) {
	for i := len(n.components) - 1; i >= 0; i-- {
		c := n.components[i]
		if c.finish == nil {
			continue
		}
		if err := c.finish(ctx); err != nil {
			slog.Warn("work in flight was cut off", "component", c.name, "error", err)
		}
	}
}

// closeHTTP closes the port. Answers in flight get httpGrace even where uploads
// have used up ctx.
func (n *node) closeHTTP(ctx context.Context) {
	if n.http == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), httpGrace)
	defer cancel()
	if err := n.http.Shutdown(ctx); err != nil {
		slog.Warn("requests were cut off", "error", err)
	}
}

// end cancels the component's work, waits for it and closes the component.
func (c *runningComponent) end() error {
	c.cancel()
	<-c.done
	if c.close == nil {
		return nil
	}
	if err := c.close(); err != nil {
		return fmt.Errorf("stopping %s: %w", c.name, err)
	}
	return nil
}

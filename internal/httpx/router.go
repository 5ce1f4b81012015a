package httpx

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/julienschmidt/httprouter"
)

// Params are the values of a path's parameters, by name: p.ByName("id").
type Params = httprouter.Params

// Handler answers one request, or returns why it cannot: an [*Error], or any other one.
type Handler func(w http.ResponseWriter, r *http.Request, p Params) error

// Observer is called after every answer, for the metrics. The route is the
// registered path such as /api/v1/licenses/:id/, or "none"; an unusual method
// is "other". So both have few values, whatever clients send.
type Observer func(route, method string, status int, d time.Duration)

// Options of a Router; the zero value is valid.
type Options struct {
	Log     *slog.Logger // nil: slog's default
	Observe Observer     // nil: none

	// Within is the time that a client has to take each piece of an answer. Default 30 s.
	Within time.Duration

	// External is the address under which clients reach the server behind a proxy.
	External External
}

// Router is the table of routes: register first, then serve what Handler returns.
// It may not change from then on.
//
// It wraps httprouter, whose own hooks for 404 and 405 break three promises:
//
//   - GET /licenses/import_from_csv/ is 405, where only POST is registered. httprouter
//     would match it with GET /licenses/:id/. So fixed paths stand in a map.
//   - Allow has HEAD wherever it has GET, and not OPTIONS: httprouter's is the reverse.
//   - A guard answers 401 without Allow. httprouter sets Allow before it calls a hook.
type Router struct {
	log     *slog.Logger
	observe Observer
	within  time.Duration

	external External

	fixed     map[string]map[string]httprouter.Handle // path → method
	dynamic   *httprouter.Router                      // paths with parameters
	slots     map[routeKey]*httprouter.Handle         // the handlers of the paths with parameters
	reserved  map[routeKey]bool                       // routes that Handle may replace
	fallbacks []fallback                              // longest prefix first
	guards    []guard
	routes    []Route
	errs      []error
}

// Route is one entry of the table of routes.
type Route struct {
	Method string
	Path   string // as registered: /api/v1/licenses/:id/
	// Query names the query parameters that the route understands.
	// [AnyQuery]: it ignores the query.
	Query []string
}

type routeKey struct{ method, path string }

// target is a handler with the route's name for the observer.
type target struct {
	pattern string
	handler Handler
}

type fallback struct {
	prefix string
	target
}

type guard struct {
	prefix string
	check  func(*http.Request) error
}

// NewRouter returns a Router without routes.
func NewRouter(o Options) *Router {
	rt := &Router{
		log: o.Log, observe: o.Observe, within: cmp.Or(o.Within, 30*time.Second), external: o.External,
		fixed: map[string]map[string]httprouter.Handle{}, dynamic: httprouter.New(),
		slots: map[routeKey]*httprouter.Handle{}, reserved: map[routeKey]bool{},
	}
	if rt.log == nil {
		rt.log = slog.Default()
	}
	if rt.observe == nil {
		rt.observe = func(string, string, int, time.Duration) {}
	}
	return rt
}

// Handle registers a route. A segment that begins with a colon is a parameter. For
// one method, paths with parameters may not have a fixed segment where another path
// has a parameter, nor another name for the parameter. Handler returns such mistakes.
//
// Query names the query parameters that h understands. A request with any other one, an
// empty one or one that is repeated and not [Repeatable] is a 400 and does not reach h.
func (rt *Router) Handle(method, path string, h Handler, query ...string) {
	if err := rt.add(method, path, h, query); err != nil {
		rt.errs = append(rt.errs, fmt.Errorf("route %s %s: %w", method, path, err))
		return
	}
	rt.routes = append(rt.routes, Route{method, path, parameterNames(query)})
}

// Routes lists the routes registered so far, to compare them with a description of
// the API. It has no reserved paths and no fallbacks.
func (rt *Router) Routes() []Route { return slices.Clone(rt.routes) }

func (rt *Router) add(method, path string, h Handler, query []string) error {
	if !slices.Contains(methods, method) || h == nil || !strings.HasPrefix(path, "/") || strings.Contains(path, "*") {
		return errors.New("needs a usual method, a path from / without *, and a handler")
	}
	t := target{path, rt.checked(h, query)}
	handle := func(w http.ResponseWriter, r *http.Request, p Params) { rt.run(w, r, t, p) }
	path = withSlash(path)
	if strings.Contains(path, "/:") {
		return rt.addDynamic(method, path, handle)
	}
	if rt.fixed[path] == nil {
		rt.fixed[path] = map[string]httprouter.Handle{}
	}
	if rt.fixed[path][method] != nil && !rt.reserved[routeKey{method, path}] {
		return errors.New("registered twice")
	}
	delete(rt.reserved, routeKey{method, path})
	rt.fixed[path][method] = handle
	return nil
}

// addDynamic turns httprouter's panics about paths that exclude each other into errors. httprouter cannot
// replace a handler, so it has one that calls the route's slot.
func (rt *Router) addDynamic(method, path string, handle httprouter.Handle) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	key := routeKey{method, path}
	if slot := rt.slots[key]; slot != nil && rt.reserved[key] {
		*slot = handle
		delete(rt.reserved, key)
		return nil
	}
	slot := &handle
	rt.dynamic.Handle(method, path, func(w http.ResponseWriter, r *http.Request, p Params) { (*slot)(w, r, p) })
	rt.slots[key] = slot
	return nil
}

// Fallback registers a handler for every path below prefix that has no route for any
// method. The longest prefix decides.
func (rt *Router) Fallback(prefix string, h Handler) {
	if h == nil || !strings.HasPrefix(prefix, "/") {
		rt.errs = append(rt.errs, fmt.Errorf("fallback %s: needs a prefix from / and a handler", prefix))
		return
	}
	rt.fallbacks = append(rt.fallbacks, fallback{prefix, target{prefix + "*", rt.guarded(h)}})
	slices.SortStableFunc(rt.fallbacks, func(a, b fallback) int { return len(b.prefix) - len(a.prefix) })
}

// Guard runs check on unrouted requests below prefix, before the fallback, 404 or 405, and
// on requests whose query their route does not understand, before that 400.
// An error of check is the answer. Routes check access themselves.
func (rt *Router) Guard(prefix string, check func(*http.Request) error) {
	rt.guards = append(rt.guards, guard{prefix, check})
}

// guarded runs the guards before h.
func (rt *Router) guarded(h Handler) Handler {
	return func(w http.ResponseWriter, r *http.Request, p Params) error {
		for _, g := range rt.guards {
			if !strings.HasPrefix(withSlash(r.URL.Path), g.prefix) {
				continue
			}
			if err := g.check(r); err != nil {
				return err
			}
		}
		return h(w, r, p)
	}
}

// Reserve declares that a route belongs to another role. A fixed path then never matches
// one with a parameter. Other methods are 405; the method itself goes to the fallback or
// is 404, unless Handle registers it, before or after: then this process runs that role,
// too.
func (rt *Router) Reserve(method, path string) {
	key := routeKey{method, withSlash(path)}
	if rt.fixed[key.path][method] != nil || rt.slots[key] != nil {
		return
	}
	err := rt.add(method, path, func(w http.ResponseWriter, r *http.Request, p Params) error {
		return rt.elsewhere(withSlash(r.URL.Path)).handler(w, r, p)
	}, []string{AnyQuery})
	if err != nil {
		rt.errs = append(rt.errs, fmt.Errorf("reserved route %s %s: %w", method, path, err))
		return
	}
	rt.reserved[key] = true
}

// Handler returns the router as an http.Handler, or all mistakes of its registration.
func (rt *Router) Handler() (http.Handler, error) {
	if err := errors.Join(rt.errs...); err != nil {
		return nil, err
	}
	return http.HandlerFunc(rt.dispatch), nil
}

func (rt *Router) dispatch(w http.ResponseWriter, r *http.Request) {
	path := withSlash(r.URL.Path)
	if handle, params := rt.lookup(r.Method, path); handle != nil {
		handle(w, r, params)
		return
	}
	rt.run(w, r, rt.unmatched(path), nil)
}

// lookup finds a route, or nil: fixed paths first, then paths with parameters. HEAD
// works wherever GET does.
func (rt *Router) lookup(method, path string) (handle httprouter.Handle, params Params) {
	if handles, ok := rt.fixed[path]; ok {
		handle = handles[method]
	} else {
		handle, params, _ = rt.dynamic.Lookup(method, path)
	}
	if handle == nil && method == http.MethodHead {
		return rt.lookup(http.MethodGet, path)
	}
	return handle, params
}

// unmatched returns what answers a request without a route: 405 where the path has
// other methods, else the fallback or 404.
func (rt *Router) unmatched(path string) target {
	var allow []string
	for _, method := range methods {
		if handle, _ := rt.lookup(method, path); handle != nil {
			allow = append(allow, method)
		}
	}
	if len(allow) == 0 {
		return rt.elsewhere(path)
	}
	return target{"none", rt.guarded(func(w http.ResponseWriter, r *http.Request, _ Params) error {
		if r.Method != http.MethodOptions {
			return MethodNotAllowed(r.Method, allow)
		}
		w.Header().Set("Allow", strings.Join(allow, ", "))
		w.WriteHeader(http.StatusNoContent)
		return nil
	})}
}

// elsewhere returns what answers for a path that this process does not serve.
func (rt *Router) elsewhere(path string) target {
	for _, f := range rt.fallbacks {
		if strings.HasPrefix(path, f.prefix) {
			return f.target
		}
	}
	return target{"none", rt.guarded(func(http.ResponseWriter, *http.Request, Params) error {
		return NotFound("There is nothing at this address.")
	})}
}

// methods that a route may have, sorted.
var methods = []string{http.MethodDelete, http.MethodGet, http.MethodHead, http.MethodOptions,
	http.MethodPatch, http.MethodPost, http.MethodPut}

func withSlash(path string) string {
	if strings.HasSuffix(path, "/") {
		return path
	}
	return path + "/"
}

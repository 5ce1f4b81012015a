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

// Handler answers one request, or returns why it cannot: see [WriteError].
type Handler func(w http.ResponseWriter, r *http.Request, p Params) error

// Observer is told of every answer, for the metrics. The route is the
// registered path such as /api/v1/licenses/:id/, or "none"; an unusual method
// is "other": so both have few values, whatever clients send.
type Observer func(route, method string, status int, d time.Duration)

// Options of a Router; the zero value is fine.
type Options struct {
	Log     *slog.Logger // nil: slog's default
	Observe Observer     // nil: nobody

	// Within is the time that a client has to take each piece of an answer. Default 30 s.
	Within time.Duration
}

// Router is the table of routes. Register first, then serve what Handler
// returns; it is not to be changed from then on.
type Router struct {
	log     *slog.Logger
	observe Observer
	within  time.Duration

	static    map[string]map[string]*route // path → method → route
	dynamic   *httprouter.Router           // the paths with parameters
	fallbacks []fallback                   // longest prefix first
	guards    []guard
	routes    []Route
	errs      []error
}

// Route is one entry of the table of routes.
type Route struct {
	Method string
	Path   string // as registered: /api/v1/licenses/:id/
}

type route struct {
	pattern  string
	handler  Handler
	reserved bool // gives way to a route that is registered by Handle
}

type fallback struct {
	prefix string
	route  *route
}

type guard struct {
	prefix string
	check  func(*http.Request) error
}

// NewRouter is a Router without routes.
func NewRouter(o Options) *Router {
	rt := &Router{
		log: o.Log, observe: o.Observe, within: cmp.Or(o.Within, 30*time.Second),
		static: map[string]map[string]*route{}, dynamic: httprouter.New(),
	}
	if rt.log == nil {
		rt.log = slog.Default()
	}
	if rt.observe == nil {
		rt.observe = func(string, string, int, time.Duration) {}
	}
	return rt
}

// Handle registers a route. A segment that begins with a colon is a parameter.
// Paths with parameters may not have a fixed segment where another path of the
// same method has a parameter, nor another name for the parameter; such a
// mistake is returned by Handler.
func (rt *Router) Handle(method, path string, h Handler) {
	if err := rt.add(method, path, h); err != nil {
		rt.errs = append(rt.errs, fmt.Errorf("httpx: route %s %s: %w", method, path, err))
		return
	}
	rt.routes = append(rt.routes, Route{method, path})
}

// Routes lists what was registered so far, reserved paths included and
// fallbacks not, for whoever compares it with a description of the API.
func (rt *Router) Routes() []Route { return slices.Clone(rt.routes) }

func (rt *Router) add(method, path string, h Handler) error {
	if !slices.Contains(methods, method) || h == nil || !strings.HasPrefix(path, "/") || strings.Contains(path, "*") {
		return errors.New("needs a usual method, a path from / without *, and a handler")
	}
	added := &route{pattern: path, handler: h}
	path = withSlash(path)
	if strings.Contains(path, "/:") {
		return rt.addDynamic(method, path, added)
	}
	if rt.static[path] == nil {
		rt.static[path] = map[string]*route{}
	}
	if present := rt.static[path][method]; present != nil && !present.reserved {
		return errors.New("registered twice")
	}
	rt.static[path][method] = added
	return nil
}

// addDynamic turns httprouter's panics about paths that exclude each other
// into errors.
func (rt *Router) addDynamic(method, path string, added *route) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	rt.dynamic.Handle(method, path, func(w http.ResponseWriter, r *http.Request, p Params) {
		rt.run(w, r, added, p)
	})
	return nil
}

// Fallback registers a handler for every path below the prefix that has no
// route for any method. The longest prefix decides.
func (rt *Router) Fallback(prefix string, h Handler) {
	if h == nil || !strings.HasPrefix(prefix, "/") {
		rt.errs = append(rt.errs, fmt.Errorf("httpx: fallback %s: needs a prefix from / and a handler", prefix))
		return
	}
	rt.fallbacks = append(rt.fallbacks, fallback{prefix, &route{pattern: prefix + "*", handler: rt.guarded(h)}})
	slices.SortStableFunc(rt.fallbacks, func(a, b fallback) int { return len(b.prefix) - len(a.prefix) })
}

// Guard has check look at each request below the prefix that no route takes, before it
// goes to a fallback or is told that there is nothing, or which methods there are. An error
// of check is the answer. Routes see to that themselves.
func (rt *Router) Guard(prefix string, check func(*http.Request) error) {
	rt.guards = append(rt.guards, guard{prefix, check})
}

// guarded is a handler behind the guards.
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

// Reserve says that a path without parameters belongs to another role. The
// path is then never taken for one with a parameter: other methods are 405,
// and the method itself goes to the fallback or is 404, unless Handle
// registers it, before or after, because that role is served here as well.
func (rt *Router) Reserve(method, path string) {
	slashed := withSlash(path)
	if rt.static[slashed][method] != nil {
		return
	}
	rt.Handle(method, path, rt.elsewhere)
	if added := rt.static[slashed][method]; added != nil {
		added.reserved = true
	}
}

// Handler is the router as net/http wants it, or every mistake made while
// registering.
func (rt *Router) Handler() (http.Handler, error) {
	if err := errors.Join(rt.errs...); err != nil {
		return nil, err
	}
	return http.HandlerFunc(rt.dispatch), nil
}

// dispatch finds the route: the exact path, then paths with parameters, then
// what can be said about a path or method that is not there.
func (rt *Router) dispatch(w http.ResponseWriter, r *http.Request) {
	path := withSlash(r.URL.Path)
	if methods := rt.static[path]; methods != nil {
		for _, method := range lookupMethods(r.Method) {
			if found := methods[method]; found != nil {
				rt.run(w, r, found, nil)
				return
			}
		}
	} else {
		for _, method := range lookupMethods(r.Method) {
			if handle, params, _ := rt.dynamic.Lookup(method, path); handle != nil {
				handle(w, r, params)
				return
			}
		}
	}
	rt.run(w, r, rt.unmatched(path), nil)
}

// lookupMethods: HEAD works wherever GET does.
func lookupMethods(method string) []string {
	if method == http.MethodHead {
		return []string{http.MethodHead, http.MethodGet}
	}
	return []string{method}
}

// unmatched is the answer where path and method have no route.
func (rt *Router) unmatched(path string) *route {
	if allow := rt.allowed(path); len(allow) > 0 {
		return &route{pattern: "none", handler: rt.guarded(func(w http.ResponseWriter, r *http.Request, _ Params) error {
			return answerAllowed(w, r, allow)
		})}
	}
	if f := rt.fallback(path); f != nil {
		return f
	}
	return &route{pattern: "none", handler: rt.elsewhere}
}

// fallback is the one for this path, or nil.
func (rt *Router) fallback(path string) *route {
	for _, f := range rt.fallbacks {
		if strings.HasPrefix(path, f.prefix) {
			return f.route
		}
	}
	return nil
}

// elsewhere answers for what is not served here.
func (rt *Router) elsewhere(w http.ResponseWriter, r *http.Request, p Params) error {
	if f := rt.fallback(withSlash(r.URL.Path)); f != nil {
		return f.handler(w, r, p)
	}
	return rt.guarded(nothing)(w, r, p)
}

func nothing(http.ResponseWriter, *http.Request, Params) error {
	return NotFound("There is nothing at this address.")
}

func answerAllowed(w http.ResponseWriter, r *http.Request, allow []string) error {
	if r.Method != http.MethodOptions {
		return MethodNotAllowed(r.Method, allow)
	}
	w.Header().Set("Allow", strings.Join(allow, ", "))
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// allowed lists the methods that a path has routes for, sorted; none for a
// path without routes.
func (rt *Router) allowed(path string) []string {
	var allow []string
	for _, method := range methods {
		if methods, ok := rt.static[path]; ok {
			if methods[method] != nil {
				allow = append(allow, method)
			}
		} else if handle, _, _ := rt.dynamic.Lookup(method, path); handle != nil {
			allow = append(allow, method)
		}
	}
	if len(allow) == 0 {
		return nil
	}
	if slices.Contains(allow, http.MethodGet) {
		allow = append(allow, http.MethodHead)
	}
	slices.Sort(allow)
	return slices.Compact(allow)
}

// methods that a route may have.
var methods = []string{http.MethodDelete, http.MethodGet, http.MethodHead, http.MethodOptions,
	http.MethodPatch, http.MethodPost, http.MethodPut}

func withSlash(path string) string {
	if strings.HasSuffix(path, "/") {
		return path
	}
	return path + "/"
}

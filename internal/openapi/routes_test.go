package openapi_test

import (
	"go/ast"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"licenseimport/events/eventlog/eventlogtest"
	"licenseimport/ingest"
	"licenseimport/internal/access"
	"licenseimport/internal/admin"
	"licenseimport/internal/httpx"
	"licenseimport/internal/openapi"
	"licenseimport/processor"
	"licenseimport/projector"
	"licenseimport/projector/readapi"
)

func load(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(openapi.Document())
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// TestRoutes: every route of the program is described, and the other way round.
func TestRoutes(t *testing.T) {
	registered := commandRoutes(t)
	for _, route := range roleRoutes(t) {
		registered[route.Method+" "+braced(route.Path)] = true
	}
	described := map[string]bool{}
	for path, item := range load(t).Paths.Map() {
		for method := range item.Operations() {
			described[method+" "+path] = true
		}
	}
	for _, route := range slices.Sorted(maps.Keys(registered)) {
		if !described[route] {
			t.Errorf("%s is served and not described: describe it in openapi.yaml", route)
		}
	}
	for _, route := range slices.Sorted(maps.Keys(described)) {
		if !registered[route] {
			t.Errorf("%s is described and not served", route)
		}
	}
}

// TestQueryParameters: the query parameters that a route accepts are those that are described.
func TestQueryParameters(t *testing.T) {
	doc := load(t)
	accepted := map[string][]string{}
	for route := range commandRoutes(t) {
		accepted[route] = nil
	}
	for _, route := range roleRoutes(t) {
		if !slices.Contains(route.Query, httpx.AnyQuery) {
			accepted[route.Method+" "+braced(route.Path)] = route.Query
		}
	}
	for _, route := range slices.Sorted(maps.Keys(accepted)) {
		method, path, _ := strings.Cut(route, " ")
		item := doc.Paths.Value(path)
		if item == nil || item.GetOperation(method) == nil {
			continue // TestRoutes says so
		}
		var described []string
		for _, p := range slices.Concat(item.Parameters, item.GetOperation(method).Parameters) {
			if p.Value.In == "query" {
				described = append(described, p.Value.Name)
			}
		}
		want := slices.Sorted(slices.Values(accepted[route]))
		if slices.Sort(described); !slices.Equal(described, want) {
			t.Errorf("%s: described are %v, accepted are %v", route, described, want)
		}
	}
}

// roleRoutes are the routes of the stages.
func roleRoutes(t *testing.T) []httpx.Route {
	t.Helper()
	log := eventlogtest.Start(t)
	views, err := projector.Open(t.Context(), t.TempDir(), log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = views.Close() })
	auth := access.NewAuthenticator(access.Config{AdminKey: "k"})
	router := httpx.NewRouter(httpx.Options{})
	ingest.New(log, ingest.Config{}).Register(router, auth)
	readapi.New(views, processor.OpenCatalogue(log)).Register(router, auth)
	admin.New(admin.Config{}).Register(router, auth)
	auth.RegisterSessions(router, access.OpenSessions(log))
	if _, err := router.Handler(); err != nil {
		t.Fatal(err)
	}
	return router.Routes()
}

// commandRoutes are those that the program registers itself. They are read from
// its source, since a program cannot be imported.
func commandRoutes(t *testing.T) map[string]bool {
	t.Helper()
	routes := map[string]bool{}
	for _, file := range sources(t, "cmd/licenseimport") {
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || calledName(call) != "Handle" || len(call.Args) < 3 {
				return true
			}
			if path := text(call.Args[1]); path != "" {
				routes[text(call.Args[0])+" "+braced(path)] = true
			}
			return true
		})
	}
	if !routes[http.MethodGet+" /healthz"] {
		t.Errorf("found only %v in cmd/licenseimport: does the test still know how routes are registered?", routes)
	}
	return routes
}

// braced is a path as OpenAPI writes it: {id} in place of :id.
func braced(path string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if name, ok := strings.CutPrefix(s, ":"); ok {
			segments[i] = "{" + name + "}"
		}
	}
	return strings.Join(segments, "/")
}

package openapitest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"licenseimport/internal/openapi"
)

// api is the compiled document. It is immutable.
type api struct {
	doc     *openapi3.T
	router  routers.Router
	fixed   map[string]bool               // the paths without parameters, without their last slash
	schemas map[string]*jsonschema.Schema // by reference: #/components/schemas/Import
}

var loadOnce = sync.OnceValues(func() (*api, error) { return load(openapi.Document()) })

// load reads a document. It must be valid, examples included, and every body in
// JSON must be of a named schema.
func load(document []byte) (*api, error) {
	doc, err := openapi3.NewLoader().LoadFromData(document)
	if err != nil {
		return nil, fmt.Errorf("openapi.yaml: %w", err)
	}
	router, err := legacy.NewRouter(doc, openapi3.EnableExamplesValidation(), openapi3.EnableSchemaDefaultsValidation())
	if err != nil {
		return nil, fmt.Errorf("openapi.yaml: %w", err)
	}
	a := &api{doc: doc, router: router, fixed: map[string]bool{}, schemas: map[string]*jsonschema.Schema{}}
	for path := range doc.Paths.Map() {
		if !strings.Contains(path, "{") {
			a.fixed[strings.TrimSuffix(path, "/")] = true
		}
	}
	return a, a.compile()
}

// compile compiles the named schemas, so that members of any depth are checked
// by a full implementation of JSON Schema 2020-12.
func (a *api) compile() error {
	const base = "openapi.json"
	text, err := a.doc.MarshalJSON()
	if err != nil {
		return fmt.Errorf("openapi.yaml: %w", err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("openapi.yaml: %w", err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource(base, value); err != nil {
		return fmt.Errorf("openapi.yaml: %w", err)
	}
	for name := range a.doc.Components.Schemas {
		ref := "#/components/schemas/" + name
		if a.schemas[ref], err = compiler.Compile(base + ref); err != nil {
			return fmt.Errorf("openapi.yaml: schema %s: %w", name, err)
		}
	}
	return nil
}

// answers lists all described answers.
func (a *api) answers() []Answer {
	var all []Answer
	for path, item := range a.doc.Paths.Map() {
		for method, operation := range item.Operations() {
			for status := range operation.Responses.Map() {
				if n, err := strconv.Atoi(status); err == nil {
					all = append(all, Answer{method, path, n})
				}
			}
		}
	}
	slices.SortFunc(all, compareAnswers)
	return all
}

// check compares one answer. The Answer is empty where the document describes
// none for such a request.
func (a *api) check(r *http.Request, res *http.Response, body []byte) (Answer, error) {
	route, params := a.find(r, r.Method)
	if route == nil && r.Method == http.MethodHead {
		route, params = a.find(r, http.MethodGet)
	}
	if route == nil {
		return Answer{}, a.checkUndescribed(r, res, body)
	}
	answer := Answer{route.Method, route.Path, res.StatusCode}
	described := route.Operation.Responses.Status(res.StatusCode)
	if described == nil {
		return answer, errors.New("this status is not described")
	}
	if err := a.checkAnswer(described.Value, r, res, body); err != nil {
		return answer, err
	}
	if res.StatusCode >= 300 {
		return answer, nil
	}
	if err := checkRequest(r, route, params); err != nil {
		return answer, fmt.Errorf("it succeeds, but the request is not what is described: %w", err)
	}
	return answer, nil
}

// find gives the route of a request, with or without the last slash; nil: none. A
// path without parameters is never taken for one with them.
func (a *api) find(r *http.Request, method string) (*routers.Route, map[string]string) {
	probe := &http.Request{Method: method, URL: &url.URL{Path: r.URL.Path}}
	route, params, err := a.router.FindRoute(probe)
	if err != nil || a.fixed[strings.TrimSuffix(r.URL.Path, "/")] && len(params) > 0 {
		return nil, nil
	}
	return route, params
}

// checkUndescribed: what the document does not have must be refused, by 405
// where the path has other methods.
func (a *api) checkUndescribed(r *http.Request, res *http.Response, body []byte) error {
	exists := slices.ContainsFunc([]string{http.MethodGet, http.MethodPost}, func(method string) bool {
		route, _ := a.find(r, method)
		return route != nil
	})
	responses := a.doc.Components.Responses
	switch {
	case !exists && !strings.HasPrefix(r.URL.Path, "/api/"):
		return nil
	case strings.HasPrefix(r.URL.Path, "/api/") && res.StatusCode == http.StatusUnauthorized: // before anything is told
		return a.checkAnswer(responses["Unauthorized"].Value, r, res, body)
	case exists && r.Method == http.MethodOptions && res.StatusCode == http.StatusNoContent:
		if res.Header.Get("Allow") == "" {
			return errors.New("it has no header Allow")
		}
		return nil
	case exists && res.StatusCode == http.StatusMethodNotAllowed:
		if res.Header.Get("Allow") == "" {
			return errors.New("it has no header Allow")
		}
		return a.checkAnswer(responses["NotFound"].Value, r, res, body) // the same problem
	case !exists && res.StatusCode == http.StatusNotFound:
		return a.checkAnswer(responses["NotFound"].Value, r, res, body)
	case res.StatusCode == http.StatusServiceUnavailable: // nobody there to ask
		return a.checkAnswer(responses["Unavailable"].Value, r, res, body)
	case exists:
		return fmt.Errorf("%s is not described here, so it must be 405", r.Method)
	default:
		return errors.New("this address is not described, so it must be 404")
	}
}

// checkAnswer compares headers, media type and, where it is JSON, the body.
func (a *api) checkAnswer(described *openapi3.Response, r *http.Request, res *http.Response, body []byte) error {
	if err := checkHeaders(described, r, res); err != nil {
		return err
	}
	contentType := res.Header.Get("Content-Type")
	if len(described.Content) == 0 && contentType == "" && len(body) == 0 {
		return nil
	}
	media := described.Content.Get(contentType)
	if media == nil {
		return fmt.Errorf("the media type %q is not described for this status", contentType)
	}
	if body == nil || !isJSON(res.Header) {
		return nil
	}
	schema := a.schemas[media.Schema.Ref]
	if schema == nil {
		return errors.New("its body is not described by a named schema")
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("its body is not JSON: %w", err)
	}
	if err := schema.Validate(value); err != nil {
		return fmt.Errorf("its body: %w", err)
	}
	return nil
}

// checkHeaders compares the headers that are described for an answer.
func checkHeaders(described *openapi3.Response, r *http.Request, res *http.Response) error {
	responses := openapi3.NewResponsesWithCapacity(1)
	responses.Set(strconv.Itoa(res.StatusCode), &openapi3.ResponseRef{Value: described})
	return openapi3filter.ValidateResponse(r.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{
			Request: &http.Request{Method: http.MethodGet, URL: r.URL},
			Route:   &routers.Route{Spec: &openapi3.T{OpenAPI: "3.1.0"}, Operation: &openapi3.Operation{Responses: responses}},
		},
		Status: res.StatusCode, Header: res.Header,
		Options: &openapi3filter.Options{ExcludeResponseBody: true},
	})
}

// checkRequest compares a request that was answered with success.
func checkRequest(r *http.Request, route *routers.Route, params map[string]string) error {
	query := r.URL.Query()
	for name, values := range query {
		if !isParameter(route, name) {
			return fmt.Errorf("the query parameter %s is not described", name)
		}
		if len(values) == 1 && values[0] == "" {
			delete(query, name) // counts as not given
		}
	}
	if err := checkMediaType(r, route.Operation); err != nil {
		return err
	}
	// A copy: the original must stay as it is.
	probe := &http.Request{Method: route.Method, URL: &url.URL{Path: r.URL.Path, RawQuery: query.Encode()}, Header: r.Header.Clone()}
	return openapi3filter.ValidateRequest(r.Context(), &openapi3filter.RequestValidationInput{
		Request: probe, PathParams: params, QueryParams: query, Route: route,
		Options: &openapi3filter.Options{
			ExcludeRequestBody: true, SkipSettingDefaults: true, AuthenticationFunc: authenticated,
		},
	})
}

// isParameter reports whether an operation has a query parameter of this name.
func isParameter(route *routers.Route, name string) bool {
	return route.Operation.Parameters.GetByInAndName("query", name) != nil ||
		route.PathItem.Parameters.GetByInAndName("query", name) != nil
}

func checkMediaType(r *http.Request, operation *openapi3.Operation) error {
	if operation.RequestBody == nil {
		return nil
	}
	contentType := r.Header.Get("Content-Type")
	if operation.RequestBody.Value.Content.Get(contentType) == nil {
		return fmt.Errorf("the media type %q is not described for its body", contentType)
	}
	return nil
}

// authenticated reports whether a request has the key or the cookie that the document requires, if any.
func authenticated(_ context.Context, in *openapi3filter.AuthenticationInput) error {
	if in.SecurityScheme.In == "cookie" {
		_, err := in.RequestValidationInput.Request.Cookie(in.SecurityScheme.Name)
		return err
	}
	header := in.RequestValidationInput.Request.Header.Get(in.SecurityScheme.Name)
	if scheme, key, _ := strings.Cut(header, " "); strings.EqualFold(scheme, "Api-Key") && key != "" {
		return nil
	}
	return errors.New("it carries no key")
}

// isJSON reports whether a body is JSON.
func isJSON(h http.Header) bool {
	media, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	media = strings.TrimSpace(media)
	return media == "application/json" || strings.HasSuffix(media, "+json")
}

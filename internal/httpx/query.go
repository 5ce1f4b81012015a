package httpx

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// AnyQuery, in the place of a route's query parameters, accepts every query and ignores it: for
// files, whose addresses other programs extend, and for routes of another process.
const AnyQuery = "*"

// Repeatable marks a query parameter that a request may give more than once.
func Repeatable(name string) string { return name + repeatable }

const repeatable = "..."

// parameterNames returns the names without their marks.
func parameterNames(parameters []string) []string {
	names := make([]string, len(parameters))
	for i, p := range parameters {
		names[i] = strings.TrimSuffix(p, repeatable)
	}
	return names
}

// checked refuses a query that the route does not understand, before h. Access comes first: a
// guard's error is the answer.
func (rt *Router) checked(h Handler, parameters []string) Handler {
	if slices.Contains(parameters, AnyQuery) {
		return h
	}
	return func(w http.ResponseWriter, r *http.Request, p Params) error {
		if refused := checkQuery(r, parameters); refused != nil {
			h := rt.guarded(func(http.ResponseWriter, *http.Request, Params) error { return refused })
			return h(w, r, p)
		}
		return h(w, r, p)
	}
}

// checkQuery returns a 400 for a query with a parameter that is not one of these, that has no value or that is given
// more than once, unless it is [Repeatable]. It names those that there are. What a server ignores could be a filter, or
// a dry run.
func checkQuery(r *http.Request, parameters []string) error {
	if r.URL.RawQuery == "" {
		return nil
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return BadRequest("invalid_parameter", "The query of the address cannot be read.%s", nothingDone(r)).Because(err)
	}
	known := parameterNames(parameters)
	for _, name := range sortedNames(query) {
		switch values := query[name]; {
		case !slices.Contains(known, name):
			return BadRequest("unknown_parameter", "There is no query parameter %s here; %s.%s",
				shorten(name), listParameters(known), nothingDone(r))
		case len(values) > 1 && slices.Contains(parameters, name):
			return BadRequest("invalid_parameter", "Query parameter %s is given %d times: give it once; %s.%s",
				name, len(values), listParameters(known), nothingDone(r))
		case slices.Contains(values, ""):
			return BadRequest("invalid_parameter", "Query parameter %s is empty: give it a value, or leave it out; %s.%s",
				name, listParameters(known), nothingDone(r))
		}
	}
	return nil
}

// sortedNames returns the names in a query in a fixed order, so that one query has one answer.
func sortedNames(query url.Values) []string {
	names := make([]string, 0, len(query))
	for name := range query {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func listParameters(parameters []string) string {
	if len(parameters) == 0 {
		return "this address has none"
	}
	return "there are " + strings.Join(parameters, ", ")
}

// nothingDone is the sentence that a request which would change something was not carried out.
func nothingDone(r *http.Request) string {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return ""
	}
	return " Nothing was done."
}

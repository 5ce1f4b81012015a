package openapitest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"licenseimport/internal/openapi"
)

// TestDocument: it is valid OpenAPI 3.1, its examples fit their schemas, and all
// bodies in JSON are of named schemas.
func TestDocument(t *testing.T) {
	a, err := load(openapi.Document())
	if err != nil {
		t.Fatal(err)
	}
	if !a.doc.IsOpenAPI31OrLater() {
		t.Errorf("openapi: %s", a.doc.OpenAPI)
	}
	for path, item := range a.doc.Paths.Map() {
		for method, operation := range item.Operations() {
			for status, response := range operation.Responses.Map() {
				for media, content := range response.Value.Content {
					if strings.HasSuffix(media, "json") && a.schemas[content.Schema.Ref] == nil {
						t.Errorf("%s %s %s: %s is not of a named schema", method, path, status, media)
					}
				}
			}
		}
	}
}

// TestBadDocuments: what TestDocument promises can fail.
func TestBadDocuments(t *testing.T) {
	for name, change := range map[string][2]string{
		"an example that does not fit":   {"example: {job_id: 10}", "example: {job_id: ten}"},
		"a reference to nothing":         {"schemas/ImportPage'", "schemas/Nothing'"},
		"a parameter that is not listed": {"/licenses/{id}/event/:", "/licenses/{other}/event/:"},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(string(openapi.Document()), change[0], change[1], 1)
			if text == string(openapi.Document()) {
				t.Fatalf("the document has no %q", change[0])
			}
			if _, err := load([]byte(text)); err == nil {
				t.Error("it is taken")
			}
		})
	}
}

// failures is a test that remembers what would fail it.
type failures struct {
	testing.TB
	mu   sync.Mutex
	said []string
}

func (f *failures) Errorf(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.said = append(f.said, fmt.Sprintf(format, args...))
}

// exchange is one request and what a server answers.
type exchange struct {
	method, path string
	key          string // of the request
	sent         string // its media type
	status       int
	header       http.Header
	body         string
}

// answerOf is what the server answers where nothing else is said.
func (x exchange) serve(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	for name, values := range x.header {
		w.Header()[name] = values
	}
	w.WriteHeader(x.status)
	_, _ = io.WriteString(w, x.body)
}

func (x exchange) run(t *testing.T) (body string, said []string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(x.serve))
	defer server.Close()
	f := &failures{TB: t}
	r, err := http.NewRequestWithContext(t.Context(), x.method, server.URL+x.path, strings.NewReader("a body"))
	if err != nil {
		t.Fatal(err)
	}
	if x.key != "" {
		r.Header.Set("Authorization", "Api-Key "+x.key)
	}
	if x.sent != "" {
		r.Header.Set("Content-Type", x.sent)
	}
	res, err := Client(f, nil).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b), f.said
}

func headers(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
	}
	return h
}

const (
	me      = "/api/v1/me/"
	ada     = `{"manager":"ada","role":"importer","products":[]}`
	problem = `{"type":"about:blank","title":"T","status":404,"detail":"D","code":"not_found","message":"D"}`
	empty   = `{"count":0,"next":null,"previous":null,"results":[]}`
	form    = "multipart/form-data; boundary=b"
)

var (
	asJSON    = headers("Content-Type", "application/json")
	asProblem = headers("Content-Type", "application/problem+json")
)

// described are exchanges that are as the document says.
var described = map[string]exchange{
	"success":                  {"GET", me, "k", "", 200, asJSON, ada},
	"without the last slash":   {"GET", "/api/v1/me", "k", "", 200, asJSON, ada},
	"a charset":                {"GET", me, "k", "", 200, headers("Content-Type", "application/json; charset=utf-8"), ada},
	"HEAD":                     {"HEAD", me, "k", "", 200, asJSON, ""},
	"OPTIONS":                  {"OPTIONS", me, "", "", 204, headers("Allow", "GET, HEAD, OPTIONS"), ""},
	"a list":                   {"GET", "/api/v1/licenses/?limit=1000&enabled=true", "k", "", 200, asJSON, empty},
	"an empty parameter":       {"GET", "/api/v1/licenses/?limit=&enabled=", "k", "", 200, asJSON, empty},
	"a refused parameter":      {"GET", "/api/v1/licenses/?limit=x&foo=bar", "", "", 400, asProblem, problem},
	"a path with a parameter":  {"GET", "/api/v1/licenses/7/", "k", "", 404, asProblem, problem},
	"any id":                   {"GET", "/api/v1/licenses/x/", "k", "", 404, asProblem, problem},
	"no key":                   {"GET", me, "", "", 401, headers("Content-Type", "application/problem+json", "WWW-Authenticate", "Api-Key"), problem},
	"an upload":                {"POST", "/api/v1/licenses/import_from_csv/?dry_run=true", "k", form, 200, headers("Content-Type", "application/json", "Location", "/api/v1/licenses-import-results/7/"), `{"job_id":7}`},
	"a csv":                    {"GET", "/api/v1/licenses-import-results/7/invalid_rows.csv", "k", "", 200, headers("Content-Type", "text/csv; charset=utf-8", "Content-Disposition", "attachment; filename=x"), "a,b"},
	"another method":           {"POST", me, "", "", 405, headers("Content-Type", "application/problem+json", "Allow", "GET"), problem},
	"not an id":                {"GET", "/api/v1/licenses/import_from_csv/", "", "", 405, headers("Content-Type", "application/problem+json", "Allow", "POST"), problem},
	"no such address":          {"GET", "/api/v1/nothing/", "", "", 404, asProblem, problem},
	"nobody to ask":            {"GET", "/api/v1/nothing/", "", "", 503, asProblem, problem},
	"a file of the page":       {"GET", "/app.js", "", "", 200, headers("Content-Type", "text/javascript"), "x"},
	"no key needed":            {"GET", "/healthz", "", "", 200, asJSON, `{"status":"ok"}`},
	"not ready, with its list": {"GET", "/readyz", "", "", 503, asProblem, `{"type":"about:blank","title":"T","status":503,"detail":"D","code":"not_ready","message":"D","errors":[{"code":"streams","message":"M"}]}`},
}

func TestDescribed(t *testing.T) {
	for name, x := range described {
		t.Run(name, func(t *testing.T) {
			body, said := x.run(t)
			if len(said) > 0 {
				t.Errorf("%q", said)
			}
			if body != x.body {
				t.Errorf("the client got %q", body)
			}
		})
	}
}

// TestDrift: each difference fails the test that sees it, with a message that names it.
func TestDrift(t *testing.T) {
	for name, c := range map[string]struct {
		exchange
		want string
	}{
		"a status":               {exchange{"GET", me, "k", "", 418, asProblem, problem}, "status is not described"},
		"a created instead":      {exchange{"GET", me, "k", "", 201, asJSON, ada}, "status is not described"},
		"a media type":           {exchange{"GET", me, "k", "", 200, headers("Content-Type", "text/html"), ada}, `media type "text/html"`},
		"an error as JSON":       {exchange{"GET", "/api/v1/licenses/7/", "k", "", 404, asJSON, problem}, `media type "application/json"`},
		"a media type of a csv":  {exchange{"GET", "/api/v1/licenses-import-results/7/invalid_rows.csv", "k", "", 200, headers("Content-Type", "text/plain", "Content-Disposition", "attachment; filename=x"), ""}, "media type"},
		"of a HEAD":              {exchange{"HEAD", me, "k", "", 200, headers("Content-Type", "text/html"), ""}, `media type "text/html"`},
		"a member too many":      {exchange{"GET", me, "k", "", 200, asJSON, `{"manager":"ada","role":"importer","products":[],"age":36}`}, "age"},
		"a member too few":       {exchange{"GET", me, "k", "", 200, asJSON, `{"manager":"ada","role":"importer"}`}, "products"},
		"a type":                 {exchange{"GET", me, "k", "", 200, asJSON, `{"manager":1,"role":"importer","products":[]}`}, "/manager"},
		"a word of a list":       {exchange{"GET", me, "k", "", 200, asJSON, `{"manager":"ada","role":"chief","products":[]}`}, "/role"},
		"a code":                 {exchange{"GET", "/api/v1/licenses/7/", "k", "", 404, asProblem, strings.Replace(problem, "not_found", "gone_away", 1)}, "/code"},
		"deep in a list":         {exchange{"GET", "/api/v1/customers/", "k", "", 200, asJSON, `{"count":1,"next":null,"previous":null,"results":[{"id":1,"email":"a@b.c"}]}`}, "/results/0"},
		"beside the columns":     {exchange{"GET", "/api/v1/customers/", "k", "", 200, asJSON, `{"count":1,"next":null,"previous":null,"results":[{"nickname":"x"}]}`}, "nickname"},
		"no JSON":                {exchange{"GET", me, "k", "", 200, asJSON, `{`}, "not JSON"},
		"a missing header":       {exchange{"GET", me, "", "", 401, asProblem, problem}, "WWW-Authenticate"},
		"a wrong header":         {exchange{"POST", "/api/v1/licenses/import_from_csv/", "k", form, 200, headers("Content-Type", "application/json", "Location", "/7/"), `{"job_id":7}`}, "Location"},
		"a parameter":            {exchange{"GET", me + "?verbose=1", "k", "", 200, asJSON, ada}, "verbose"},
		"a parameter's value":    {exchange{"GET", "/api/v1/licenses/?limit=all", "k", "", 200, asJSON, empty}, "limit"},
		"a path's parameter":     {exchange{"GET", "/api/v1/licenses/x/event/", "k", "", 200, headers("Content-Type", "application/cloudevents+json"), `{"specversion":"1.0","id":"1/1","source":"licenseimport","type":"LicenseImported","time":"2021-04-22T11:14:26Z","datacontenttype":"application/json","data":{"job_id":1,"row":1,"license":{},"product":{},"order":{}}}`}, "id"},
		"a success without key":  {exchange{"GET", me, "", "", 200, asJSON, ada}, "no key"},
		"another form":           {exchange{"POST", "/api/v1/licenses/import_from_csv/", "k", "text/csv", 200, headers("Content-Type", "application/json", "Location", "/api/v1/licenses-import-results/7/"), `{"job_id":7}`}, `"text/csv"`},
		"a method":               {exchange{"DELETE", me, "k", "", 200, asJSON, ada}, "must be 405"},
		"a refusal without list": {exchange{"DELETE", me, "k", "", 405, asProblem, problem}, "Allow"},
		"a stranger's address":   {exchange{"GET", "/api/v1/secrets/", "", "", 401, asProblem, problem}, "WWW-Authenticate"},
		"an address":             {exchange{"GET", "/api/v1/secrets/", "k", "", 200, asJSON, `{}`}, "must be 404"},
	} {
		t.Run(name, func(t *testing.T) {
			body, said := c.run(t)
			if len(said) != 1 || !strings.Contains(said[0], c.want) || !strings.Contains(said[0], c.method+" ") {
				t.Errorf("want one message with %q, got %q", c.want, said)
			}
			if c.method != "HEAD" && body != c.body {
				t.Errorf("the client got %q", body)
			}
		})
	}
}

// TestStreamsPass: what has no end is handed on as it comes.
func TestStreamsPass(t *testing.T) {
	more := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "event: progress\n")
		_ = http.NewResponseController(w).Flush()
		select {
		case <-more:
		case <-r.Context().Done():
		}
	}))
	defer server.Close()
	r, _ := http.NewRequestWithContext(t.Context(), "GET", server.URL+"/api/v1/licenses-import-results/7/events/", nil)
	r.Header.Set("Authorization", "Api-Key k")
	res, err := Client(t, nil).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	line := make([]byte, len("event: progress\n"))
	if _, err := io.ReadFull(res.Body, line); err != nil {
		t.Fatal(err)
	}
	close(more)
}

// TestCutOff: an answer that breaks off breaks off for the client as well.
func TestCutOff(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "half")
	}))
	defer server.Close()
	res, err := Client(t, nil).Get(server.URL + me)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, err := io.ReadAll(res.Body); !bytes.Equal(body, []byte("half")) || err == nil {
		t.Errorf("%q, %v", body, err)
	}
}

// TestCoverage: answers that match their description are counted, for every caller.
func TestCoverage(t *testing.T) {
	var c Coverage
	before, err := c.Unseen()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(exchange{status: 200, header: asJSON, body: `{"status":"ok"}`}.serve))
	defer server.Close()
	client := c.Client(t, nil)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			res, err := client.Get(server.URL + "/healthz")
			if err != nil {
				t.Error(err)
				return
			}
			res.Body.Close()
		})
	}
	all.Wait()
	health := Answer{"GET", "/healthz", 200}
	if n := c.Seen()[health]; n != 8 {
		t.Errorf("seen %d times", n)
	}
	after, err := c.Unseen()
	if err != nil || len(after) != len(before)-1 {
		t.Errorf("%d unseen, then %d: %v", len(before), len(after), err)
	}
	for _, a := range after {
		if a == health {
			t.Errorf("%s is said to be unseen", a)
		}
	}
}

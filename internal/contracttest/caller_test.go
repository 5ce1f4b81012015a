package contracttest

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"licenseimport/internal/openapi/openapitest"
)

const (
	uploadPath  = "/api/v1/licenses/import_from_csv/"
	resultsPath = "/api/v1/licenses-import-results/"
	header2     = "license__license_key,product__short_code\n" // the shortest header
)

// caller calls the API with one key. Each answer is held against openapi.yaml.
type caller struct {
	*testing.T
	*system
	key    string
	client *http.Client
}

// as is a caller with a key; none is "".
func (s *system) as(t *testing.T, key string) *caller {
	t.Helper()
	return &caller{T: t, system: s, key: key, client: openapitest.Client(t, nil)}
}

// answer is an HTTP answer, read whole.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// call sends a request; pairs are names and values of headers. The answer must
// have the status.
func (c *caller) call(status int, method, path string, body io.Reader, pairs ...string) answer {
	c.Helper()
	a := c.send(method, path, body, pairs...)
	if a.status != status {
		c.Fatalf("%s %s: %d, want %d: %.2000s", method, path, a.status, status, a.body)
	}
	return a
}

func (c *caller) send(method, path string, body io.Reader, pairs ...string) answer {
	c.Helper()
	r, err := http.NewRequestWithContext(c.Context(), method, c.url+path, body)
	if err != nil {
		c.Fatal(err)
	}
	if c.key != "" {
		r.Header.Set("Authorization", "Api-Key "+c.key)
	}
	for i := 0; i < len(pairs); i += 2 {
		r.Header.Set(pairs[i], pairs[i+1])
	}
	res, err := c.client.Do(r)
	if err != nil {
		c.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close()
	a := answer{status: res.StatusCode, header: res.Header}
	if a.body, err = io.ReadAll(res.Body); err != nil {
		c.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

// get reads an address.
func (c *caller) get(status int, path string) answer {
	c.Helper()
	return c.call(status, "GET", path, nil)
}

// form is a multipart body with the file, and its type.
func form(t *testing.T, name string, file []byte) (*bytes.Buffer, string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	part, err := w.CreateFormFile("file", name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := part.Write(file); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &b, w.FormDataContentType()
}

// upload sends a file; the query begins with a question mark.
func (c *caller) upload(status int, query, file string, pairs ...string) answer {
	c.Helper()
	body, contentType := form(c.T, "licenses.csv", []byte(file))
	return c.call(status, "POST", uploadPath+query, body, append([]string{"Content-Type", contentType}, pairs...)...)
}

// imports uploads a file and waits for its end. It gives the result.
func (c *caller) imports(query, file string, pairs ...string) answer {
	c.Helper()
	return c.await(c.upload(200, query, file, pairs...).field("job_id"))
}

// await waits until an import has ended, and gives its result.
func (c *caller) await(id string) answer {
	c.Helper()
	path := resultsPath + id + "/"
	plain := *c
	plain.client = http.DefaultClient // asked often: one answer held against openapi.yaml is enough
	eventually(c.T, "the end of import "+id, func() bool {
		return plain.get(200, path).field("finished_at") != "null"
	})
	return c.get(200, path)
}

// field is a member of a JSON answer as compact JSON, by names and indexes with
// dots between them: "result.invalid_rows.0.errors.0.code" is "\"invalid_int\"".
// What is not there is "".
func (a answer) field(path string) string { return field(a.body, path) }

func field(body []byte, path string) string {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return "not JSON: " + string(body)
	}
	for _, name := range strings.Split(path, ".") {
		switch inner := v.(type) {
		case map[string]any:
			found := false
			if v, found = inner[name]; !found {
				return ""
			}
		case []any:
			if name == "#" {
				v = len(inner)
				continue
			}
			i, err := strconv.Atoi(name)
			if err != nil || i >= len(inner) {
				return ""
			}
			v = inner[i]
		default:
			return ""
		}
	}
	return compact(v)
}

func compact(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err.Error()
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// fields are wanted members: path → compact JSON.
type fields map[string]string

// check compares an answer with the wanted members.
func (f fields) check(t *testing.T, what string, a answer) {
	t.Helper()
	for path, want := range f {
		if got := a.field(path); got != want {
			t.Errorf("%s: %s is %s, want %s", what, path, got, want)
		}
	}
}

// counts are the wanted counts of a result in the order total, valid, invalid;
// customers, orders, licenses: created, existed.
func counts(total, valid, invalid, cc, ec, co, eo, cl, el int) fields {
	f := fields{}
	for name, n := range map[string]int{
		"total_row_count": total, "valid_row_count": valid, "invalid_row_count": invalid,
		"created_customers_count": cc, "existed_customers_count": ec, "created_orders_count": co, "existed_orders_count": eo,
		"created_licenses_count": cl, "existed_licenses_count": el,
	} {
		f["result."+name] = fmt.Sprint(n)
	}
	return f
}

// problem checks that an answer is a problem of that code, with all its members.
func (a answer) problem(t *testing.T, code string) answer {
	t.Helper()
	if got := a.header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("the problem's Content-Type is %q", got)
	}
	fields{"code": compact(code), "status": fmt.Sprint(a.status), "message": a.field("detail")}.check(t, code, a)
	for _, name := range []string{"type", "title", "detail"} {
		if text := a.field(name); len(text) < 3 {
			t.Errorf("the problem's %s is %s", name, text)
		}
	}
	return a
}

// packed is gzip of a text.
func packed(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

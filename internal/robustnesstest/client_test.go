package robustnesstest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
)

const (
	uploadPath  = "/api/v1/licenses/import_from_csv/"
	resultsPath = "/api/v1/licenses-import-results/"
	header      = "license__license_key,product__short_code\n" // the shortest
)

// client calls the API with one key.
type client struct {
	url, key string
	http     *http.Client
}

func (p *process) admin() *client        { return p.as(adminKey) }
func (p *process) as(key string) *client { return &client{p.url, key, http.DefaultClient} }

// answer is an HTTP answer, read whole.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// send sends a request; pairs are names and values of headers.
func (c *client) send(method, path string, body io.Reader, pairs ...string) (answer, error) {
	r, err := http.NewRequest(method, c.url+path, body)
	if err != nil {
		return answer{}, err
	}
	if c.key != "" {
		r.Header.Set("Authorization", "Api-Key "+c.key)
	}
	for i := 0; i < len(pairs); i += 2 {
		r.Header.Set(pairs[i], pairs[i+1])
	}
	res, err := c.http.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	a := answer{status: res.StatusCode, header: res.Header}
	a.body, err = io.ReadAll(res.Body)
	return a, err
}

// get reads an address; the answer must have the status.
func (c *client) get(t *testing.T, status int, path string) answer {
	t.Helper()
	return c.call(t, status, "GET", path, nil)
}

// call is send with an answer that must have the status.
func (c *client) call(t *testing.T, status int, method, path string, body io.Reader, pairs ...string) answer {
	t.Helper()
	a, err := c.send(method, path, body, pairs...)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	if a.status != status {
		t.Fatalf("%s %s: %d, want %d: %.2000s", method, path, a.status, status, a.body)
	}
	return a
}

// form is a multipart body with the file, and its type.
func form(file string) (io.Reader, string) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	part, _ := w.CreateFormFile("file", "licenses.csv") // writing to memory does not fail
	_, _ = io.WriteString(part, file)
	_ = w.Close()
	return &b, w.FormDataContentType()
}

// post uploads a file.
func (c *client) post(file string, pairs ...string) (answer, error) {
	body, contentType := form(file)
	return c.send("POST", uploadPath, body, append([]string{"Content-Type", contentType}, pairs...)...)
}

// upload is post with the status that it must have; it gives the job's id.
func (c *client) upload(t *testing.T, status int, file string, pairs ...string) answer {
	t.Helper()
	a, err := c.post(file, pairs...)
	if err != nil {
		t.Fatalf("upload: %v", err)
	}
	if a.status != status {
		t.Fatalf("upload: %d, want %d: %.2000s", a.status, status, a.body)
	}
	return a
}

// imports uploads a file and waits for its end.
func (c *client) imports(t *testing.T, file string) result {
	t.Helper()
	return c.await(t, c.upload(t, 200, file).decode(t).JobID)
}

// importsWith is imports with a query.
func (c *client) importsWith(t *testing.T, query, file string) result {
	t.Helper()
	body, contentType := form(file)
	return c.await(t, c.call(t, 200, "POST", uploadPath+query, body, "Content-Type", contentType).decode(t).JobID)
}

// await waits until an import has ended.
func (c *client) await(t *testing.T, job int) (r result) {
	t.Helper()
	eventually(t, fmt.Sprintf("the end of import %d", job), func() bool {
		a, err := c.send("GET", fmt.Sprintf("%s%d/", resultsPath, job), nil)
		if err != nil || a.status != 200 {
			return false // it may be restarting
		}
		r = a.decode(t)
		return r.FinishedAt != nil
	})
	return r
}

// result is what the tests look at of the API's answers.
type result struct {
	JobID      int     `json:"job_id"`
	ID         int     `json:"id"`
	Status     string  `json:"status"`
	Code       string  `json:"code"`
	Detail     string  `json:"detail"`
	FinishedAt *string `json:"finished_at"`
	Count      int     `json:"count"`
	Results    []struct {
		ID      int `json:"id"`
		Product any `json:"product"` // of a license an object
	} `json:"results"`
	Result *struct {
		Total    int `json:"total_row_count"`
		Invalid  int `json:"invalid_row_count"`
		Imported int `json:"created_licenses_count"`
		Existed  int `json:"existed_licenses_count"`
		Updated  int `json:"updated_licenses_count"`
	} `json:"result"`
	Error *struct{ Code, Message string } `json:"error"`
}

// decode reads the body; a problem's status, which is a number, is left out.
func (a answer) decode(t *testing.T) (r result) {
	t.Helper()
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(a.body, &raw); err != nil {
		t.Fatalf("not JSON: %v: %.500s", err, a.body)
	}
	if a.status >= 400 {
		delete(raw, "status")
	}
	text, err := json.Marshal(raw)
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		t.Fatalf("%v: %.500s", err, a.body)
	}
	return r
}

// rows is a file with so many rows, whose keys begin with the prefix.
func rows(prefix string, n int) string {
	var b strings.Builder
	b.WriteString(header)
	for i := range n {
		fmt.Fprintf(&b, "%s-%d,psc\n", prefix, i)
	}
	return b.String()
}

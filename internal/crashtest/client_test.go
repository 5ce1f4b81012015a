//go:build unix

package crashtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing/iotest"
	"time"

	"licenseimport/events"
)

const (
	importPath  = "/api/v1/licenses/import_from_csv/"
	resultsPath = "/api/v1/licenses-import-results/"
)

// A client calls one server. The host that it names is always the same, so that
// the addresses in answers do not depend on the port.
type client struct {
	base string // http://host:port
	http http.Client
}

func newClient(base string) *client {
	return &client{base: base, http: http.Client{
		Timeout:   timeout,
		Transport: &http.Transport{DisableKeepAlives: true}, // a killed server's connections are of no use
	}}
}

// statusError is an answer other than 200 and 202.
type statusError struct {
	path   string
	status int
	body   string
}

func (e *statusError) Error() string { return fmt.Sprintf("%s: %d %s", e.path, e.status, e.body) }

func (c *client) do(r *http.Request) (body []byte, err error) {
	err = c.doWith(&c.http, r, func(b io.Reader) error {
		body, err = io.ReadAll(b)
		return err
	})
	return body, err
}

// doWith has use read the body of an answer 200 or 202.
func (c *client) doWith(by *http.Client, r *http.Request, use func(body io.Reader) error) error {
	r.Header.Set("Authorization", "Api-Key "+adminKey)
	r.Host = "licenseimport.test"
	response, err := by.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusOK || response.StatusCode == http.StatusAccepted {
		return use(response.Body)
	}
	body, err := io.ReadAll(response.Body)
	if err == nil {
		err = &statusError{r.URL.Path, response.StatusCode, string(body)}
	}
	return err
}

// read has use read an answer, which may take long.
func (c *client) read(path string, use func(body io.Reader) error) error {
	r, err := http.NewRequest(http.MethodGet, c.base+path, nil)
	if err != nil {
		return err
	}
	patient := c.http
	patient.Timeout = 10 * timeout
	return c.doWith(&patient, r, use)
}

func (c *client) get(path string) ([]byte, error) {
	r, err := http.NewRequest(http.MethodGet, c.base+path, nil)
	if err != nil {
		return nil, err
	}
	return c.do(r)
}

func (c *client) getJSON(path string, into any) error {
	body, err := c.get(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(body, into)
}

// attempt is one POST of a file.
type attempt struct {
	key    string // Idempotency-Key; empty: none
	query  string
	cut    int    // the client goes away behind that many bytes of the file; 0: it sends all
	at     int    // before this byte of the file
	spring func() // … this is called
	behind func() // called when the last byte is on its way
}

var errGone = errors.New("the client has gone away")

// send uploads a file and notes in it what the client saw.
func (c *client) send(ctx context.Context, f *file, a attempt) error {
	text := io.Reader(strings.NewReader(f.text))
	switch {
	case a.cut > 0:
		text = io.MultiReader(strings.NewReader(f.text[:a.cut]), iotest.ErrReader(errGone))
	case a.spring != nil:
		text = io.MultiReader(strings.NewReader(f.text[:a.at]), springReader(a.spring), strings.NewReader(f.text[a.at:]))
	}
	var head bytes.Buffer
	form := multipart.NewWriter(&head)
	if _, err := form.CreateFormFile("file", f.Name); err != nil {
		return err
	}
	last := springReader(func() { f.Whole = true })
	tail := strings.NewReader("\r\n--" + form.Boundary() + "--\r\n")
	body := io.MultiReader(&head, text, last, tail, springReader(func() {
		if a.behind != nil {
			a.behind()
		}
	}))
	path := importPath
	if f.kind != nil {
		path = "/api/v1/" + f.kind.Upload
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+path+a.query, body)
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", form.FormDataContentType())
	if a.key != "" {
		r.Header.Set("Idempotency-Key", a.key)
	}
	told, err := c.do(r)
	if err != nil {
		return err
	}
	var answer struct {
		JobID events.JobID `json:"job_id"`
	}
	if err := json.Unmarshal(told, &answer); err != nil {
		return err
	}
	f.Acknowledged, f.Job = true, answer.JobID
	return nil
}

// springReader holds nothing; it calls itself when it is read.
type springReader func()

func (s springReader) Read([]byte) (int, error) {
	s()
	return 0, io.EOF
}

// imported is an import as the API shows it.
type imported struct {
	ID       events.JobID `json:"id"`
	FileName string       `json:"file_name"`
	Status   string       `json:"status"`
	Error    *struct{ Code, Message string }
	Result   *Result `json:"result"`
	Undo     *struct{ Status string }
}

func (c *client) result(job events.JobID) (imported, error) {
	var i imported
	return i, c.getJSON(resultsPath+job.String()+"/", &i)
}

// wait waits until an import has ended.
func (c *client) wait(job events.JobID) (i imported, err error) {
	err = waitFor(fmt.Sprintf("the end of import %d", job), func() error {
		if i, err = c.result(job); err == nil && !i.ended() {
			err = fmt.Errorf("its status is %s, %+v", i.Status, i.Result)
		}
		return err
	})
	return i, err
}

// ended reports whether the import has ended.
func (i *imported) ended() bool { return i.Status == "success" || i.Status == "error" }

// list gives all imports of licenses, newest first.
func (c *client) list() ([]imported, error) { return c.listOf(events.Licenses) }

func (c *client) listOf(kind *events.Kind) ([]imported, error) {
	var all []imported
	for {
		var page struct {
			Count   int
			Results []imported
		}
		if err := c.getJSON(fmt.Sprintf("/api/v1/%s?limit=100&offset=%d", kind.Results, len(all)), &page); err != nil {
			return nil, err
		}
		all = append(all, page.Results...)
		if len(all) >= page.Count {
			return all, nil
		}
	}
}

// quiet waits until no upload is on its way. Who goes away in the middle of one is not told when the
// server has noticed.
func (c *client) quiet() error {
	return waitFor("the end of every upload", func() error {
		text, err := c.get("/metrics")
		if err == nil && !bytes.Contains(text, []byte("\nlicenseimport_uploads_in_flight 0\n")) {
			err = errors.New("some are in flight")
		}
		return err
	})
}

// settled waits until every upload and every import has ended, and gives the imports.
func (c *client) settled() (all []imported, err error) {
	if err := c.quiet(); err != nil {
		return nil, err
	}
	err = waitForAll("the end of every import", func() (left int, err error) {
		all, err = c.list()
		for _, i := range all {
			if !i.ended() {
				left++
			}
		}
		return left, err
	})
	return all, err
}

// ready waits for a process's readiness.
func (c *client) ready() error {
	return waitFor("readiness of "+c.base, func() error {
		return c.probe(context.Background())
	})
}

// probe asks a process once whether it is ready.
func (c *client) probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/readyz", nil)
	if err != nil {
		return err
	}
	_, err = c.do(r)
	return err
}

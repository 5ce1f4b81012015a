package ingest

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/events/eventlog/eventlogtest"
	"licenseimport/events/importjob"
	"licenseimport/internal/access"
	"licenseimport/internal/httpx"
)

// Where licenses are uploaded, and their results.
var (
	importPath   = prefix + events.Licenses.Upload
	licensesPath = resultsPath(events.Licenses)
)

// adminKey is an API key that every harness accepts.
const adminKey = "an admin's key"

// harness is an Ingest after a real HTTP server, on a real NATS server.
type harness struct {
	testing.TB
	stored atomic.Int64 // rows, of all jobs, purged ones included
	log    *eventlog.Log
	in     *Ingest
	keys   *access.Store
	http   *httptest.Server
}

func newHarness(t testing.TB, c Config) *harness {
	t.Helper()
	return newHarnessOn(t, eventlogtest.Start(t), c)
}

func newHarnessOn(t testing.TB, log *eventlog.Log, c Config) *harness {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	c.Log = quiet
	h := &harness{TB: t, log: log, keys: access.NewStore(log.Bucket(eventlog.Managers))}
	c.Observer = storedRows{&h.stored}
	h.in = New(log, c)
	router := httpx.NewRouter(httpx.Options{Log: quiet})
	h.in.Register(router, access.NewAuthenticator(access.Config{Store: h.keys, AdminKey: adminKey}))
	handler, err := router.Handler()
	if err != nil {
		t.Fatal(err)
	}
	h.http = httptest.NewServer(handler)
	t.Cleanup(h.http.Close)
	return h
}

// storedRows counts the rows that the stream has acknowledged.
type storedRows struct{ n *atomic.Int64 }

func (storedRows) Received(int)                       {}
func (s storedRows) Stored(rows int, _ time.Duration) { s.n.Add(int64(rows)) }
func (storedRows) Ended(bool)                         {}

// key creates an API key for a manager.
func (h *harness) key(name string, role access.Role, products ...string) string {
	h.Helper()
	key, err := h.keys.Create(h.Context(), name, string(role), products)
	if err != nil {
		h.Fatal(err)
	}
	return key
}

// answer is a response with its whole body.
type answer struct {
	status int
	header http.Header
	text   string
	body   struct {
		JobID   events.JobID    `json:"job_id"`
		Code    string          `json:"code"`
		Detail  string          `json:"detail"`
		Message string          `json:"message"`
		Errors  []httpx.Problem `json:"errors"`
	}
}

func readAnswer(t testing.TB, res *http.Response) answer {
	t.Helper()
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{status: res.StatusCode, header: res.Header, text: string(text)}
	if strings.Contains(res.Header.Get("Content-Type"), "json") {
		if err := json.Unmarshal(text, &a.body); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
	}
	return a
}

// request is an upload to send. Fields that are not set have defaults.
type request struct {
	kind   *events.Kind // nil: licenses
	query  string
	header map[string]string
	name   string // of the file
	key    string
	body   []byte // instead of a form with the file
	reader io.Reader
}

const testBoundary = "a-boundary-of-the-tests"

// form is a multipart body with one file.
func form(name, file string) []byte {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	_ = w.SetBoundary(testBoundary)
	part, _ := w.CreateFormFile("file", name)
	_, _ = io.WriteString(part, file)
	_ = w.Close()
	return b.Bytes()
}

func (h *harness) send(file string, q request) answer {
	h.Helper()
	a, err := h.trySend(file, q)
	if err != nil {
		h.Fatal(err)
	}
	return a
}

func (h *harness) trySend(file string, q request) (answer, error) {
	h.Helper()
	if q.name == "" {
		q.name = "licenses.csv"
	}
	if q.body == nil {
		q.body = form(q.name, file)
	}
	var body io.Reader = bytes.NewReader(q.body)
	if q.reader != nil {
		body = q.reader
	}
	req, err := http.NewRequestWithContext(h.Context(), "POST",
		h.http.URL+prefix+cmp.Or(q.kind, events.Licenses).Upload+q.query, body)
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Content-Type", "multipart/form-data; boundary="+testBoundary)
	h.authorize(req, q.key)
	for name, value := range q.header {
		req.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer{}, err
	}
	return readAnswer(h, res), nil
}

func (h *harness) authorize(req *http.Request, key string) {
	if key == "" {
		key = adminKey
	}
	req.Header.Set("Authorization", "Api-Key "+key)
}

func (h *harness) cancel(job events.JobID, key string) answer {
	h.Helper()
	return h.post(job, "cancel", key)
}

// post sends a request about an import of licenses without a body.
func (h *harness) post(job events.JobID, what, key string) answer {
	h.Helper()
	return h.postTo(events.Licenses, job, what, key)
}

// postTo is post at the address of a kind.
func (h *harness) postTo(kind *events.Kind, job events.JobID, what, key string) answer {
	h.Helper()
	req, err := http.NewRequestWithContext(h.Context(), "POST", h.http.URL+resultsPath(kind)+job.String()+"/"+what, nil)
	if err != nil {
		h.Fatal(err)
	}
	h.authorize(req, key)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		h.Fatal(err)
	}
	return readAnswer(h, res)
}

// state reads the state of a job.
func (h *harness) state(job events.JobID) importjob.State {
	h.Helper()
	s, err := h.in.load(h.Context(), job)
	if err != nil {
		h.Fatal(err)
	}
	return s
}

// aborted is the ImportAborted that a job must have ended with.
func (h *harness) aborted(job events.JobID) *events.ImportAborted {
	h.Helper()
	s := h.state(job)
	aborted, ok := s.Last.Event.(*events.ImportAborted)
	if !ok || s.Sealed != nil {
		h.Fatalf("job %d ended with %+v, sealed %v", job, s.Last, s.Sealed)
	}
	return aborted
}

// rows reads all rows of a job.
func (h *harness) rows(job events.JobID) []*events.RowReceived {
	h.Helper()
	reader, err := h.log.Rows(h.Context(), job, 0)
	if err != nil {
		h.Fatal(err)
	}
	defer reader.Stop()
	var rows []*events.RowReceived
	for {
		m, err := reader.Next(h.Context())
		if err == io.EOF {
			return rows
		}
		if err != nil {
			h.Fatal(err)
		}
		row, err := eventlog.DecodeAs[*events.RowReceived](&m)
		if err != nil {
			h.Fatal(err)
		}
		rows = append(rows, row)
	}
}

// value is a row's value in a column.
func value(row *events.RowReceived, column string) string {
	i, _ := events.ColumnIndex(column)
	return row.Values[i]
}

// eventually waits for a condition.
func (h *harness) eventually(what string, condition func() bool) {
	h.Helper()
	for end := time.Now().Add(10 * time.Second); !condition(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			h.Fatalf("timed out: %s", what)
		}
	}
}

// rawUpload is an upload that the test sends byte by byte.
type rawUpload struct {
	h    *harness
	conn net.Conn
}

// dial begins an upload with a Content-Length; -1: chunked.
func (h *harness) dial(length int, header string) *rawUpload {
	h.Helper()
	return h.dialAs(adminKey, length, header)
}

// dialAs is dial with an API key.
func (h *harness) dialAs(key string, length int, header string) *rawUpload {
	h.Helper()
	conn, err := net.Dial("tcp", h.http.Listener.Addr().String())
	if err != nil {
		h.Fatal(err)
	}
	h.Cleanup(func() { _ = conn.Close() })
	framing := "Content-Length: " + strconv.Itoa(length)
	if length < 0 {
		framing = "Transfer-Encoding: chunked"
	}
	u := &rawUpload{h, conn}
	u.write(fmt.Sprintf("POST %s HTTP/1.1\r\nHost: test\r\nAuthorization: Api-Key %s\r\nContent-Type: multipart/form-data; boundary=%s\r\n%s%s\r\n\r\n",
		importPath, key, testBoundary, header, framing))
	return u
}

func (u *rawUpload) write(s string) {
	u.h.Helper()
	if _, err := io.WriteString(u.conn, s); err != nil {
		u.h.Fatal(err)
	}
}

// hangUp closes the sending side of the connection and reads the answer.
func (u *rawUpload) hangUp() answer {
	u.h.Helper()
	if err := u.conn.(*net.TCPConn).CloseWrite(); err != nil {
		u.h.Fatal(err)
	}
	return u.answer()
}

func (u *rawUpload) answer() answer {
	u.h.Helper()
	if err := u.conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		u.h.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(u.conn), nil)
	if err != nil {
		u.h.Fatal(err)
	}
	return readAnswer(u.h, res)
}

package ingest

import (
	"bufio"
	"bytes"
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
	"testing"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/events/eventlog/eventlogtest"
	"licenseimport/events/importjob"
	"licenseimport/internal/access"
	"licenseimport/internal/httpx"
)

// adminKey works on every rig.
const adminKey = "an admin's key"

// rig is an Ingest behind a real HTTP server, on a real NATS server.
type harness struct {
	testing.TB
	log  *eventlog.Log
	in   *Ingest
	keys *access.Store
	http *httptest.Server
}

func newHarness(t testing.TB, c Config) *harness {
	t.Helper()
	return newHarnessOn(t, eventlogtest.Start(t), c)
}

func newHarnessOn(t testing.TB, log *eventlog.Log, c Config) *harness {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	c.Log = quiet
	r := &harness{TB: t, log: log, in: New(log, c), keys: access.NewStore(log.Bucket(eventlog.Managers))}
	router := httpx.NewRouter(httpx.Options{Log: quiet})
	r.in.Register(router, access.NewAuthenticator(access.Config{Store: r.keys, AdminKey: adminKey}))
	handler, err := router.Handler()
	if err != nil {
		t.Fatal(err)
	}
	r.http = httptest.NewServer(handler)
	t.Cleanup(r.http.Close)
	return r
}

// key makes a key for a manager.
func (r *harness) key(name string, role access.Role, products ...string) string {
	r.Helper()
	key, err := r.keys.Create(r.Context(), name, string(role), products)
	if err != nil {
		r.Fatal(err)
	}
	return key
}

// answer is a response, read whole.
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

// request is an upload to be: what is not set has a sensible default.
type request struct {
	query  string
	header map[string]string
	name   string // of the file
	key    string
	body   []byte // in place of a form with the file
	reader io.Reader
}

const testBoundary = "a-boundary-of-the-tests"

// form is a multipart body with the one file.
func form(name, file string) []byte {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	_ = w.SetBoundary(testBoundary)
	part, _ := w.CreateFormFile("file", name)
	_, _ = io.WriteString(part, file)
	_ = w.Close()
	return b.Bytes()
}

func (r *harness) send(file string, q request) answer {
	r.Helper()
	a, err := r.trySend(file, q)
	if err != nil {
		r.Fatal(err)
	}
	return a
}

func (r *harness) trySend(file string, q request) (answer, error) {
	r.Helper()
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
	req, err := http.NewRequestWithContext(r.Context(), "POST", r.http.URL+importPath+q.query, body)
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Content-Type", "multipart/form-data; boundary="+testBoundary)
	r.authorize(req, q.key)
	for name, value := range q.header {
		req.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer{}, err
	}
	return readAnswer(r, res), nil
}

func (r *harness) authorize(req *http.Request, key string) {
	if key == "" {
		key = adminKey
	}
	req.Header.Set("Authorization", "Api-Key "+key)
}

func (r *harness) cancel(job events.JobID, key string) answer {
	r.Helper()
	req, err := http.NewRequestWithContext(r.Context(), "POST", r.http.URL+resultsPath+job.String()+"/cancel", nil)
	if err != nil {
		r.Fatal(err)
	}
	r.authorize(req, key)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.Fatal(err)
	}
	return readAnswer(r, res)
}

// state reads the state of a job.
func (r *harness) state(job events.JobID) importjob.State {
	r.Helper()
	s, err := r.in.load(r.Context(), job)
	if err != nil {
		r.Fatal(err)
	}
	return s
}

// aborted is the ImportAborted that a job must have ended with.
func (r *harness) aborted(job events.JobID) *events.ImportAborted {
	r.Helper()
	s := r.state(job)
	aborted, ok := s.Last.Event.(*events.ImportAborted)
	if !ok || s.Sealed != nil {
		r.Fatalf("job %d ended with %+v, sealed %v", job, s.Last, s.Sealed)
	}
	return aborted
}

// rows reads all rows of a job.
func (r *harness) rows(job events.JobID) []*events.RowReceived {
	r.Helper()
	reader, err := r.log.Rows(r.Context(), job, 0)
	if err != nil {
		r.Fatal(err)
	}
	defer reader.Stop()
	var rows []*events.RowReceived
	for {
		m, err := reader.Next(r.Context())
		if err == io.EOF {
			return rows
		}
		if err != nil {
			r.Fatal(err)
		}
		row, err := eventlog.DecodeAs[*events.RowReceived](&m)
		if err != nil {
			r.Fatal(err)
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
func (r *harness) eventually(what string, condition func() bool) {
	r.Helper()
	for end := time.Now().Add(10 * time.Second); !condition(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			r.Fatalf("waited in vain: %s", what)
		}
	}
}

// rawUpload is an upload whose bytes the test sends itself.
type rawUpload struct {
	r    *harness
	conn net.Conn
}

// dial begins an upload that promises length bytes; -1: chunked.
func (r *harness) dial(length int, header string) *rawUpload {
	r.Helper()
	conn, err := net.Dial("tcp", r.http.Listener.Addr().String())
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { _ = conn.Close() })
	framing := "Content-Length: " + strconv.Itoa(length)
	if length < 0 {
		framing = "Transfer-Encoding: chunked"
	}
	u := &rawUpload{r, conn}
	u.write(fmt.Sprintf("POST %s HTTP/1.1\r\nHost: test\r\nAuthorization: Api-Key %s\r\nContent-Type: multipart/form-data; boundary=%s\r\n%s%s\r\n\r\n",
		importPath, adminKey, testBoundary, header, framing))
	return u
}

func (u *rawUpload) write(s string) {
	u.r.Helper()
	if _, err := io.WriteString(u.conn, s); err != nil {
		u.r.Fatal(err)
	}
}

// hangUp says that nothing more comes, and reads the answer.
func (u *rawUpload) hangUp() answer {
	u.r.Helper()
	if err := u.conn.(*net.TCPConn).CloseWrite(); err != nil {
		u.r.Fatal(err)
	}
	return u.answer()
}

func (u *rawUpload) answer() answer {
	u.r.Helper()
	if err := u.conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		u.r.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(u.conn), nil)
	if err != nil {
		u.r.Fatal(err)
	}
	return readAnswer(u.r, res)
}

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/gzip"
	"github.com/rogpeppe/go-internal/testscript"

	"licenseimport/events"
)

// slowUpload is an upload that a script holds up.
type slowUpload struct {
	file io.WriteCloser
	done chan error
}

type uploadKey struct{}

// beginupload sends the first half of a file to $SERVER with $KEY, and returns
// when the server has it.
func beginUpload(ts *testscript.TestScript, neg bool, args []string) {
	upload := ts.Value(uploadKey{}).(*slowUpload)
	read, write := io.Pipe()
	upload.file, upload.done = write, make(chan error, 1)
	api := scriptClient(ts)
	_, before, err := api.results(context.Background(), events.Licenses, 1)
	ts.Check(err)
	go func() {
		_, err := api.upload(context.Background(), &source{name: "slow.csv", size: 1, ReadCloser: read},
			uploadOptions{kind: events.Licenses})
		upload.done <- err
	}()
	// More than what is held back on the way, so that it goes out at once.
	_, err = fmt.Fprintf(write, "license__license_key,product__short_code,license__note\nslow-1,psc,%s\nslow-2,psc,\n", strings.Repeat("x", 9000))
	ts.Check(err)
	for i := range 30 {
		_, err = fmt.Fprintf(write, "slow-%d,psc,%s\n", i+3, strings.Repeat("x", 9000))
		ts.Check(err)
	}
	wait(ts, "the upload in the list", func() error {
		_, now, err := api.results(context.Background(), events.Licenses, 1)
		if err == nil && bytes.Equal(now, before) {
			err = errors.New("not there yet")
		}
		return err
	})
}

// endupload waits until $SERVER refuses new uploads, since it stops, and then
// sends the other half.
func endUpload(ts *testscript.TestScript, neg bool, args []string) {
	upload := ts.Value(uploadKey{}).(*slowUpload)
	wait(ts, "uploads to be refused", func() error {
		_, err := scriptClient(ts).upload(context.Background(),
			&source{name: "empty.csv", ReadCloser: io.NopCloser(strings.NewReader(""))}, uploadOptions{kind: events.Licenses})
		if problem, ok := errors.AsType[*apiError](err); ok && problem.Code == "stopping" {
			return nil
		}
		return fmt.Errorf("answered %w", err)
	})
	_, err := io.WriteString(upload.file, "last,psc,\n")
	ts.Check(err)
	ts.Check(upload.file.Close())
	ts.Check(<-upload.done)
}

func scriptClient(ts *testscript.TestScript) *client {
	return &client{base: ts.Getenv("SERVER"), key: ts.Getenv("KEY"), http: &http.Client{}}
}

// TestUpload: what reaches the server is the file, packed where that pays.
func TestUpload(t *testing.T) {
	small := "a,b\n1,2\n"
	big := strings.Repeat("0123456789abcdef\n", compressFrom/17+2)
	for name, c := range map[string]struct {
		text           string
		known, remote  bool
		packed, unpack bool
	}{
		"small":                   {text: small, known: true, remote: true},
		"big":                     {text: big, known: true, remote: true, unpack: true},
		"big, in this process":    {text: big, known: true},
		"of unknown size":         {text: small, remote: true, unpack: true},
		"packed already, and big": {text: big, known: true, remote: true, packed: true},
	} {
		t.Run(name, func(t *testing.T) {
			var got, encoding string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				encoding = r.Header.Get("Content-Encoding")
				if encoding == "gzip" {
					unpacked, err := gzip.NewReader(r.Body)
					if err != nil {
						t.Error(err)
						return
					}
					r.Body = io.NopCloser(unpacked)
				}
				file, _, err := r.FormFile("file")
				if err != nil {
					t.Error(err)
					return
				}
				text, err := io.ReadAll(file)
				if err != nil {
					t.Error(err)
				}
				got = string(text)
				fmt.Fprint(w, `{"job_id": 17}`)
			}))
			defer server.Close()
			api := &client{base: server.URL, http: server.Client(), remote: c.remote}
			file := &source{name: "x.csv", size: -1, compressed: c.packed, ReadCloser: io.NopCloser(strings.NewReader(c.text))}
			if c.known {
				file.size = int64(len(c.text))
			}
			id, err := api.upload(context.Background(), file, uploadOptions{kind: events.Licenses})
			if err != nil || id != 17 {
				t.Fatalf("job %d, %v", id, err)
			}
			if got != c.text || (encoding == "gzip") != c.unpack {
				t.Errorf("%d bytes as %q, want %d, packed %v", len(got), encoding, len(c.text), c.unpack)
			}
		})
	}
}

// TestUploadOfAFileThatBreaks: half a file must never look like a whole one.
func TestUploadOfAFileThatBreaks(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err == nil {
			t.Error("the request came to a good end")
		}
	}))
	defer server.Close()
	broken := io.MultiReader(strings.NewReader(strings.Repeat("a,b\n", 100_000)), iotest.ErrReader(errors.New("disk on fire")))
	api := &client{base: server.URL, http: server.Client()}
	_, err := api.upload(context.Background(), &source{name: "x.csv", size: 1, ReadCloser: io.NopCloser(broken)},
		uploadOptions{kind: events.Licenses})
	if err == nil || !strings.Contains(err.Error(), "cannot be read to its end") || !strings.Contains(err.Error(), "disk on fire") {
		t.Errorf("%v", err)
	}
}

// TestStandardInput: its first bytes say whether it is packed.
func TestStandardInput(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write([]byte("a,b\n")); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ text, name string }{{"a,b\n", "stdin.csv"}, {"", "stdin.csv"}, {packed.String(), "stdin.csv.gz"}} {
		s, err := openSource(t.Context(), "-", strings.NewReader(c.text))
		if err != nil {
			t.Fatal(err)
		}
		whole, err := io.ReadAll(s)
		if err != nil || string(whole) != c.text || s.name != c.name {
			t.Errorf("%s: %q, %v; want %s: %q", s.name, whole, err, c.name, c.text)
		}
	}
}

// TestUploadToABusyServer: what was refused for the moment is sent again, whole.
func TestUploadToABusyServer(t *testing.T) {
	const text = "license__license_key,product__short_code\nA,p\n"
	path := filepath.Join(t.TempDir(), "a.csv")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		file, _, err := r.FormFile("file")
		if err != nil {
			t.Error(err)
			return
		}
		if got, err := io.ReadAll(file); err != nil || string(got) != text {
			t.Errorf("%q, %v", got, err)
		}
		if asked++; asked == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprint(w, `{"code":"unavailable","detail":"Try again shortly."}`)
			return
		}
		fmt.Fprint(w, `{"job_id":7}`)
	}))
	defer server.Close()
	file, err := openSource(t.Context(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var said bytes.Buffer
	api := &client{base: server.URL, http: server.Client()}
	id, err := (&importCommand{Mode: "partial", UnknownColumns: "reject"}).upload(t.Context(), &terminal{err: &said}, newProgress(&said), api, file)
	if id != 7 || err != nil || asked != 2 || said.String() != "Try again shortly. This goes on for a minute.\n" {
		t.Errorf("import %d, %v, asked %d times: %s", id, err, asked, &said)
	}
}

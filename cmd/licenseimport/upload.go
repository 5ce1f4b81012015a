package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/gzip"

	"licenseimport/events"
)

// compressFrom is the size in bytes from which an upload is compressed.
const compressFrom = 1 << 20

// source is the file to upload.
type source struct {
	name       string
	size       int64 // in bytes; -1: not known
	compressed bool  // it is gzip already
	io.ReadCloser
}

// openSource opens a file, or standard input for "-". Where that is a pipe or a terminal, its reads end with ctx.
func openSource(ctx context.Context, path string, stdin io.Reader) (*source, error) {
	if path == "-" {
		return standardInput(newInterruptible(ctx, stdin))
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("the file cannot be read: %w", err)
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = fmt.Errorf("%s is a directory", path)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("the file cannot be read: %w", err)
	}
	s := &source{name: filepath.Base(path), size: info.Size(), compressed: strings.HasSuffix(strings.ToLower(path), ".gz"), ReadCloser: f}
	if !info.Mode().IsRegular() {
		s.size, s.ReadCloser = -1, newInterruptible(ctx, f) // a pipe
	}
	return s, nil
}

// rewind seeks to the beginning. False: the source cannot seek.
func (s *source) rewind() bool {
	f, ok := s.ReadCloser.(io.Seeker)
	if !ok || s.size < 0 {
		return false
	}
	_, err := f.Seek(0, io.SeekStart)
	return err == nil
}

// standardInput detects gzip by the first bytes, since there is no file name.
func standardInput(stdin interruptible) (*source, error) {
	buffered := bufio.NewReader(stdin)
	s := &source{name: "stdin.csv", size: -1, ReadCloser: struct {
		io.Reader
		io.Closer
	}{buffered, stdin}}
	start, err := buffered.Peek(2)
	if errors.Is(err, errInterruptedRead) {
		return nil, err
	}
	// A shorter input is not gzip. Another read error comes again at the next read.
	if bytes.Equal(start, []byte{0x1f, 0x8b}) {
		s.name, s.compressed = "stdin.csv.gz", true
	}
	return s, nil
}

// uploadOptions are the parameters of an upload.
type uploadOptions struct {
	kind           *events.Kind
	query          url.Values
	idempotencyKey string
}

// upload sends the file and returns the import's id. By then every row is stored.
func (c *client) upload(ctx context.Context, file *source, o uploadOptions) (uint64, error) {
	pack := c.remote && !file.compressed && (file.size < 0 || file.size > compressFrom)
	read, write := io.Pipe()
	boundary := multipart.NewWriter(io.Discard).Boundary()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+apiPrefix+o.kind.Upload+"?"+o.query.Encode(), read)
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "multipart/form-data; boundary="+boundary)
	if o.idempotencyKey != "" {
		r.Header.Set("Idempotency-Key", o.idempotencyKey)
	}
	if pack {
		r.Header.Set("Content-Encoding", "gzip")
	}
	sent := make(chan error, 1)
	go func() {
		err := sendForm(write, boundary, file, pack)
		write.CloseWithError(err)
		sent <- err
	}()
	resp, err := c.do(r)
	read.Close() // ends the sender where the answer came early
	if file.size < 0 {
		file.Close() // also where it waits for more of a pipe
	}
	if sendErr := <-sent; err != nil && isReadError(sendErr) {
		return 0, sendErr
	}
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	return readJobID(resp.Body)
}

// readError is an error of reading the file, not of sending it.
type readError struct{ error }

func (e readError) Unwrap() error { return e.error }

func isReadError(err error) bool {
	_, ok := errors.AsType[readError](err)
	return ok
}

type sourceReader struct{ io.Reader }

func (s sourceReader) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if err != nil && err != io.EOF && !errors.Is(err, io.ErrClosedPipe) {
		err = readError{fmt.Errorf("the file cannot be read to its end, so nothing is imported: %w", err)}
	}
	return n, err
}

// sendForm writes the request's body: a form with one part named file.
func sendForm(w io.Writer, boundary string, file *source, pack bool) error {
	buffered := bufio.NewWriterSize(w, 128<<10)
	body := io.Writer(buffered)
	var packer *gzip.Writer
	if pack {
		packer, _ = gzip.NewWriterLevel(buffered, gzip.BestSpeed) // the level is one that exists
		body = packer
	}
	form := multipart.NewWriter(body)
	if err := form.SetBoundary(boundary); err != nil {
		return err
	}
	part, err := form.CreateFormFile("file", file.name)
	if err != nil {
		return err
	}
	if _, err := io.Copy(part, sourceReader{file}); err != nil {
		return err
	}
	if err := form.Close(); err != nil {
		return err
	}
	if packer != nil {
		if err := packer.Close(); err != nil {
			return err
		}
	}
	return buffered.Flush()
}

func readJobID(body io.Reader) (uint64, error) {
	var answer struct {
		JobID uint64 `json:"job_id"`
	}
	if json.NewDecoder(body).Decode(&answer) != nil || answer.JobID == 0 {
		return 0, errors.New("the server's answer has no job_id: is it a licenseimport server?")
	}
	return answer.JobID, nil
}

package projector

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestStream: the receiver gets all that is written, or the error of the one who ended it: also one that comes
// after the first pieces, so that no file looks whole that is not. Nothing is left on the disk.
func TestStream(t *testing.T) {
	dir := t.TempDir()
	r := newHarness(t, dir, newMemLog(manyImports(1, 2, 50)...))
	r.catchUp()
	whole := strings.Repeat("0123456789abcdef", 4*streamPiece/16) + "end"
	failure, left := errors.New("it fails"), errors.New("the receiver has left")
	for name, test := range map[string]struct {
		write func(w io.Writer) error
		limit int // of the receiver, in bytes
		err   error
	}{
		"whole":         {func(w io.Writer) error { _, err := io.WriteString(w, whole); return err }, len(whole), nil},
		"empty":         {func(io.Writer) error { return nil }, len(whole), nil},
		"fails at once": {func(io.Writer) error { return failure }, len(whole), failure},
		"fails later": {func(w io.Writer) error {
			_, err := io.WriteString(w, whole)
			return errors.Join(err, failure)
		}, len(whole), failure},
		"receiver leaves": {func(w io.Writer) error { _, err := io.WriteString(w, whole); return err }, streamPiece, left},
	} {
		receiver := &limitedReceiver{limit: test.limit, err: left}
		err := r.Stream(t.Context(), receiver, func(_ *Reader, w io.Writer) error { return test.write(w) })
		if !errors.Is(err, test.err) || (err == nil) != (test.err == nil) {
			t.Errorf("%s: %v, want %v", name, err, test.err)
		}
		if got := receiver.String(); !strings.HasPrefix(whole, got) || name == "whole" && got != whole {
			t.Errorf("%s: the receiver has %d bytes", name, len(got))
		}
	}
	files, err := os.ReadDir(dir)
	check(t, err)
	for _, file := range files {
		if matched, _ := filepath.Match(FileName+".copy-*", file.Name()); matched {
			t.Errorf("%s is left", file.Name())
		}
	}
}

// limitedReceiver fails after some bytes.
type limitedReceiver struct {
	bytes.Buffer
	limit int
	err   error
}

func (r *limitedReceiver) Write(b []byte) (int, error) {
	if r.Len()+len(b) > r.limit {
		return 0, r.err
	}
	return r.Buffer.Write(b)
}

// TestStreamEndsWithItsContext: also while nothing is written. The cause of the end is the error.
func TestStreamEndsWithItsContext(t *testing.T) {
	r := newHarness(t, t.TempDir(), newMemLog(manyImports(1, 2, 50)...))
	r.catchUp()
	revoked := errors.New("the key was revoked")
	ctx, end := context.WithCancelCause(t.Context())
	release := make(chan struct{})
	defer close(release)
	err := r.Stream(ctx, io.Discard, func(*Reader, io.Writer) error {
		end(revoked)
		<-release
		return nil
	})
	if !errors.Is(err, revoked) {
		t.Errorf("%v, want %v", err, revoked)
	}
}

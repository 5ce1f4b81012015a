package projector

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"licenseimport/internal/fsx"
	"licenseimport/projector/viewstore"
)

// streamPiece is how much of a stream is written to the disk, and read from there, at once.
const streamPiece = 256 << 10

// Stream sends w what write makes of the views as one commit left them, however much that is and however
// slow the receiver. write has no time limit, and its output goes to a temporary file at the disk's speed, so
// that its transaction does not wait for w: while one is open, commits that have to grow the file's mapping
// wait. w receives what is on the disk already while write goes on.
//
// Stream is an ENOSPC where the file would leave less than 256 MiB free. It ends early when ctx ends; then, and
// where the views are damaged, write may still run for a moment.
func (p *Projector) Stream(ctx context.Context, w io.Writer, write func(*Reader, io.Writer) error) (err error) {
	file, err := p.createTemp()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close(), removeIfThere(file.Name())) }()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // the receiver may have gone
	s := &spool{file: file, dir: filepath.Dir(p.path)}
	s.changed.L = &s.mu
	defer context.AfterFunc(ctx, func() { s.end(context.Cause(ctx)) })()
	go func() { s.end(p.fill(ctx, s, write)) }()
	return s.copyTo(w)
}

// fill writes the spool in one transaction.
func (p *Projector) fill(ctx context.Context, s *spool, write func(*Reader, io.Writer) error) error {
	bound := viewstore.NewBound(ctx.Err)
	err := p.readAll(func(views *viewstore.Reader) error {
		out := bufio.NewWriterSize(s, streamPiece)
		if err := write(&Reader{views, bound}, out); err != nil {
			return err
		}
		if err := bound.Err(); err != nil {
			return err
		}
		return out.Flush()
	})
	if errors.Is(err, ErrDamaged) {
		return err // write may still run
	}
	if failed := bound.Err(); failed != nil {
		return failed
	}
	return err
}

// spool is a file that one goroutine writes while another one reads what is there.
type spool struct {
	file *os.File
	dir  string

	mu      sync.Mutex
	changed sync.Cond
	size    int64 // on the disk
	ended   bool
	err     error // why it ended early
}

// Write appends to the file.
func (s *spool) Write(b []byte) (int, error) {
	if free, known := fsx.FreeSpace(s.dir); known && free < uint64(len(b))+copyReserve {
		return 0, fmt.Errorf("stream the views: %d bytes, %d free: %w", len(b), free, syscall.ENOSPC)
	}
	n, err := s.file.Write(b)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.size += int64(n)
	s.changed.Signal()
	return n, err
}

// end tells the reader that nothing follows. The first call decides why.
func (s *spool) end(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ended {
		s.ended, s.err = true, err
	}
	s.changed.Signal()
}

// copyTo sends the file, as it grows, to w. It returns why the file or w ended early.
func (s *spool) copyTo(w io.Writer) error {
	buffer := make([]byte, streamPiece)
	for at := int64(0); ; {
		size, more, err := s.wait(at)
		if err != nil || !more {
			return err
		}
		n, err := s.file.ReadAt(buffer[:min(size-at, streamPiece)], at)
		if err != nil {
			return err
		}
		if _, err := w.Write(buffer[:n]); err != nil {
			return err
		}
		at += int64(n)
	}
}

// wait waits until the file is longer than at. more is false at its end.
func (s *spool) wait(at int64) (size int64, more bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.size == at && !s.ended {
		s.changed.Wait()
	}
	if s.err != nil {
		return 0, false, s.err
	}
	return s.size, s.size > at, nil
}

package main

import (
	"context"
	"errors"
	"io"
	"sync"
)

// errInterruptedRead is the error of a read that waited when its context ended.
var errInterruptedRead = errors.New("interrupted while reading")

// interruptible is a reader whose reads end with its context, and with Close. A read of a terminal or a
// pipe waits for input and cannot be interrupted: a goroutine does it, which stays until there is input.
type interruptible struct {
	pipe func() *io.PipeReader
}

func newInterruptible(ctx context.Context, in io.Reader) interruptible {
	return interruptible{sync.OnceValue(func() *io.PipeReader {
		read, write := io.Pipe()
		context.AfterFunc(ctx, func() { write.CloseWithError(errInterruptedRead) })
		go func() {
			_, err := io.Copy(write, in)
			write.CloseWithError(err)
		}()
		return read
	})}
}

func (i interruptible) Read(p []byte) (int, error) { return i.pipe().Read(p) }

// Close makes a read that waits return io.ErrClosedPipe. The input stays open.
func (i interruptible) Close() error { return i.pipe().Close() }

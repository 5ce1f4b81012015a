package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// output is standard output. It keeps the first error: commands print in many small steps, and a result that
// is cut off must not look like one that is complete.
type output struct {
	to     io.Writer
	failed error
}

// Write implements [io.Writer].
func (o *output) Write(p []byte) (int, error) {
	n, err := o.to.Write(p)
	if err == nil {
		return n, nil
	}
	if failed, ok := errors.AsType[*fs.PathError](err); ok {
		err = failed.Err // without the path
	}
	err = fmt.Errorf("standard output: %w", err)
	if o.failed == nil {
		o.failed = err
	}
	return n, err
}

// check returns an error that says why not all was written, or nil.
func (o *output) check() error {
	if o.failed == nil {
		return nil
	}
	return fmt.Errorf("%w: what was printed is incomplete; the command itself has ended without an error", o.failed)
}

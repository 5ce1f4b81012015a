package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// isTerminal reports whether a person watches w.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// progress shows how far something is: as a bar where a person watches, not at
// all elsewhere. The zero value shows nothing.
type progress struct {
	w    io.Writer
	what string
	bar  *progressbar.ProgressBar
}

// The units that are shown in a way of their own: file sizes, and parts of a
// thousand where only the share is known.
const (
	inBytes = "bytes"
	shares  = ""
)

// newProgress shows on w if that is a terminal.
func newProgress(w io.Writer) *progress {
	if !isTerminal(w) {
		return &progress{}
	}
	return &progress{w: w}
}

// startComponent starts a new bar; total -1 is one whose end is not known. The unit is
// inBytes, shares or a noun.
func (p *progress) begin(what string, total int64, unit string) {
	p.end()
	if p.w == nil {
		return
	}
	p.what = what
	options := []progressbar.Option{
		progressbar.OptionSetWriter(p.w),
		progressbar.OptionSetDescription(what),
		progressbar.OptionShowBytes(unit == inBytes),
		progressbar.OptionSetPredictTime(total > 0),
		progressbar.OptionSetWidth(30),
		progressbar.OptionThrottle(65 * time.Millisecond),
		progressbar.OptionSetRenderBlankState(true),
		progressbar.OptionClearOnFinish(),
		// A bar without a known end would draw itself in the background, and
		// go on after its end.
		progressbar.OptionSetSpinnerChangeInterval(0),
	}
	if unit != shares {
		options = append(options, progressbar.OptionShowCount())
	}
	if unit != shares && unit != inBytes {
		options = append(options, progressbar.OptionShowIts(), progressbar.OptionSetItsString(unit))
	}
	p.bar = progressbar.NewOptions64(total, options...)
}

// share states which part of the whole is done, and in words how much that is.
func (p *progress) share(done float64, words string) {
	if p.bar != nil {
		p.bar.Describe(p.what + ": " + words)
		p.set(int64(done*1000), 1000)
	}
}

// add counts n more.
func (p *progress) add(n int) {
	if p.bar != nil {
		_ = p.bar.Add(n) // a bar that cannot be drawn is no reason to stop
	}
}

// set states how far it is, and out of how many.
func (p *progress) set(n, total int64) {
	if p.bar == nil {
		return
	}
	if total > 0 && p.bar.GetMax64() != total {
		p.bar.ChangeMax64(total)
	}
	_ = p.bar.Set64(n)
}

// end takes the bar away.
func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Exit()
		_ = p.bar.Clear()
		p.bar = nil
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}

// countReads is r, with every byte shown.
func (p *progress) countReads(r io.ReadCloser) io.ReadCloser {
	return struct {
		io.Reader
		io.Closer
	}{readerFunc(func(b []byte) (int, error) {
		n, err := r.Read(b)
		p.add(n)
		return n, err
	}), r}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

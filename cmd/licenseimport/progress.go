package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// isTerminal reports whether w is a terminal.
func isTerminal(w io.Writer) bool {
	if out, ok := w.(*output); ok {
		w = out.to
	}
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// progress draws a progress bar on a terminal. The zero value draws nothing.
type progress struct {
	w    io.Writer
	what string
	bar  *progressbar.ProgressBar
}

// Units with a special format: file sizes, and thousandths where only a share is known.
const (
	inBytes = "bytes"
	shares  = ""
)

// newProgress returns a progress that draws on w if that is a terminal.
func newProgress(w io.Writer) *progress {
	if !isTerminal(w) {
		return &progress{}
	}
	return &progress{w: w}
}

// begin starts a new bar; total -1: unknown. The unit is inBytes, shares or a noun.
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
		// Otherwise a bar without a known total draws in the background, even after
		// its end.
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

// share sets the share that is done, from 0 to 1, and describes it in words.
func (p *progress) share(done float64, words string) {
	if p.bar != nil {
		p.bar.Describe(p.what + ": " + words)
		p.set(int64(done*1000), 1000)
	}
}

// add adds n to what is done.
func (p *progress) add(n int) {
	if p.bar != nil {
		_ = p.bar.Add(n) // a bar that cannot be drawn is no reason to stop
	}
}

// set sets what is done, and the total.
func (p *progress) set(n, total int64) {
	if p.bar == nil {
		return
	}
	if total > 0 && p.bar.GetMax64() != total {
		p.bar.ChangeMax64(total)
	}
	_ = p.bar.Set64(n)
}

// end removes the bar.
func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Exit()
		_ = p.bar.Clear()
		p.bar = nil
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}

// countReads returns r, and adds every byte read from it.
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

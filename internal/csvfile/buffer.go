package csvfile

import (
	"bytes"
	"io"
)

// buffer holds the current row, from start, and the bytes read after it. Offsets in a row count from
// start, since compact moves the bytes.
type buffer struct {
	src     io.Reader
	buf     []byte
	start   int
	end     int
	limit   int   // inspected bytes of one row: the longest allowed row and its CRLF
	maxSize int   // bound of len(buf)
	err     error // of src, io.EOF included; nil: src may have more

	encoding Encoding // of the file
	loneCR   bool     // a lone CR ends a line
}

// firstLine is the physical line that a row begins with.
type firstLine struct {
	text  int  // bytes without the line end
	next  int  // where the next line begins
	found bool // false: the line is longer than the limit
}

func newBuffer(src io.Reader, maxRow, readAhead int) buffer {
	limit := maxRow + len("\r\n")
	return buffer{src: src, buf: make([]byte, min(readAhead, limit+readAhead)), limit: limit, maxSize: limit + readAhead}
}

// window returns the available bytes of the row, at most limit: the result of a scan does not depend on
// how much was read ahead.
func (b *buffer) window() []byte {
	return b.buf[b.start:min(b.end, b.start+b.limit)]
}

// full reports whether the window has reached the limit.
func (b *buffer) full() bool { return b.end-b.start >= b.limit }

// has reads until n bytes are available, n at most limit. It returns false where the source has fewer.
func (b *buffer) has(n int) bool {
	for b.end-b.start < n {
		if !b.fill() {
			return false
		}
	}
	return true
}

// more extends the window. False: the window is full, or the source has ended.
func (b *buffer) more() bool { return !b.full() && b.fill() }

// fill reads at least one byte. False: the source has ended.
func (b *buffer) fill() bool {
	b.compact()
	for range 100 {
		if b.err != nil {
			return false
		}
		n, err := b.src.Read(b.buf[b.end:])
		b.end += n
		b.err = err
		if n > 0 {
			return true
		}
	}
	b.err = io.ErrNoProgress
	return false
}

func (b *buffer) compact() {
	switch {
	case b.start == b.end:
		b.start, b.end = 0, 0
	case b.end < len(b.buf):
	case b.start > 0:
		b.end = copy(b.buf, b.buf[b.start:b.end])
		b.start = 0
	default:
		grown := make([]byte, min(2*len(b.buf), b.maxSize))
		copy(grown, b.buf)
		b.buf = grown
	}
}

// readFirst finds the end of the row's first line. False: the source failed first.
func (b *buffer) readFirst() (firstLine, bool) {
	for from := 0; ; {
		w := b.window()
		if i := b.lineEnd(w[from:]); i >= 0 {
			return b.lineAt(w, from+i), true
		}
		from = len(w)
		if b.loneCR && from > 0 && w[from-1] == '\r' {
			from-- // the LF of a CRLF may follow
		}
		if b.more() {
			continue
		}
		if b.full() {
			return firstLine{text: len(w)}, true
		}
		return firstLine{text: trimCR(w), next: len(w), found: true}, b.err == io.EOF
	}
}

// lineEnd returns the offset of the first line end in w, or -1. A lone CR counts only when the next byte
// is available, too.
func (b *buffer) lineEnd(w []byte) int {
	i := bytes.IndexByte(w, '\n')
	if !b.loneCR {
		return i
	}
	if i < 0 {
		i = len(w) - 1
	}
	if c := bytes.IndexByte(w[:max(i, 0)], '\r'); c >= 0 {
		return c
	}
	if i >= 0 && w[i] == '\n' {
		return i
	}
	return -1
}

// lineAt returns the line whose line end is at i.
func (b *buffer) lineAt(w []byte, i int) firstLine {
	if w[i] == '\n' {
		return firstLine{text: trimCR(w[:i]), next: i + 1, found: true}
	}
	next := i + 1
	if w[next] == '\n' {
		next++
	}
	return firstLine{text: i, next: next, found: true}
}

func trimCR(line []byte) int {
	if n := len(line); n > 0 && line[n-1] == '\r' {
		return n - 1
	}
	return len(line)
}

// countLines counts the line ends in the row's first n bytes.
func (b *buffer) countLines(n int) uint64 {
	text := b.buf[b.start : b.start+n]
	lines := bytes.Count(text, []byte{'\n'})
	if b.loneCR {
		lines += bytes.Count(text, []byte{'\r'}) - bytes.Count(text, []byte("\r\n"))
	}
	return uint64(lines)
}

// discardLine drops everything up to and including the next line end, at any distance. The error is that
// of the source.
func (b *buffer) discardLine() error {
	for {
		first, ok := b.readFirst()
		if !ok {
			return b.err
		}
		if first.found {
			b.start += first.next
			return nil
		}
		// The window's last byte may be the CR of a line end.
		b.start += first.text - 1
	}
}

// at returns the row's byte at p. False: the file or the limit ends before it.
func (b *buffer) at(p int) (byte, bool) {
	if p < b.limit && b.start+p < b.end {
		return b.buf[b.start+p], true
	}
	return b.readAt(p)
}

func (b *buffer) readAt(p int) (byte, bool) {
	if p >= b.limit || !b.has(p+1) {
		return 0, false
	}
	return b.buf[b.start+p], true
}

// endsAt reports whether a line end begins at p. known is false where the limit or the source ended
// before the byte that decides it.
func (b *buffer) endsAt(p int) (end, known bool) {
	switch c, _ := b.at(p); {
	case c == '\n':
		return true, true
	case c != '\r':
		return false, true
	}
	next, ok := b.at(p + 1)
	switch {
	case ok:
		return b.loneCR || next == '\n', true
	case !b.full() && b.err == io.EOF:
		return true, true // a CR that ends the file
	}
	return false, false
}

// afterLineEnd returns the offset after the line end at p; p where there is none.
func (b *buffer) afterLineEnd(p int) int {
	c, ok := b.at(p)
	if !ok {
		return p
	}
	if c == '\r' {
		if next, ok := b.at(p + 1); ok && next == '\n' {
			return p + 2
		}
	}
	return p + 1
}

// edge says why the window cannot grow: the file's end (atEnd), the limit (atLimit), or an error of the
// source (failed).
func (b *buffer) edge(atEnd, atLimit faultKind) faultKind {
	switch {
	case b.full():
		return atLimit
	case b.err == io.EOF:
		return atEnd
	}
	return failed
}

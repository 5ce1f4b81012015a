package csvfile

import (
	"bytes"
	"io"
)

// buffer holds the row that is being read, from start, and whatever was read behind it. Positions in a row are counted from
// start, since bytes move when room is made.
type buffer struct {
	src   io.Reader
	buf   []byte
	start int
	end   int
	limit int   // bytes of one row that are ever looked at: the longest allowed row and its CRLF
	most  int   // bytes that buf may grow to
	err   error // how src ended: io.EOF or its failure; nil while it goes on

	encoding Encoding // of the file
	loneCR   bool     // a CR alone ends a line
}

// firstLine is the physical line that a row begins with.
type firstLine struct {
	text  int  // bytes without the line end
	next  int  // where the line behind it begins
	found bool // false: the line is longer than a row may be
}

func newBuffer(src io.Reader, maxRow, room int) buffer {
	limit := maxRow + len("\r\n")
	return buffer{src: src, buf: make([]byte, min(room, limit+room)), limit: limit, most: limit + room}
}

// window is what is at hand of the row, never more than the limit: so nothing depends on how much was read ahead.
func (b *buffer) window() []byte {
	return b.buf[b.start:min(b.end, b.start+b.limit)]
}

// full says that the window has reached the limit.
func (b *buffer) full() bool { return b.end-b.start >= b.limit }

// has makes at least n bytes available, n being at most the limit, and says whether there are as many.
func (b *buffer) has(n int) bool {
	for b.end-b.start < n {
		if !b.fill() {
			return false
		}
	}
	return true
}

// more makes the window longer. False: it is full, or the source has ended.
func (b *buffer) more() bool { return !b.full() && b.fill() }

// fill reads at least one byte, or says that the source has ended.
func (b *buffer) fill() bool {
	b.makeRoom()
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

func (b *buffer) makeRoom() {
	switch {
	case b.start == b.end:
		b.start, b.end = 0, 0
	case b.end < len(b.buf):
	case b.start > 0:
		b.end = copy(b.buf, b.buf[b.start:b.end])
		b.start = 0
	default:
		grown := make([]byte, min(2*len(b.buf), b.most))
		copy(grown, b.buf)
		b.buf = grown
	}
}

// readFirst finds the end of the row's first line. False: the source failed before it.
func (b *buffer) readFirst() (firstLine, bool) {
	for from := 0; ; {
		w := b.window()
		if i := b.lineEnd(w[from:]); i >= 0 {
			return b.lineAt(w, from+i), true
		}
		from = len(w)
		if b.loneCR && from > 0 && w[from-1] == '\r' {
			from-- // whether a LF follows is not known yet
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

// lineEnd is the place of the first line end in w, or -1. A lone CR counts only when the byte behind it is there too.
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

// lineAt is the line whose end stands at i.
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

// countLines counts the line ends among the row's first n bytes.
func (b *buffer) countLines(n int) uint64 {
	text := b.buf[b.start : b.start+n]
	lines := bytes.Count(text, []byte{'\n'})
	if b.loneCR {
		lines += bytes.Count(text, []byte{'\r'}) - bytes.Count(text, []byte("\r\n"))
	}
	return uint64(lines)
}

// discardLine drops everything up to and with the next line end, however far it is. The error is that of the source.
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
		// The window's last byte may be the CR of a line end whose LF is not in it.
		b.start += first.text - 1
	}
}

// at is the row's byte at p; false where the row, the file or the limit ends.
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

// endsAt says whether a line end begins at p. Not known: limit or source ended before that could be told.
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

// afterLineEnd is the place behind the line end at p, if there is one.
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

// edge tells what it means that the window cannot become longer: the file's end, the limit, or a failure of the source.
func (b *buffer) edge(atEnd, atLimit faultKind) faultKind {
	switch {
	case b.full():
		return atLimit
	case b.err == io.EOF:
		return atEnd
	}
	return failed
}

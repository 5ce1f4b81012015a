package workbook

import (
	"bytes"
	"errors"
	"io"
	"unicode/utf8"
)

// tokenKind is what a scanner found.
type tokenKind int

const (
	startElement tokenKind = iota
	endElement
	characters
)

const (
	// scanBuffer bounds a tag, and a piece of text.
	scanBuffer = 64 << 10
	// maxDepth bounds how elements are nested. A worksheet has 8 levels.
	maxDepth = 64
)

// scanner reads the subset of XML that a workbook's parts are written in: UTF-8 without a DTD. Memory
// does not grow with the document: a long text comes in pieces, a tag longer than scanBuffer is an
// error. encoding/xml collects a text of any length, and takes five times as long.
//
// It checks what encoding/xml checks: tags that match, known entities, characters that XML allows.
type scanner struct {
	src      io.Reader
	buf      []byte
	pos, end int
	err      error // of src, io.EOF included

	name  []byte // of the element that starts or ends, without its prefix
	attrs []attribute
	text  []byte // the piece of characters

	open    []byte // the names of the open elements with their prefixes, back to back
	starts  []int  // of each in open
	closing bool   // the element that started was empty: its end comes next
	rooted  bool   // the root element has started
	scratch []byte
}

// attribute is one attribute of a tag. Its bytes are valid until the next call of next.
type attribute struct {
	name  []byte // without its prefix
	value []byte
}

func newScanner(src io.Reader) (*scanner, error) {
	s := &scanner{src: src, buf: make([]byte, scanBuffer)}
	s.has(4)
	switch head := s.window(); {
	case bytes.HasPrefix(head, []byte("\xEF\xBB\xBF")):
		s.pos += 3
	case bytes.HasPrefix(head, []byte("\xFE\xFF")), bytes.HasPrefix(head, []byte("\xFF\xFE")),
		bytes.HasPrefix(head, []byte("<\x00")), bytes.HasPrefix(head, []byte("\x00<")):
		return nil, damagedXML("it is not UTF-8")
	}
	return s, nil
}

// attr returns the value of an attribute of the element that started, or nil.
func (s *scanner) attr(name string) []byte {
	for i := range s.attrs {
		if string(s.attrs[i].name) == name {
			return s.attrs[i].value
		}
	}
	return nil
}

// depth is the number of open elements.
func (s *scanner) depth() int { return len(s.starts) }

// next returns the next token; [io.EOF] after the end of the root element.
func (s *scanner) next() (tokenKind, error) {
	if s.closing {
		s.closing = false
		s.pop()
		return endElement, nil
	}
	for {
		if !s.has(1) {
			return 0, s.atEnd()
		}
		if s.buf[s.pos] != '<' {
			if err := s.readText(); err != nil {
				return 0, err
			}
			if s.depth() > 0 && len(s.text) > 0 {
				return characters, nil
			}
			continue
		}
		kind, found, err := s.markup()
		if found || err != nil {
			return kind, err
		}
	}
}

// atEnd is the error at the end of the document.
func (s *scanner) atEnd() error {
	switch {
	case s.err != io.EOF:
		return s.err
	case s.depth() > 0 || !s.rooted:
		return damagedXML("it ends before its last closing tag")
	}
	return io.EOF
}

// markup reads what begins with a <. It returns false for what is no token: comments, processing
// instructions and an empty CDATA section.
func (s *scanner) markup() (kind tokenKind, found bool, err error) {
	if !s.has(2) {
		return 0, false, s.short()
	}
	switch s.buf[s.pos+1] {
	case '/':
		return endElement, true, s.readEnd()
	case '?':
		return 0, false, s.skipPast(2, "?>")
	case '!':
		return s.declaration()
	}
	return startElement, true, s.readStart()
}

// declaration reads what begins with <!.
func (s *scanner) declaration() (kind tokenKind, found bool, err error) {
	const comment, cdata = "<!--", "<![CDATA["
	switch s.has(len(cdata)); {
	case bytes.HasPrefix(s.window(), []byte(comment)):
		return 0, false, s.skipPast(len(comment), "-->")
	case bytes.HasPrefix(s.window(), []byte(cdata)) && s.depth() > 0:
		s.pos += len(cdata)
		return s.readCDATA()
	}
	return 0, false, damagedXML("it has a declaration that no workbook has")
}

// readCDATA reads a section that ends within the buffer.
func (s *scanner) readCDATA() (tokenKind, bool, error) {
	i, err := s.find("]]>")
	if err != nil {
		return 0, false, err
	}
	s.text, err = s.normalized(s.buf[s.pos:s.pos+i], false)
	s.pos += i + len("]]>")
	return characters, len(s.text) > 0, err
}

// skipPast skips n bytes and everything up to and including what ends a comment or an instruction.
func (s *scanner) skipPast(n int, end string) error {
	s.pos += n
	for {
		w := s.window()
		if i := bytes.Index(w, []byte(end)); i >= 0 {
			s.pos += i + len(end)
			return nil
		}
		s.pos += max(0, len(w)-len(end)+1)
		if !s.has(len(s.window()) + 1) {
			return s.short()
		}
	}
}

// readText reads characters up to the next tag, or as many as the buffer holds.
func (s *scanner) readText() error {
	w := s.window()
	i := bytes.IndexByte(w, '<')
	for i < 0 && s.has(len(w)+1) {
		more := s.window()
		if i = bytes.IndexByte(more[len(w):], '<'); i >= 0 {
			i += len(w)
		}
		w = more
	}
	w = s.window() // a read that failed may have moved it
	if i < 0 && s.err == nil {
		i = s.whole(w)
	}
	if i < 0 {
		i = len(w)
	}
	var err error
	s.text, err = s.normalized(w[:i], true)
	s.pos += i
	if err == nil && s.depth() == 0 && len(bytes.TrimSpace(s.text)) > 0 {
		return damagedXML("it has text outside of its root element")
	}
	return err
}

// whole returns how much of a full buffer can be read by itself: what follows a reference, a character
// or a CR may be in the next piece.
func (s *scanner) whole(w []byte) int {
	const longest = 16 // of a reference
	end := len(w)
	if i := bytes.LastIndexByte(w[max(0, end-longest):], '&'); i >= 0 {
		end = max(0, end-longest) + i
	}
	for n := 0; n < utf8.UTFMax && end > 1 && w[end-1] >= utf8.RuneSelf; n++ {
		end--
	}
	if end > 1 && w[end-1] == '\r' {
		end--
	}
	if end == 0 {
		return len(w)
	}
	return end
}

// readEnd reads </name>.
func (s *scanner) readEnd() error {
	i, err := s.find(">")
	if err != nil {
		return err
	}
	name := bytes.TrimRight(s.buf[s.pos+2:s.pos+i], " \t\r\n")
	if s.depth() == 0 || !bytes.Equal(name, s.open[s.starts[s.depth()-1]:]) {
		return damagedXML("the closing tag %q has no opening one", excerpt(name))
	}
	s.pos += i + 1
	s.pop()
	return nil
}

// pop closes the innermost element.
func (s *scanner) pop() {
	from := s.starts[s.depth()-1]
	s.name = append(s.name[:0], local(s.open[from:])...)
	s.open, s.starts = s.open[:from], s.starts[:s.depth()-1]
}

// readStart reads a start tag.
func (s *scanner) readStart() error {
	end, err := s.tagEnd()
	if err != nil {
		return err
	}
	tag := s.buf[s.pos+1 : s.pos+end]
	s.pos += end + 1
	if s.closing = len(tag) > 0 && tag[len(tag)-1] == '/'; s.closing {
		tag = tag[:len(tag)-1]
	}
	name := tag[:nameLen(tag)]
	if len(local(name)) == 0 || name[0] == ':' {
		return damagedXML("a tag has no name")
	}
	if s.depth() == 0 && s.rooted {
		return damagedXML("it has a second root element")
	}
	if s.depth() == maxDepth {
		return damagedXML("its elements are nested more than %d deep", maxDepth)
	}
	s.rooted = true
	s.starts = append(s.starts, len(s.open))
	s.open = append(s.open, name...)
	s.name = local(s.open[len(s.open)-len(name):])
	return s.readAttributes(tag[len(name):])
}

// tagEnd returns where the tag at the position ends. A > inside quotes does not end it.
func (s *scanner) tagEnd() (int, error) {
	quote := byte(0)
	for i := 1; ; i++ {
		if s.pos+i >= s.end && !s.has(i+1) {
			return 0, s.short()
		}
		switch c := s.buf[s.pos+i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			return i, nil
		case c == '<':
			return 0, damagedXML("a tag begins inside a tag")
		}
	}
}

func (s *scanner) readAttributes(rest []byte) error {
	s.attrs, s.scratch = s.attrs[:0], s.scratch[:0]
	for {
		trimmed := bytes.TrimLeft(rest, " \t\r\n")
		if len(trimmed) == 0 {
			return nil
		}
		n := nameLen(trimmed)
		if n == 0 || len(trimmed) == len(rest) || len(local(trimmed[:n])) == 0 || trimmed[0] == ':' {
			return damagedXML("a tag has an attribute that cannot be read")
		}
		name := trimmed[:n]
		rest = bytes.TrimLeft(trimmed[n:], " \t\r\n")
		if len(rest) == 0 || rest[0] != '=' {
			return damagedXML("the attribute %q has no value", excerpt(name))
		}
		rest = bytes.TrimLeft(rest[1:], " \t\r\n")
		if len(rest) == 0 || rest[0] != '"' && rest[0] != '\'' {
			return damagedXML("the attribute %q has no quotes around its value", excerpt(name))
		}
		end := bytes.IndexByte(rest[1:], rest[0])
		if end < 0 {
			return damagedXML("the attribute %q has no end", excerpt(name))
		}
		value := rest[1 : 1+end]
		rest = rest[end+2:]
		if bytes.IndexByte(value, '<') >= 0 {
			return damagedXML("the attribute %q holds a tag", excerpt(name))
		}
		if !isPlain(value) {
			from := len(s.scratch)
			var err error
			if s.scratch, err = appendUnescaped(s.scratch, value, true); err != nil {
				return err
			}
			value = s.scratch[from:len(s.scratch):len(s.scratch)]
		}
		s.attrs = append(s.attrs, attribute{local(name), value})
	}
}

// normalized returns a text without references and with LF as its line ends. Without either it is the
// text itself.
func (s *scanner) normalized(text []byte, references bool) ([]byte, error) {
	if isPlain(text) {
		return text, nil
	}
	var err error
	s.scratch, err = appendUnescaped(s.scratch[:0], text, references)
	return s.scratch, err
}

// window is what was read and not consumed.
func (s *scanner) window() []byte { return s.buf[s.pos:s.end] }

// find returns the offset of the next occurrence of what, which must be within the buffer.
func (s *scanner) find(what string) (int, error) {
	for from := 0; ; {
		w := s.window()
		if i := bytes.Index(w[from:], []byte(what)); i >= 0 {
			return from + i, nil
		}
		from = max(0, len(w)-len(what)+1)
		if !s.has(len(w) + 1) {
			return 0, s.short()
		}
	}
}

// has reads until n bytes are there. False: the source has ended, or the buffer is full.
func (s *scanner) has(n int) bool {
	for s.end-s.pos < n {
		if s.err != nil {
			return false
		}
		if s.end == len(s.buf) {
			if s.pos == 0 {
				return false
			}
			s.end = copy(s.buf, s.buf[s.pos:s.end])
			s.pos = 0
		}
		got, err := s.src.Read(s.buf[s.end:])
		s.end += got
		s.err = err
	}
	return true
}

// short is the error where has returned false inside of a tag.
func (s *scanner) short() error {
	switch {
	case s.err == nil:
		return damagedXML("it has a tag that is longer than %d KiB", scanBuffer>>10)
	case errors.Is(s.err, io.EOF):
		return damagedXML("it ends inside of a tag")
	}
	return s.err
}

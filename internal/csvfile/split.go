package csvfile

import "bytes"

// faultKind is what stopped the reading of a row.
type faultKind int

const (
	sound          faultKind = iota
	strayQuote               // inside an unquoted value
	textAfterQuote           // behind a closing quote
	quoteOpenAtEnd           // of the file
	quoteOpenTooFar
	tooLong
	failed // the source; buffer.err says how
)

// fault is what is wrong with a row's text, in which field, counted from 0, and at which byte.
type fault struct {
	kind  faultKind
	field int
	at    int
}

// span is where a field stands in the row.
type span struct {
	from, to int
	doubled  bool // it has doubled quotes
}

// scan splits the row at the buffer's start into r.row. Nearly every row is one line, with no quotes or with quotes around whole values: that is
// done at the speed of bytes.IndexByte. Only what is left is read field by field.
func (r *Reader) scan() fault {
	r.row = scanned{fields: r.row.fields[:0], keep: r.row.keep}
	first, ok := r.in.readFirst()
	if !ok {
		return fault{kind: failed}
	}
	r.row.first = first
	line := r.in.window()[:first.text]
	r.row.text, r.row.next = first.text, first.next
	switch {
	case bytes.IndexByte(line, '"') < 0:
		r.splitPlain(line)
	case !first.found || !r.splitSimplyQuoted(line):
		r.row.text, r.row.next = 0, 0
		return r.settle(r.splitQuoted())
	}
	if !first.found {
		r.dropLast()
	}
	return r.settle(fault{})
}

// dropLast forgets the last field, which was cut off by the limit.
func (r *Reader) dropLast() {
	r.row.count--
	r.row.fields = r.row.fields[:min(r.row.count, len(r.row.fields))]
}

// settle decides where reading goes on after a row that ended with f: behind the row, but after a quoting error behind its first
// line.
func (r *Reader) settle(f fault) fault {
	row := &r.row
	if f.kind == sound && row.text > r.opts.MaxRow {
		f.kind = tooLong
	}
	switch f.kind {
	case sound, failed:
		return f
	case tooLong:
	default:
		row.text, row.next = row.first.text, row.first.next
	}
	if row.next == 0 {
		// The line end is not in sight. The last byte may be a CR whose LF is not either, so it is left for later.
		row.text = len(r.in.window())
		row.next, r.skip = row.text-1, true
	}
	return f
}

func (r *Reader) splitPlain(line []byte) {
	fields, delim := r.row.fields, r.delim
	for len(fields) < r.row.keep {
		i := bytes.IndexByte(line, delim)
		if i < 0 {
			r.row.fields = append(fields, line)
			r.row.count = len(r.row.fields)
			return
		}
		fields = append(fields, line[:i])
		line = line[i+1:]
	}
	r.row.fields, r.row.count = fields, len(fields)
	for extra := range bytes.SplitSeq(line, []byte{delim}) {
		r.row.count++
		r.row.value = r.row.value || !white(extra)
	}
}

// splitSimplyQuoted splits a line in which quotes do no more than enclose whole values, as in files that quote every value. False: there is more
// to them, and nothing was done.
func (r *Reader) splitSimplyQuoted(line []byte) bool {
	fields, delim := r.row.fields, r.delim
	for len(fields) < r.row.keep {
		end, from := bytes.IndexByte(line, delim), 0
		if len(line) > 0 && line[0] == '"' {
			end, from = bytes.IndexByte(line[1:], '"')+2, 1
			if end == 1 || end < len(line) && line[end] != delim {
				return false
			}
		} else if end < 0 {
			end = len(line)
		}
		field := line[from : end-from]
		if from == 0 && bytes.IndexByte(field, '"') >= 0 {
			return false
		}
		fields = append(fields, field)
		if end == len(line) {
			r.row.fields, r.row.count = fields, len(fields)
			return true
		}
		line = line[end+1:]
	}
	return false
}

// splitQuoted reads field by field, over line ends inside quotes.
func (r *Reader) splitQuoted() fault {
	r.spans = r.spans[:0]
	p := 0
	for {
		var f faultKind
		var s span
		if c, ok := r.in.at(p); ok && c == '"' {
			s, p, f = r.quotedField(p + 1)
		} else {
			s, p, f = r.plainField(p)
		}
		if f != sound {
			r.useSpans()
			return fault{kind: f, field: r.row.count, at: p}
		}
		r.addSpan(s)
		if c, ok := r.in.at(p); ok && c == r.delim {
			p++
			continue
		}
		r.row.text, r.row.next = p, r.in.afterLineEnd(p)
		r.useSpans()
		return fault{}
	}
}

// plainField reads from p to the delimiter or line end, where it leaves p.
func (r *Reader) plainField(p int) (span, int, faultKind) {
	from := p
	for {
		w := r.in.window()
		for ; p < len(w); p++ {
			switch c := w[p]; {
			case c == '"':
				return span{}, p, strayQuote
			case c == r.delim:
				return span{from: from, to: p}, p, sound
			case c == '\n' || c == '\r':
				if end, known := r.in.endsAt(p); known && end {
					return span{from: from, to: p}, p, sound
				}
				w = r.in.window()
			}
		}
		if !r.in.more() {
			return span{from: from, to: p}, p, r.in.edge(sound, tooLong)
		}
	}
}

// quotedField reads from p, behind the opening quote, to the delimiter or line end, where it leaves p.
func (r *Reader) quotedField(p int) (span, int, faultKind) {
	s := span{from: p}
	for {
		w := r.in.window()
		i := bytes.IndexByte(w[p:], '"')
		if i < 0 {
			p = len(w)
			if r.in.more() {
				continue
			}
			return s, p, r.in.edge(quoteOpenAtEnd, quoteOpenTooFar)
		}
		s.to = p + i
		p = s.to + 1
		switch c, ok := r.in.at(p); {
		case !ok:
			return s, p, r.in.edge(sound, tooLong)
		case c == '"':
			s.doubled = true
			p++
			continue
		case c == r.delim:
			return s, p, sound
		}
		if end, known := r.in.endsAt(p); !known {
			return s, p, r.in.edge(sound, tooLong)
		} else if !end {
			return s, p, textAfterQuote
		}
		return s, p, sound
	}
}

// addSpan counts a field and keeps it, if it is one of the first.
func (r *Reader) addSpan(s span) {
	r.row.count++
	if len(r.spans) < r.row.keep {
		r.spans = append(r.spans, s)
	} else if !white(r.in.window()[s.from:s.to]) {
		r.row.value = true
	}
}

// useSpans makes the fields, now that the row does not move any more.
func (r *Reader) useSpans() {
	w := r.in.window()
	r.scratch = r.scratch[:0]
	for _, s := range r.spans {
		field := w[s.from:s.to]
		if s.doubled {
			from := len(r.scratch)
			r.scratch = undouble(r.scratch, field)
			field = r.scratch[from:]
		}
		r.row.fields = append(r.row.fields, field)
	}
}

// undouble appends field with each doubled quote made one.
func undouble(dst, field []byte) []byte {
	for {
		i := bytes.IndexByte(field, '"')
		if i < 0 {
			return append(dst, field...)
		}
		dst = append(dst, field[:i+1]...)
		field = field[i+2:]
	}
}

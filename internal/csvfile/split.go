package csvfile

import "bytes"

// faultKind is why the scan of a row stopped.
type faultKind int

const (
	sound          faultKind = iota
	strayQuote               // inside an unquoted value
	textAfterQuote           // after a closing quote
	quoteOpenAtEnd           // of the file
	quoteOpenTooFar
	tooLong
	failed // the source did; see buffer.err
)

// fault is a syntax error in a row: its kind, the field's index and the byte's offset in the row.
type fault struct {
	kind  faultKind
	field int
	at    int
}

// span is a field's place in the row.
type span struct {
	from, to int
	doubled  bool // the field has doubled quotes
}

// scan splits the row at the buffer's start into r.row. Nearly every row is one line, without quotes or
// with quotes around whole values: bytes.IndexByte splits those. Others are read field by field.
func (r *Reader) scan() fault {
	r.row = scanned{fields: r.row.fields[:0], maxFields: r.row.maxFields}
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
		return r.finishRow(r.splitQuoted())
	}
	if !first.found {
		r.dropLast()
	}
	return r.finishRow(fault{})
}

// dropLast drops the last field, which the limit has cut off.
func (r *Reader) dropLast() {
	r.row.count--
	r.row.fields = r.row.fields[:min(r.row.count, len(r.row.fields))]
}

// finishRow decides where reading resumes after a row that ended with f: after the row, or after its
// first line if the row has a quoting error.
func (r *Reader) finishRow(f fault) fault {
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
		// The window holds no line end. Its last byte may be the CR of one, so it stays for later.
		row.text = len(r.in.window())
		row.next, r.skip = row.text-1, true
	}
	return f
}

func (r *Reader) splitPlain(line []byte) {
	fields, delim := r.row.fields, r.delim
	for len(fields) < r.row.maxFields {
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
		r.row.value = r.row.value || !IsBlank(extra)
	}
}

// splitSimplyQuoted splits a line whose quotes only enclose whole values, as in files that quote every
// value. It returns false, and changes nothing, where the line has other quotes.
func (r *Reader) splitSimplyQuoted(line []byte) bool {
	fields, delim := r.row.fields, r.delim
	for len(fields) < r.row.maxFields {
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

// splitQuoted reads the row field by field, across line ends inside quotes.
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
			r.buildFields()
			return fault{kind: f, field: r.row.count, at: p}
		}
		r.addSpan(s)
		if c, ok := r.in.at(p); ok && c == r.delim {
			p++
			continue
		}
		r.row.text, r.row.next = p, r.in.afterLineEnd(p)
		r.buildFields()
		return fault{}
	}
}

// plainField reads from p to the delimiter or line end, and returns its place.
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

// quotedField reads from p, after the opening quote, to the delimiter or line end, and returns its place.
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

// addSpan counts a field, and stores its span below maxFields.
func (r *Reader) addSpan(s span) {
	r.row.count++
	if len(r.spans) < r.row.maxFields {
		r.spans = append(r.spans, s)
	} else if !IsBlank(r.in.window()[s.from:s.to]) {
		r.row.value = true
	}
}

// buildFields makes the fields from their spans. From here on the row's bytes do not move.
func (r *Reader) buildFields() {
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

// undouble appends field with each doubled quote replaced by a single one.
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

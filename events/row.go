package events

import (
	"strconv"
	"time"
)

// AppendRow appends to b what Encode gives for a row. A file's rows are written
// one after the other into the same few buffers.
func AppendRow(b []byte, e *RowReceived, at time.Time) []byte {
	return append(e.appendData(appendEnvelope(b, e, at)), '}')
}

// appendData writes the event that every row of every file becomes.
func (e *RowReceived) appendData(b []byte) []byte {
	b = appendRowOf(b, e.JobID, e.Row)
	b = strconv.AppendUint(append(b, `,"line":`...), e.Line, 10)
	b = e.Values.appendTo(append(b, `,"values":`...))
	if m := e.Malformed; m != nil {
		b = appendString(append(b, `,"malformed":{"code":`...), string(m.Code))
		b = appendString(append(b, `,"message":`...), m.Message)
		if m.Column != "" {
			b = appendString(append(b, `,"column":`...), m.Column)
		}
		b = appendString(append(b, `,"raw":`...), m.Raw)
		b = append(b, '}')
	}
	return append(b, '}')
}

func (e *RowReceived) parse(r *reader) {
	e.JobID, e.Row = r.rowOf()
	r.skip(`,"line":`)
	e.Line = r.number()
	r.skip(`,"values":`)
	r.values(&e.Values)
	if r.follows(`,"malformed":{"code":`) {
		e.Malformed = r.malformed()
	}
	r.skip(`}`)
}

func (r *reader) malformed() *Malformed {
	m := &Malformed{Code: Code(r.text())}
	r.skip(`,"message":`)
	m.Message = r.text()
	if r.follows(`,"column":`) {
		m.Column = r.text()
	}
	r.skip(`,"raw":`)
	m.Raw = r.text()
	r.skip(`}`)
	return m
}

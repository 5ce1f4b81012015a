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
	b = appendRowRef(b, e.JobID, e.Row)
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

func (e *RowReceived) parse(r *scanner) {
	e.JobID, e.Row = r.rowRef()
	r.expect(`,"line":`)
	e.Line = r.uint()
	r.expect(`,"values":`)
	r.values(&e.Values)
	if r.consumeIf(`,"malformed":{"code":`) {
		e.Malformed = r.malformed()
	}
	r.expect(`}`)
}

func (r *scanner) malformed() *Malformed {
	m := &Malformed{Code: Code(r.text())}
	r.expect(`,"message":`)
	m.Message = r.text()
	if r.consumeIf(`,"column":`) {
		m.Column = r.text()
	}
	r.expect(`,"raw":`)
	m.Raw = r.text()
	r.expect(`}`)
	return m
}

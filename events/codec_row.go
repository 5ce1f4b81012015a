package events

import (
	"strconv"
	"time"
)

// AppendRow appends what Encode returns for a row. It cannot fail. An upload writes its rows into a few
// reused buffers.
func AppendRow(b []byte, e *RowReceived, at time.Time) []byte {
	return append(e.appendData(appendEnvelope(b, e, at)), '}')
}

// appendData appends the data of the most frequent event: each row of each file is one.
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
		if len(m.MoreColumns) > 0 {
			b = appendStrings(append(b, `,"more_columns":`...), m.MoreColumns)
		}
		b = appendString(append(b, `,"raw":`...), m.Raw)
		b = append(b, '}')
	}
	if e.Raw != "" {
		b = appendString(append(b, `,"raw":`...), e.Raw)
	}
	return append(b, '}')
}

func (e *RowReceived) parse(s *scanner) {
	e.JobID, e.Row = s.rowRef()
	s.expect(`,"line":`)
	e.Line = s.uint()
	s.expect(`,"values":`)
	s.values(&e.Values)
	if s.consumeIf(`,"malformed":{"code":`) {
		e.Malformed = s.malformed()
	}
	if s.consumeIf(`,"raw":`) {
		e.Raw = s.text()
	}
	s.expect(`}`)
}

func (s *scanner) malformed() *Malformed {
	m := &Malformed{Code: Code(s.text())}
	s.expect(`,"message":`)
	m.Message = s.text()
	if s.consumeIf(`,"column":`) {
		m.Column = s.text()
	}
	if s.consumeIf(`,"more_columns":`) {
		m.MoreColumns = s.strings()
	}
	s.expect(`,"raw":`)
	m.Raw = s.text()
	s.expect(`}`)
	return m
}

package events

import "time"

// AppendRow appends to b what Encode gives for a row. A file's rows are written
// one after the other into the same few buffers.
func AppendRow(b []byte, e *RowReceived, at time.Time) []byte {
	return append(e.appendData(appendEnvelope(b, e, at)), '}')
}

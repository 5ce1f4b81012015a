package events

import (
	"bytes"
	"strconv"

	"github.com/goccy/go-json"
)

// Nearly every body that Decode sees was written by Encode: the same members in
// the same order, without white space. This file reads that form, and that form
// only, in one pass. Whatever looks different it leaves to the general way;
// FuzzFastDecode holds that both give the same.

// What stands around the members that differ.
var (
	beforeID   = []byte(`{"specversion":"1.0","id":"`)
	beforeType = []byte(`","source":"` + Source + `","type":"`)
	beforeTime = []byte(`","time":"`)
	beforeData = []byte(`","datacontenttype":"application/json","data":`)
)

// decodeOurs reads a body in the form that Encode writes. Where it fails, the
// body may still be a CloudEvent of ours.
func decodeOurs(body []byte) (envelope Envelope, ok bool) {
	id, eventType, data, ok := cutEnvelope(body)
	if !ok {
		return Envelope{}, false
	}
	event, known := newOf(eventType)
	if !known || !unmarshalData(data, event) {
		return Envelope{}, false
	}
	name := event.ID()
	if event.Job() == 0 || name != string(id) {
		return Envelope{}, false
	}
	return Envelope{ID: name, Type: event.Type(), Event: event}, true
}

// newOf is New for a name that is not a string yet.
func newOf(name []byte) (Event, bool) {
	for i := range types {
		if types[i].name == string(name) {
			return types[i].make(), true
		}
	}
	return nil, false
}

func unmarshalData(data []byte, event Event) bool {
	if row, ok := event.(*RowReceived); ok {
		if row.parse(data) {
			return true
		}
		*row = RowReceived{} // it may be half filled in
	}
	return json.Unmarshal(data, event) == nil
}

// cutEnvelope takes apart a body in the form that Encode writes. The data is
// what remains: it may still be anything.
func cutEnvelope(body []byte) (id, eventType, data []byte, ok bool) {
	rest, ok := bytes.CutPrefix(body, beforeID)
	if !ok || !bytes.HasSuffix(rest, []byte{'}'}) {
		return nil, nil, nil, false
	}
	id, rest, ok1 := cutPlain(rest, beforeType)
	eventType, rest, ok2 := cutPlain(rest, beforeTime)
	_, rest, ok3 := cutPlain(rest, beforeData)
	if !ok1 || !ok2 || !ok3 {
		return nil, nil, nil, false
	}
	return id, eventType, rest[:len(rest)-1], true
}

// cutPlain takes a text of letters, digits and the marks of ids and times off
// the front of b, and then what must follow it.
func cutPlain(b, next []byte) (text, rest []byte, ok bool) {
	for i, c := range b {
		if c == '"' {
			rest, ok = bytes.CutPrefix(b[i:], next)
			return b[:i], rest, ok && i > 0
		}
		if c < '+' || c > 'z' || c == '\\' {
			break
		}
	}
	return nil, nil, false
}

// parse reads the data of a row in the form that appendData writes, but for
// malformed rows and escaped characters. The row is unusable where it fails.
func (e *RowReceived) parse(data []byte) bool {
	job, rest, ok1 := cutNumber(data, `{"job_id":`)
	row, rest, ok2 := cutNumber(rest, `,"row":`)
	line, rest, ok3 := cutNumber(rest, `,"line":`)
	rest, ok4 := bytes.CutPrefix(rest, []byte(`,"values":`))
	if !ok1 || !ok2 || !ok3 || !ok4 {
		return false
	}
	e.JobID, e.Row, e.Line = JobID(job), Row(row), line
	tail, ok := e.Values.parse(string(rest)) // one text that all values are parts of
	return ok && tail == "}"
}

// cutNumber takes a label and a whole number of at most 18 digits off the front of b.
func cutNumber(b []byte, label string) (n uint64, rest []byte, ok bool) {
	if len(b) < len(label) || string(b[:len(label)]) != label {
		return 0, nil, false
	}
	b = b[len(label):]
	end := 0
	for end < len(b) && b[end]-'0' <= 9 {
		end++
	}
	if end == 0 || end > 18 || b[0] == '0' && end > 1 {
		return 0, nil, false
	}
	n, err := strconv.ParseUint(string(b[:end]), 10, 64)
	return n, b[end:], err == nil
}

// parse takes an object of plain texts, without white space and escapes, off
// the front of data. The values are unusable where it fails.
func (v *Values) parse(data string) (rest string, ok bool) {
	if len(data) < 2 || data[0] != '{' {
		return "", false
	}
	if data[1] == '}' {
		return data[2:], true
	}
	for next := 0; ; next++ {
		name, after, ok := cutText(data[1:])
		if !ok || len(after) == 0 || after[0] != ':' {
			return "", false
		}
		text, after, ok := cutText(after[1:])
		if !ok || len(after) == 0 {
			return "", false
		}
		if next = columnFrom(next, name); next < NumColumns {
			v[next] = text
		}
		switch data = after; data[0] {
		case '}':
			return data[1:], true
		case ',':
		default:
			return "", false
		}
	}
}

// columnFrom finds a column by its name; the one asked for is nearly always
// among the next ones. NumColumns stands for none.
func columnFrom(next int, name string) int {
	for i := next; i < NumColumns; i++ {
		if Columns[i].Name == name {
			return i
		}
	}
	if i, known := columnByHeader[name]; known {
		return i
	}
	return NumColumns
}

// cutText takes a JSON string without escapes off the front of b.
func cutText(s string) (text, rest string, ok bool) {
	if s == "" || s[0] != '"' {
		return "", "", false
	}
	s = s[1:]
	for i := range len(s) {
		if c := s[i]; c == '"' {
			return s[:i], s[i+1:], true
		} else if c == '\\' || c < ' ' {
			break
		}
	}
	return "", "", false
}

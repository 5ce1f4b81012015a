package events

import (
	"bytes"

	"github.com/goccy/go-json"
)

// Nearly every body that Decode sees was written by Append: the same members in
// the same order, without white space. This file reads that form, and that form
// only, in one pass. Whatever looks different it leaves to the general way;
// FuzzFastDecode holds that both give the same.

// What stands around the members that differ.
const (
	beforeID   = `{"specversion":"1.0","id":`
	beforeType = `,"source":"` + Source + `","type":`
	beforeTime = `,"time":`
	beforeData = `,"datacontenttype":"application/json","data":`
)

// decodeOurs reads a body in the form that Append writes. Where it fails, the
// body may still be a CloudEvent of ours.
func decodeOurs(body []byte) (Envelope, bool) {
	r := reader{rest: body}
	r.skip(beforeID)
	id := r.name()
	r.skip(beforeType)
	event, known := newOf(r.name())
	r.skip(beforeTime)
	r.name()
	r.skip(beforeData)
	if !known || r.failed {
		return Envelope{}, false
	}
	r.kept.Grow(len(id) + len(r.rest)*3/8) // about what is neither a name nor punctuation
	r.kept.Write(id)
	envelope := Envelope{ID: r.kept.String(), Type: event.Type(), Event: event}
	var room [48]byte
	if !r.data(event) || event.Job() == 0 || string(appendID(room[:0], event)) != envelope.ID {
		return Envelope{}, false
	}
	return envelope, true
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

// data reads the last member of a CloudEvent and its end.
func (r *reader) data(event Event) bool {
	switch e := event.(type) {
	case *RowReceived:
		e.parse(r)
	case *LicenseImported:
		e.parse(r)
	case *LicenseExisted:
		e.parse(r)
	case *RowRejected:
		e.parse(r)
	default:
		data, ok := bytes.CutSuffix(r.rest, []byte{'}'})
		return ok && json.Unmarshal(data, event) == nil
	}
	r.skip(`}`)
	return r.ended()
}

package events

import (
	"bytes"
	"encoding/json"
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
	r := scanner{rest: body}
	r.expect(beforeID)
	id := r.rawString()
	r.expect(beforeType)
	event, known := newByName(r.rawString())
	r.expect(beforeTime)
	r.rawString()
	r.expect(beforeData)
	if !known || r.failed {
		return Envelope{}, false
	}
	r.texts.Grow(len(id) + len(r.rest)*3/8) // about what is neither a name nor punctuation
	r.texts.Write(id)
	envelope := Envelope{ID: r.texts.String(), Type: event.Type(), Event: event}
	var room [48]byte
	if !r.data(event) || event.Job() == 0 || string(appendID(room[:0], event)) != envelope.ID {
		return Envelope{}, false
	}
	return envelope, true
}

// newByName is New for a name that is not a string yet.
func newByName(name []byte) (Event, bool) {
	for i := range typeNames {
		if typeNames[i] == string(name) {
			return constructors[i](), true
		}
	}
	return nil, false
}

// data reads the last member of a CloudEvent and its end.
func (r *scanner) data(event Event) bool {
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
	r.expect(`}`)
	return r.done()
}

package events

import (
	"bytes"
	"encoding/json"
)

// Append wrote nearly every body that Decode reads: fixed members in a fixed order, without white space.
// This file reads exactly that form, in one pass. It leaves every other form to decodeAny. FuzzFastDecode
// compares the two.

// The constant parts of a CloudEvent, between its variable members.
const (
	beforeID   = `{"specversion":"1.0","id":`
	beforeType = `,"source":"` + Source + `","type":`
	beforeTime = `,"time":`
	beforeData = `,"datacontenttype":"application/json","data":`
)

// decodeFast reads a body in the form that Append writes. If it fails, decodeAny may still read the body.
func decodeFast(body []byte) (Envelope, bool) {
	s := scanner{rest: body}
	s.expect(beforeID)
	id := s.rawString()
	s.expect(beforeType)
	event, known := newByName(s.rawString())
	s.expect(beforeTime)
	s.rawString()
	s.expect(beforeData)
	if !known || s.failed {
		return Envelope{}, false
	}
	s.texts.Grow(len(id) + len(s.rest)*3/8) // about the texts' share of a body
	s.texts.Write(id)
	envelope := Envelope{ID: s.texts.String(), Type: event.Type(), Event: event}
	var buf [48]byte
	if !s.data(event) || !namesItsJob(event) || string(appendID(buf[:0], event)) != envelope.ID {
		return Envelope{}, false
	}
	return envelope, true
}

// JobOf is the import that an event belongs to, read from the body alone, by the event's id. known is false
// for a body in another form than Append's, and for an event of no import: [Decode] tells then.
func JobOf(body []byte) (job JobID, known bool) {
	s := scanner{rest: body}
	s.expect(beforeID)
	digits, _, found := bytes.Cut(s.rawString(), []byte("/"))
	for _, c := range digits {
		if c < '0' || c > '9' || job > 1<<59 {
			return 0, false
		}
		job = 10*job + JobID(c-'0')
	}
	return job, found && !s.failed && job != 0
}

// ArrivalOf is the row whose arrival an event is, read from the first bytes of its body alone, by the event's id.
// known is false for another event, and for a body in another form than Append's.
func ArrivalOf(body []byte) (of Origin, known bool) {
	s := scanner{rest: body}
	s.expect(beforeID)
	s.expect(`"`)
	of.JobID = JobID(s.digits())
	s.expect("/")
	of.Row = Row(s.digits())
	s.expect(`/received"`)
	return of, !s.failed && of.JobID != 0 && of.Row != 0
}

// digits reads a number without a sign.
func (s *scanner) digits() (n uint64) {
	for len(s.rest) > 0 && s.rest[0] >= '0' && s.rest[0] <= '9' && n < 1<<59 {
		n = 10*n + uint64(s.rest[0]-'0')
		s.rest = s.rest[1:]
	}
	return n
}

// newByName is New for a name in the body; it does not allocate the name.
func newByName(name []byte) (Event, bool) {
	for i := range typeNames {
		if typeNames[i] == string(name) {
			return constructors[i](), true
		}
	}
	return nil, false
}

// data reads the value of a CloudEvent's last member, and the end.
func (s *scanner) data(event Event) bool {
	switch e := event.(type) {
	case *RowReceived:
		e.parse(s)
	case *LicenseImported:
		e.parse(s)
	case *LicenseExisted:
		e.parse(s)
	case *RowRejected:
		e.parse(s)
	case *LicenseUpdated:
		e.parse(s)
	case *LicenseUpdateProposed:
		(*LicenseUpdated)(e).parse(s)
	case *LicenseRestored:
		e.parse(s)
	case *LicenseRevoked:
		e.parse(s)
	default:
		data, ok := bytes.CutSuffix(s.rest, []byte{'}'})
		return ok && json.Unmarshal(data, event) == nil && hasKnownKind(event)
	}
	s.expect(`}`)
	return s.done()
}

package projector

import (
	"encoding/binary"

	"licenseimport/events"
)

// storedFact is the value of an event in the view facts.
type storedFact struct {
	nanos    int64      // time in the stream, since 1970
	about    events.Seq // the license, or the customer, that the event is about; 0: none
	previous events.Seq // the event before at its subject; 0: none
	made     events.Seq // the event that made what it is about
	link                // the chain that this stands at
	result   events.Result
	did      []byte // what a customer's row did: a customerChange, JSON
	body     []byte // the event as the stream has it
}

const factHead = 49 // bytes before the length of did

func (s *storedFact) appendTo(b []byte) []byte {
	for _, n := range [...]uint64{uint64(s.nanos), uint64(s.about), uint64(s.previous), uint64(s.made), uint64(s.chain),
		uint64(s.owner)} {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	b = binary.AppendUvarint(append(b, byte(s.result)), uint64(len(s.did)))
	return append(append(b, s.did...), s.body...)
}

func parseFact(b []byte) (storedFact, bool) {
	if len(b) <= factHead {
		return storedFact{}, false
	}
	n, size := binary.Uvarint(b[factHead:])
	rest := b[factHead+max(size, 0):]
	if size <= 0 || n > uint64(len(rest)) {
		return storedFact{}, false
	}
	return storedFact{
		nanos: int64(binary.BigEndian.Uint64(b)), about: seqAt(b[8:]), previous: seqAt(b[16:]), made: seqAt(b[24:]),
		link:   link{seqAt(b[32:]), events.JobID(binary.BigEndian.Uint64(b[40:]))},
		result: events.Result(b[48]), did: rest[:n], body: rest[n:],
	}, true
}

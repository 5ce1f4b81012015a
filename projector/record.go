package projector

import (
	"encoding/binary"

	"licenseimport/events"
)

// record is the value of a license, and the beginning of a change's.
type record struct {
	nanos    int64      // time in the stream, since 1970
	customer events.Seq // 0: none
	order    events.Seq
	flags    flags
	body     []byte // the event as the stream has it
}

// flags say what folding and reading ask of a license without reading its event.
type flags uint8

const (
	isDisabled     flags = 1 << iota // it is not enabled
	customerListed                   // customer_more has it, although it may be the one that created the customer
	orderListed                      // the same of order_more
	isRevoked                        // the event is a LicenseRevoked
)

const recordHead = 25 // bytes before the body

func (r record) appendTo(b []byte) []byte { return append(r.appendHead(b), r.body...) }

func (r record) appendHead(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(r.nanos))
	b = binary.BigEndian.AppendUint64(b, uint64(r.customer))
	b = binary.BigEndian.AppendUint64(b, uint64(r.order))
	return append(b, byte(r.flags))
}

func parseRecord(b []byte) (record, bool) {
	if len(b) < recordHead {
		return record{}, false
	}
	return record{
		nanos:    int64(binary.BigEndian.Uint64(b)),
		customer: seqAt(b[8:]),
		order:    seqAt(b[16:]),
		flags:    flags(b[24]),
		body:     b[recordHead:],
	}, true
}

// change is a license after an event that is not its first.
type change struct {
	record
	license  events.Seq
	previous events.Seq // the license's event before
	link                // the chain that the license stands at
}

const changeHead = recordHead + 32 // bytes before the body

func (c change) appendTo(b []byte) []byte {
	b = c.appendHead(b)
	b = binary.BigEndian.AppendUint64(b, uint64(c.license))
	b = binary.BigEndian.AppendUint64(b, uint64(c.previous))
	b = binary.BigEndian.AppendUint64(b, uint64(c.chain))
	b = binary.BigEndian.AppendUint64(b, uint64(c.owner))
	return append(b, c.body...)
}

func parseChange(b []byte) (change, bool) {
	if len(b) < changeHead {
		return change{}, false
	}
	r, _ := parseRecord(b)
	r.body = b[changeHead:]
	rest := b[recordHead:]
	return change{
		record: r, license: seqAt(rest), previous: seqAt(rest[8:]),
		link: link{seqAt(rest[16:]), events.JobID(binary.BigEndian.Uint64(rest[24:]))},
	}, true
}

// seqAt reads the sequence at the beginning of b.
func seqAt(b []byte) events.Seq { return events.Seq(binary.BigEndian.Uint64(b)) }

// decodeState reads the license after a stored event.
func decodeState(body []byte) (events.LicenseState, events.Event, error) {
	e, err := decodeAs[events.Event](body)
	if err != nil {
		return events.LicenseState{}, nil, err
	}
	s, exists := events.StateAfter(e)
	if !exists {
		return s, nil, ErrDamaged
	}
	return s, e, nil
}

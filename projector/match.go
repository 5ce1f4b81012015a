package projector

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"licenseimport/events"
)

// scan passes all names of a view, and gives the sequences of those that match. Passing the deadline
// is ErrTooBroad.
func (r reader) scan(v view, match func(name []byte) bool, deadline time.Time) (list, error) {
	found := matching{match: match, deadline: deadline}
	cursor := r.view(v).Cursor()
	for key, value := cursor.First(); key != nil; key, value = cursor.Next() {
		if len(key) != eraSize+slotSize {
			return nil, errDamaged
		}
		if err := found.pass(slot{binary.BigEndian.Uint32(key), value}); err != nil {
			return nil, err
		}
	}
	slices.Sort(found.list)
	return found.list, nil
}

// inSlot passes the names of one slot, from a sequence on, and gives the sequences of those that begin
// with a prefix, in order.
func (r reader) inSlot(v view, number int, from events.Seq, prefix []byte, deadline time.Time) (list, error) {
	found := matching{match: func(name []byte) bool { return bytes.HasPrefix(name, prefix) }, deadline: deadline}
	for s := range r.slots(v, number, from) {
		if err := found.pass(s); err != nil {
			return nil, err
		}
	}
	return found.list, nil
}

// matching collects the sequences of names that match.
type matching struct {
	match    func(name []byte) bool
	deadline time.Time
	passed   int // names
	list     list
}

// pass passes the names of one slot.
func (m *matching) pass(s slot) error {
	broad := false
	sound := s.each(func(name []byte, seq events.Seq) bool {
		m.passed++
		broad = m.passed%1024 == 0 && time.Now().After(m.deadline)
		if !broad && m.match(name) {
			m.list = append(m.list, uint64(seq))
		}
		return !broad
	})
	switch {
	case broad:
		return ErrTooBroad
	case !sound:
		return errDamaged
	}
	return nil
}

// keyMatches matches names of licenseByKey by the beginning of their license key and by a text
// in it; either may be empty.
func keyMatches(prefix, text string) func(name []byte) bool {
	begin, contains := []byte(prefix), func([]byte) bool { return true }
	if text != "" {
		contains = containsFold(text)
	}
	return func(name []byte) bool {
		if end := bytes.IndexByte(name, 0); end >= 0 {
			name = name[:end]
		}
		return bytes.HasPrefix(name, begin) && contains(name)
	}
}

// containsFold matches what contains a text, without regard to case.
func containsFold(text string) func([]byte) bool {
	lower := strings.ToLower(text)
	folded := []byte(lower)
	var buffer []byte
	return func(b []byte) bool {
		if len(b) == 0 {
			return false
		}
		buffer = buffer[:0]
		for _, c := range b {
			if c >= utf8.RuneSelf {
				return strings.Contains(strings.ToLower(string(b)), lower)
			}
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			buffer = append(buffer, c)
		}
		return bytes.Contains(buffer, folded)
	}
}

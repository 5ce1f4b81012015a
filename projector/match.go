package projector

import (
	"bytes"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"licenseimport/projector/viewstore"
)

// checkEvery is the number of names between two looks at the clock.
const checkEvery = 1024

// scan walks all names of a hash index and returns the sequences of those that match, in ascending
// order. A walk that passes the deadline is an ErrTooBroad.
func (r *Reader) scan(v viewstore.View, match func(name []byte) bool, deadline time.Time) (viewstore.SliceList, error) {
	found := matching{match: match, deadline: deadline}
	err := found.err(r.views.Names(v, found.visit))
	slices.Sort(found.list)
	return found.list, err
}

// inSlot walks the names that share a slot, from a sequence's partition on, and returns the sequences
// of those that begin with a prefix, in ascending order.
func (r *Reader) inSlot(v viewstore.View, hashed []byte, from uint64, prefix []byte, deadline time.Time) (
	viewstore.SliceList, error) {
	found := matching{match: func(name []byte) bool { return bytes.HasPrefix(name, prefix) }, deadline: deadline}
	err := found.err(r.views.InSlot(v, hashed, from, found.visit))
	return found.list, err
}

// matching collects the sequences of names that match.
type matching struct {
	match    func(name []byte) bool
	deadline time.Time
	visited  int  // names
	tooBroad bool // the deadline was passed
	list     viewstore.SliceList
}

// visit is called for each name. It returns false when the deadline is passed.
func (m *matching) visit(name []byte, seq uint64) bool {
	if m.visited++; m.visited%checkEvery == 0 && time.Now().After(m.deadline) {
		m.tooBroad = true
		return false
	}
	if m.match(name) {
		m.list = append(m.list, seq)
	}
	return true
}

// err is the error of a walk.
func (m *matching) err(walk error) error {
	if walk == nil && m.tooBroad {
		return ErrTooBroad
	}
	return walk
}

// keyMatches matches names of licenseByKey by the prefix of their license key and by a text
// that it contains without regard to case. Either may be empty.
func keyMatches(prefix, text string) func(name []byte) bool {
	start, contains := []byte(prefix), func([]byte) bool { return true }
	if text != "" {
		contains = containsFold(text)
	}
	return func(name []byte) bool {
		if end := bytes.IndexByte(name, 0); end >= 0 { // the product follows
			name = name[:end]
		}
		return bytes.HasPrefix(name, start) && contains(name)
	}
}

// containsFold matches texts that contain another one, without regard to case. ASCII, the common
// case, needs no allocation. The empty text matches nothing.
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

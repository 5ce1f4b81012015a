package projector

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"unicode/utf8"

	bolt "go.etcd.io/bbolt"
)

// scan passes all keys of a view in eras that begin with a prefix, and gives the numbers of
// those that match (nil: of all). Exceeding the limit is errTooBroad.
func (r reader) scan(v view, prefix []byte, match func(key []byte) bool, limit *deadline) (list, error) {
	s := scan{match: match, limit: limit}
	cursor := r.view(v).Cursor()
	for era := range eras(cursor, 0) {
		if err := s.pass(cursor, era, prefix); err != nil {
			return nil, err
		}
	}
	return s.result(), nil
}

// scan collects the numbers of keys that match.
type scan struct {
	match func(key []byte) bool
	limit *deadline
	found list
}

// pass passes the keys that begin with a prefix, in one part of a view.
func (s *scan) pass(cursor *bolt.Cursor, part, prefix []byte) error {
	whole := slices.Concat(part, prefix)
	for key, value := cursor.Seek(whole); key != nil && bytes.HasPrefix(key, whole); key, value = cursor.Next() {
		if s.limit.passed() {
			return errTooBroad
		}
		if s.match != nil && !s.match(key[len(part):]) {
			continue
		}
		if len(value) != 8 {
			return errDamaged
		}
		s.found = append(s.found, binary.BigEndian.Uint64(value))
	}
	return nil
}

func (s *scan) result() list {
	slices.Sort(s.found)
	return slices.Compact(s.found)
}

// keyContains matches keys of licenseByKey, without their era, by their license key.
func keyContains(text string) func(key []byte) bool {
	match := containsFold(text)
	return func(key []byte) bool {
		if end := bytes.IndexByte(key, 0); end >= 0 {
			key = key[:end]
		}
		return match(key)
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

package projector

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"unicode/utf8"
)

// scan passes all keys of a view of names that begin with a prefix, and gives
// the numbers of those that match (nil: of all). Exceeding the limit is errTooBroad.
func (r reader) scan(v view, prefix []byte, match func(key []byte) bool, limit *deadline) (list, error) {
	var found list
	cursor := r.view(v).Cursor()
	for key, value := cursor.Seek(prefix); key != nil && bytes.HasPrefix(key, prefix); key, value = cursor.Next() {
		if limit.passed() {
			return nil, errTooBroad
		}
		if match != nil && !match(key) {
			continue
		}
		if len(value) != 8 {
			return nil, errDamaged
		}
		found = append(found, binary.BigEndian.Uint64(value))
	}
	slices.Sort(found)
	return slices.Compact(found), nil
}

// keyContains matches keys of licenseByKey by their license key.
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

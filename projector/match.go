package projector

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

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

package events

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// scanner reads a JSON text in the form that Append writes: without white space, the members in a fixed
// order. The first difference sets failed, which stays set: what the scanner returned is then useless.
type scanner struct {
	rest   []byte
	texts  strings.Builder // all texts that were read; one allocation for most events
	failed bool
}

// done reports whether the whole text was read without a failure.
func (s *scanner) done() bool { return !s.failed && len(s.rest) == 0 }

// consumeIf removes a text from the front and reports whether it was there.
func (s *scanner) consumeIf(text string) bool {
	end := len(text) - 1 // compared first, because labels differ there most often
	if len(s.rest) <= end || s.rest[end] != text[end] || string(s.rest[:end]) != text[:end] {
		return false
	}
	s.rest = s.rest[len(text):]
	return true
}

// consumeByte is consumeIf for one byte.
func (s *scanner) consumeByte(c byte) bool {
	if len(s.rest) == 0 || s.rest[0] != c {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

// expect removes a text from the front and fails if it is not there.
func (s *scanner) expect(text string) {
	if !s.consumeIf(text) {
		s.failed = true
	}
}

// rawString reads a string without escapes. The result is a part of the input.
func (s *scanner) rawString() []byte {
	if s.consumeByte('"') {
		if i := plainPrefix(s.rest, 0); i < len(s.rest) && s.rest[i] == '"' {
			name := s.rest[:i]
			s.rest = s.rest[i+1:]
			return name
		}
	}
	s.failed = true
	return nil
}

// text reads a string and copies it to texts.
func (s *scanner) text() string {
	s.expect(`"`)
	start := s.texts.Len()
	for !s.failed {
		i := plainPrefix(s.rest, 0)
		s.texts.Write(s.rest[:i])
		s.rest = s.rest[i:]
		if s.consumeByte('"') {
			return s.texts.String()[start:]
		}
		s.unescape()
	}
	return ""
}

// unescape reads one escaped character. It fails on those that take two escapes, beyond U+FFFF.
func (s *scanner) unescape() {
	s.expect(`\`)
	if s.failed || len(s.rest) == 0 {
		s.failed = true
		return
	}
	c := s.rest[0]
	s.rest = s.rest[1:]
	if i := strings.IndexByte(`"\/bfnrt`, c); i >= 0 {
		s.texts.WriteByte("\"\\/\b\f\n\r\t"[i])
		return
	}
	if c != 'u' || len(s.rest) < 4 {
		s.failed = true
		return
	}
	code, err := strconv.ParseUint(string(s.rest[:4]), 16, 16)
	if err != nil || !utf8.ValidRune(rune(code)) {
		s.failed = true
		return
	}
	s.texts.WriteRune(rune(code))
	s.rest = s.rest[4:]
}

// bool reads true or false.
func (s *scanner) bool() *bool {
	if s.consumeIf(`true`) {
		return &trueValue
	}
	s.expect(`false`)
	return &falseValue
}

// int reads a number from 0 to MaxInt.
func (s *scanner) int() int {
	n := s.uint()
	if n > MaxInt {
		s.failed = true
	}
	return int(n)
}

// uint reads a whole number of at most 18 digits, which cannot overflow.
func (s *scanner) uint() uint64 {
	var n uint64
	end := 0
	for end < len(s.rest) && s.rest[end]-'0' <= 9 {
		n = 10*n + uint64(s.rest[end]-'0')
		end++
	}
	if end == 0 || end > 18 || s.rest[0] == '0' && end > 1 {
		s.failed = true
		return 0
	}
	s.rest = s.rest[end:]
	return n
}

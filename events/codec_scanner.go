package events

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// reader takes apart a JSON text in the form in which Append writes it: without
// white space, the members in their order. It fails on everything else and for
// good; what it gave is worth nothing then.
type scanner struct {
	rest   []byte
	texts  strings.Builder // all texts that were read: one allocation for most events
	failed bool
}

// ended tells whether all was read without fail.
func (r *scanner) done() bool { return !r.failed && len(r.rest) == 0 }

// follows takes a text off the front if it is there.
func (r *scanner) consumeIf(text string) bool {
	end := len(text) - 1 // differs most often
	if len(r.rest) <= end || r.rest[end] != text[end] || string(r.rest[:end]) != text[:end] {
		return false
	}
	r.rest = r.rest[len(text):]
	return true
}

// mark is follows for one character.
func (r *scanner) consumeByte(c byte) bool {
	if len(r.rest) == 0 || r.rest[0] != c {
		return false
	}
	r.rest = r.rest[1:]
	return true
}

// skip takes a text off the front that must be there.
func (r *scanner) expect(text string) {
	if !r.consumeIf(text) {
		r.failed = true
	}
}

// name reads a string without escapes. It is a part of the text that is read.
func (r *scanner) rawString() []byte {
	if r.consumeByte('"') {
		if i := plainPrefix(r.rest, 0); i < len(r.rest) && r.rest[i] == '"' {
			name := r.rest[:i]
			r.rest = r.rest[i+1:]
			return name
		}
	}
	r.failed = true
	return nil
}

// text reads a string and keeps it.
func (r *scanner) text() string {
	r.expect(`"`)
	start := r.texts.Len()
	for !r.failed {
		i := plainPrefix(r.rest, 0)
		r.texts.Write(r.rest[:i])
		r.rest = r.rest[i:]
		if r.consumeByte('"') {
			return r.texts.String()[start:]
		}
		r.unescape()
	}
	return ""
}

// unescape reads one escaped character, but for those that take two escapes.
func (r *scanner) unescape() {
	r.expect(`\`)
	if r.failed || len(r.rest) == 0 {
		r.failed = true
		return
	}
	c := r.rest[0]
	r.rest = r.rest[1:]
	if i := strings.IndexByte(`"\/bfnrt`, c); i >= 0 {
		r.texts.WriteByte("\"\\/\b\f\n\r\t"[i])
		return
	}
	if c != 'u' || len(r.rest) < 4 {
		r.failed = true
		return
	}
	code, err := strconv.ParseUint(string(r.rest[:4]), 16, 16)
	if err != nil || !utf8.ValidRune(rune(code)) {
		r.failed = true
		return
	}
	r.texts.WriteRune(rune(code))
	r.rest = r.rest[4:]
}

// flag reads a bool.
func (r *scanner) bool() *bool {
	if r.consumeIf(`true`) {
		return &trueValue
	}
	r.expect(`false`)
	return &falseValue
}

// int reads a number that a column may have.
func (r *scanner) int() int {
	n := r.uint()
	if n > MaxInt {
		r.failed = true
	}
	return int(n)
}

// number reads a whole number of at most 18 digits.
func (r *scanner) uint() uint64 {
	var n uint64
	end := 0
	for end < len(r.rest) && r.rest[end]-'0' <= 9 {
		n = 10*n + uint64(r.rest[end]-'0')
		end++
	}
	if end == 0 || end > 18 || r.rest[0] == '0' && end > 1 {
		r.failed = true
		return 0
	}
	r.rest = r.rest[end:]
	return n
}

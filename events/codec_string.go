package events

import (
	"math/bits"
	"unicode/utf8"
)

// JSON strings. Nearly all texts need no escape, which plainPrefix finds out eight bytes at a time (SWAR).

const (
	eachLow  = 0x0101010101010101 // the lowest bit of each byte
	eachHigh = 0x8080808080808080 // the highest one
)

// endMarks sets the high bit of each byte that ends a plain text: a quote, a backslash or a control
// character. The lowest mark is exact; marks above it may be false.
func endMarks(word uint64) uint64 {
	quote, backslash := word^eachLow*'"', word^eachLow*'\\'
	return ((word-eachLow*' ')&^word | (quote-eachLow)&^quote | (backslash-eachLow)&^backslash) & eachHigh
}

// plainPrefix is the length of the plain text at the beginning of s. A byte that has a bit of also ends the
// plain text, too.
func plainPrefix[T string | []byte](s T, also uint64) int {
	i := 0
	for ; i+8 <= len(s); i += 8 {
		eight := word(s[i:])
		if marks := endMarks(eight) | eight&also; marks != 0 {
			return i + bits.TrailingZeros64(marks)/8
		}
	}
	for ; i < len(s); i++ {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c&byte(also) != 0 {
			break
		}
	}
	return i
}

// word is the first eight bytes of s, little-endian.
func word[T string | []byte](s T) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// appendString appends a JSON string. Bytes that are not UTF-8 become U+FFFD; internal/csvfile has checked
// a row's values before.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	if plainPrefix(s, eachHigh) < len(s) { // it is not all plain ASCII
		b, s = appendEscaped(b, s), ""
	}
	return append(append(b, s...), '"')
}

// appendEscaped appends any text, without the quotes around it.
func appendEscaped(b []byte, s string) []byte {
	if !utf8.ValidString(s) {
		s = string([]rune(s))
	}
	for i := plainPrefix(s, 0); i < len(s); i = plainPrefix(s, 0) {
		b = appendEscape(append(b, s[:i]...), s[i])
		s = s[i+1:]
	}
	return append(b, s...)
}

const lowerHex = "0123456789abcdef"

func appendEscape(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\n':
		return append(b, '\\', 'n')
	case '\r':
		return append(b, '\\', 'r')
	case '\t':
		return append(b, '\\', 't')
	default:
		return append(b, '\\', 'u', '0', '0', lowerHex[c>>4], lowerHex[c&15])
	}
}

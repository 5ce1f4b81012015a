package workbook

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// unescapeText replaces _xHHHH_, which stands for a character that XML cannot hold, or for a _ that
// begins such a sequence. It works in place.
func unescapeText(text []byte) []byte {
	i := bytes.Index(text, []byte("_x"))
	if i < 0 {
		return text
	}
	plain := text[:i]
	for rest := text[i:]; len(rest) > 0; {
		unit, ok := escapedUnit(rest)
		if !ok {
			plain = append(plain, rest[0])
			rest = rest[1:]
			continue
		}
		rest = rest[escapeLen:]
		if utf16.IsSurrogate(unit) {
			if low, ok := escapedUnit(rest); ok && utf16.DecodeRune(unit, low) != utf8.RuneError {
				unit = utf16.DecodeRune(unit, low)
				rest = rest[escapeLen:]
			}
		}
		plain = utf8.AppendRune(plain, unit) // half a pair becomes U+FFFD
	}
	return plain
}

// escapeLen is the length of _xHHHH_.
const escapeLen = 7

// escapedUnit reads _xHHHH_ at the beginning of a text.
func escapedUnit(text []byte) (unit rune, ok bool) {
	if len(text) < escapeLen || text[0] != '_' || text[1] != 'x' || text[6] != '_' {
		return 0, false
	}
	for _, c := range text[2:6] {
		switch {
		case '0' <= c && c <= '9':
			unit = unit<<4 | rune(c-'0')
		case 'a' <= c && c <= 'f':
			unit = unit<<4 | rune(c-'a'+10)
		case 'A' <= c && c <= 'F':
			unit = unit<<4 | rune(c-'A'+10)
		default:
			return 0, false
		}
	}
	return unit, true
}

// appendText appends a text as the content of an element: XML's references, and _xHHHH_ for what XML
// cannot hold or a reader would change.
func appendText(dst []byte, text string) []byte {
	for i, c := range text {
		switch {
		case c == '&':
			dst = append(dst, "&amp;"...)
		case c == '<':
			dst = append(dst, "&lt;"...)
		case c == '>':
			dst = append(dst, "&gt;"...)
		case c == '"':
			dst = append(dst, "&quot;"...)
		case c == '\r' || !isXMLChar(c):
			dst = appendUnit(dst, c)
		case c == '_':
			if beginsEscape(text[i:]) {
				dst = appendUnit(dst, c)
			} else {
				dst = append(dst, '_')
			}
		default:
			dst = utf8.AppendRune(dst, c)
		}
	}
	return dst
}

// beginsEscape reports whether a reader may take what is written of a text for _xHHHH_. The last _ may be
// that of a character which is written so itself.
func beginsEscape(text string) bool {
	if len(text) < escapeLen-1 {
		return false
	}
	_, ok := escapedUnit(append([]byte(text[:escapeLen-1]), '_'))
	return ok
}

func appendUnit(dst []byte, c rune) []byte {
	const hex = "0123456789ABCDEF"
	return append(dst, '_', 'x', hex[c>>12&15], hex[c>>8&15], hex[c>>4&15], hex[c&15], '_')
}

package csvfile

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// AppendRecord appends one CSV record with its CRLF to dst. Fields are quoted where they must be: for the delimiter, a
// quote or a line break in them, and for white space at either end, which some programs would take off. A record of one
// empty field is "", to differ from a blank line.
func AppendRecord(dst []byte, delimiter byte, fields ...string) []byte {
	if len(fields) == 1 && fields[0] == "" {
		return append(dst, "\"\"\r\n"...)
	}
	for i, field := range fields {
		if i > 0 {
			dst = append(dst, delimiter)
		}
		dst = appendField(dst, delimiter, field)
	}
	return append(dst, "\r\n"...)
}

func appendField(dst []byte, delimiter byte, field string) []byte {
	if !needsQuotes(field, delimiter) {
		return append(dst, field...)
	}
	dst = append(dst, '"')
	for {
		i := strings.IndexByte(field, '"')
		if i < 0 {
			break
		}
		dst = append(append(dst, field[:i]...), `""`...)
		field = field[i+1:]
	}
	return append(append(dst, field...), '"')
}

func needsQuotes(field string, delimiter byte) bool {
	for i := range len(field) {
		switch c := field[i]; c {
		case delimiter, '"', '\r', '\n':
			return true
		}
	}
	first, _ := utf8.DecodeRuneInString(field)
	last, _ := utf8.DecodeLastRuneInString(field)
	return unicode.IsSpace(first) || unicode.IsSpace(last)
}

package workbook

import (
	"bytes"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// syntaxError says that a part is no XML.
type syntaxError struct{ message string }

func (e *syntaxError) Error() string { return "the XML is damaged: " + e.message }

func damagedXML(format string, args ...any) error {
	return &syntaxError{fmt.Sprintf(format, args...)}
}

// isPlain reports whether a text stands for itself: no reference, no CR, nothing to be checked.
func isPlain(text []byte) bool {
	for _, c := range text {
		if c == '&' || c == '\r' || c >= utf8.RuneSelf || c == ']' || c < ' ' && c != '\t' && c != '\n' {
			return false
		}
	}
	return true
}

// appendUnescaped appends a text with its references replaced and its line ends as LF.
func appendUnescaped(dst, text []byte, references bool) ([]byte, error) {
	for len(text) > 0 {
		c := text[0]
		switch {
		case c == '\r':
			dst = append(dst, '\n')
			text = text[1:]
			if len(text) > 0 && text[0] == '\n' {
				text = text[1:]
			}
		case c == '&' && references:
			char, n, err := reference(text)
			if err != nil {
				return nil, err
			}
			dst = utf8.AppendRune(dst, char)
			text = text[n:]
		case c == ']' && references && bytes.HasPrefix(text, []byte("]]>")):
			return nil, damagedXML("it has ]]> outside of a CDATA section")
		default:
			char, n := utf8.DecodeRune(text)
			if char == utf8.RuneError && n == 1 || !isXMLChar(char) {
				return nil, damagedXML("it has a character that XML does not allow")
			}
			dst = append(dst, text[:n]...)
			text = text[n:]
		}
	}
	return dst, nil
}

var entities = map[string]rune{"lt": '<', "gt": '>', "amp": '&', "apos": '\'', "quot": '"'}

// reference reads &name; or &#number; and returns its length.
func reference(text []byte) (rune, int, error) {
	end := bytes.IndexByte(text, ';')
	if end < 2 {
		return 0, 0, damagedXML("it has an & without a name")
	}
	name := string(text[1:end])
	if name[0] != '#' {
		char, known := entities[name]
		if !known {
			return 0, 0, damagedXML("the entity %q is not one of XML's", excerpt([]byte(name)))
		}
		return char, end + 1, nil
	}
	digits, base := name[1:], 10
	if len(digits) > 0 && digits[0] == 'x' {
		digits, base = digits[1:], 16
	}
	n, err := strconv.ParseUint(digits, base, 32)
	if err != nil || n > utf8.MaxRune || !isXMLChar(rune(n)) {
		return 0, 0, damagedXML("the reference %q is no character", excerpt([]byte(name)))
	}
	return rune(n), end + 1, nil
}

// isXMLChar is the production Char of XML 1.0.
func isXMLChar(c rune) bool {
	return c == '\t' || c == '\n' || c == '\r' || c >= 0x20 && c <= 0xD7FF || c >= 0xE000 && c <= 0xFFFD || c >= 0x10000
}

func nameLen(s []byte) int {
	for i, c := range s {
		switch c {
		case ' ', '\t', '\r', '\n', '=', '/', '>', '"', '\'', '<', '&':
			return i
		}
	}
	return len(s)
}

// local is a name without its prefix. Producers choose their prefixes; no two of a workbook's elements
// differ by the namespace only.
func local(name []byte) []byte { return name[bytes.IndexByte(name, ':')+1:] }

func excerpt(s []byte) []byte { return s[:min(len(s), 40)] }

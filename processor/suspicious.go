package processor

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// hasInvisible reports whether a value that names something holds a character that nobody sees: a
// format, control or unassigned character, or a filler (Unicode's Other_Default_Ignorable_Code_Point).
// Two values that look alike may then differ.
func hasInvisible(value string) bool {
	for _, r := range value {
		if r < utf8.RuneSelf {
			if r < ' ' || r == 0x7f {
				return true
			}
		} else if isInvisible(r) {
			return true
		}
	}
	return false
}

func isInvisible(r rune) bool {
	return unicode.In(r, unicode.Cf, unicode.Cc, unicode.Other_Default_Ignorable_Code_Point) ||
		!unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Z, unicode.Co)
}

// scientific is a number as a spreadsheet shows a long one: 1.23E+11, 5,12154E+18. The exponent has a
// sign or the mantissa a decimal separator: keys such as 1E5 and 12E4567 are not meant.
var scientific = regexp.MustCompile(`^[+-]?([0-9][Ee][+-][0-9]{1,3}|[0-9]{1,3}[.,][0-9]+[Ee][+-]?[0-9]{1,3})$`)

// spreadsheetDigits are the digits of a number that a spreadsheet keeps. It replaces those after them
// by zeros.
const spreadsheetDigits = 15

// isNumberLike reports whether a key looks like a number that a spreadsheet has made of another key.
func isNumberLike(key string) bool {
	if rest := strings.TrimLeft(key, "0123456789"); rest != "" {
		return strings.ContainsAny(rest, "Ee") && scientific.MatchString(key)
	}
	return len(key) > spreadsheetDigits && key[0] != '0' && strings.Trim(key[spreadsheetDigits:], "0") == ""
}

package workbook

import (
	"strings"
	"unicode/utf8"
)

// numberFormat is what a cell's number format says about how its number is read.
type numberFormat struct {
	date   bool   // it shows a day
	time   bool   // it shows a time of day
	digits string // it fills a whole number up with zeros: 00000, 000-00-0000, "K-"0000; see digitsOf. Empty: it does not
}

// builtinFormat returns the format of an id that a workbook does not define. Those of 27 to 36 and 50 to
// 58 are dates in the East Asian versions of Excel.
func builtinFormat(id int) numberFormat {
	switch {
	case 14 <= id && id <= 17, 27 <= id && id <= 31, id == 36, 50 <= id && id <= 54, id == 57, id == 58:
		return numberFormat{date: true}
	case id == 22:
		return numberFormat{date: true, time: true}
	case 18 <= id && id <= 21, 32 <= id && id <= 35, 45 <= id && id <= 47, id == 55, id == 56:
		return numberFormat{time: true}
	}
	return numberFormat{}
}

// parseNumberFormat reads a format code. Its first section counts, which is the one of positive numbers.
func parseNumberFormat(code string) numberFormat {
	section := firstSection(code)
	letters := formatLetters(section)
	f := numberFormat{
		date: strings.ContainsAny(letters, "ydge") || strings.Contains(letters, "mmm"),
		time: strings.ContainsAny(letters, "hs"),
	}
	if strings.Contains(letters, "m") && !f.time {
		f.date = true // without hours and seconds m is a month
	}
	if strings.ContainsAny(letters, "0#?") && !f.time { // 0.00E+00, and the decimals of seconds
		f.date = false
	}
	if !f.date && !f.time {
		f.digits = digitsOf(section)
	}
	return f
}

// firstSection is a code up to its first semicolon outside of quotes.
func firstSection(code string) string {
	quoted := false
	for i := 0; i < len(code); i++ {
		switch c := code[i]; {
		case c == '"':
			quoted = !quoted
		case c == '\\' && !quoted:
			i++
		case c == ';' && !quoted:
			return code[:i]
		}
	}
	return code
}

// formatLetters is a section in lower case without what it shows as it is: quoted text, escaped
// characters, and [Red], [$€-407] or [>9]. The elapsed times [h], [mm] and [ss] stay.
func formatLetters(section string) string {
	section = strings.ReplaceAll(strings.ToLower(section), "general", "")
	var letters strings.Builder
	for i := 0; i < len(section); i++ {
		switch c := section[i]; c {
		case '"':
			i = skipTo(section, i+1, '"')
		case '\\', '_', '*':
			i++
		case '[':
			end := skipTo(section, i+1, ']')
			if inside := section[i+1 : min(end, len(section))]; strings.Trim(inside, "hms") == "" {
				letters.WriteString(inside)
			}
			i = end
		default:
			letters.WriteByte(c)
		}
	}
	return strings.NewReplacer("am/pm", "h", "a/p", "h").Replace(letters.String())
}

func skipTo(s string, from int, end byte) int {
	if i := strings.IndexByte(s[min(from, len(s)):], end); i >= 0 {
		return from + i
	}
	return len(s)
}

// digitPlace stands for a digit in what digitsOf returns. No text of a workbook has it.
const digitPlace = '\x00'

// digitsOf returns a section that fills a number up with zeros, as text with its places: it has two or more 0, and
// else only hyphens, spaces and texts in quotes or behind a backslash. Empty: it is another one. A single 0 beside a
// text is a unit: 0" seats".
func digitsOf(section string) string {
	var b strings.Builder
	for i := 0; i < len(section) && len(section) <= 64; i++ {
		switch c := section[i]; c {
		case '0':
			b.WriteByte(digitPlace)
		case '-', ' ':
			b.WriteByte(c)
		case '\\':
			_, size := utf8.DecodeRuneInString(section[i+1:])
			b.WriteString(section[i+1 : i+1+size])
			i += size
		case '"':
			end := skipTo(section, i+1, '"')
			b.WriteString(section[i+1 : end])
			i = end
		default:
			return ""
		}
	}
	if strings.Count(b.String(), string(digitPlace)) < 2 {
		return ""
	}
	return b.String()
}

// fill writes a whole number's digits in the places of a format. Those of a number with more stand before the others.
func fill(format, digits string) string {
	places := strings.Count(format, string(digitPlace))
	if len(digits) < places {
		digits = strings.Repeat("0", places-len(digits)) + digits
	}
	var filled strings.Builder
	for i := range len(format) {
		if format[i] != digitPlace {
			filled.WriteByte(format[i])
			continue
		}
		n := len(digits) - places + 1
		filled.WriteString(digits[:n])
		digits = digits[n:]
		places--
	}
	return filled.String()
}

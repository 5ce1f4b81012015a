package events

import (
	"net/mail"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// ColumnType says how a column's values are parsed.
type ColumnType string

// The column types. A value that breaks its type's rule is rejected with a code of error_codes.go.
const (
	Text     ColumnType = "text"     // up to Column.Max characters
	Email    ColumnType = "email"    // one bare address with a domain
	Bool     ColumnType = "bool"     // true, false, 1, 0, yes, no in any case
	Int      ColumnType = "int"      // from 0 to MaxInt
	Date     ColumnType = "date"     // YYYY-MM-DD; a time of day after it is dropped
	Duration ColumnType = "duration" // <n>d, <n>m or <n>y, n from 1 to MaxDuration
	Enum     ColumnType = "enum"     // one of Column.Choices, in any case
)

// The largest values.
const (
	MaxInt      = 1<<31 - 1 // of an Int
	MaxDuration = 36500     // of a Duration: days, months or years
)

// parseText parses a value of a type that is stored as text, and returns its canonical form.
func (c *Column) parseText(value string) (string, Code) {
	switch c.Type {
	case Email:
		return value, checkEmail(value, c.Limit())
	case Date:
		return parseDate(value)
	case Duration:
		return parseDuration(value)
	case Enum:
		return c.parseChoice(value)
	default:
		code := checkText(value, c.Limit())
		if code == "" && c.MaxToken > 0 && tokenLen(value) > c.MaxToken {
			code = TooLong
		}
		return value, code
	}
}

// spreadsheetErrors are what a spreadsheet shows in a cell whose formula it could not compute. A file of
// such cells has lost the values.
var spreadsheetErrors = [...]string{"#REF!", "#N/A", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!"}

func isSpreadsheetError(value string) bool {
	value = strings.TrimSpace(value) // that of a Verbatim column is not cleaned
	return value != "" && value[0] == '#' && slices.Contains(spreadsheetErrors[:], value)
}

func checkText(value string, limit int) Code {
	for i := range len(value) {
		if c := value[i]; c < ' ' && c != '\t' && c != '\r' && c != '\n' || c == 0x7f {
			return ControlCharacter
		}
	}
	if len(value) > limit && utf8.RuneCountInString(value) > limit {
		return TooLong
	}
	return ""
}

// checkEmail accepts one bare address with a domain of at least two labels.
func checkEmail(value string, limit int) Code {
	if len(value) > limit && utf8.RuneCountInString(value) > limit {
		return TooLong
	}
	at := strings.LastIndexByte(value, '@')
	if at < 1 || !isDomain(value[at+1:]) {
		return InvalidEmail
	}
	if isDotAtom(value[:at]) {
		return ""
	}
	if strings.ContainsFunc(value[:at], isForeignSpace) {
		return InvalidEmail
	}
	// Quoted local parts and other scripts are rare: the standard library parses them.
	address, err := mail.ParseAddress(value)
	if err != nil || address.Name != "" || address.String() != "<"+value+">" {
		return InvalidEmail // or it has more than a bare address
	}
	return ""
}

// isForeignSpace accepts space outside of ASCII, as a paste from a web page has it. (Space that takes no room is warned
// of.)
func isForeignSpace(r rune) bool { return r >= utf8.RuneSelf && unicode.IsSpace(r) }

// isDotAtom reports whether a local part is an ASCII dot-atom of RFC 5322: words of atext with single dots
// between them.
func isDotAtom(s string) bool {
	for word := range strings.SplitSeq(s, ".") {
		if word == "" {
			return false
		}
		for i := range len(word) {
			if !isAlphanumeric(word[i]) && strings.IndexByte("!#$%&'*+-/=?^_`{|}~", word[i]) < 0 {
				return false
			}
		}
	}
	return true
}

// isDomain reports whether s is at least two labels of letters (of any script), digits and inner hyphens.
func isDomain(s string) bool {
	labels := 0
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63*4 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, r := range label {
			if !isDomainRune(r) {
				return false
			}
		}
		labels++
	}
	return labels >= 2
}

// isDomainRune accepts letters, marks and digits, and the joiners and middle dots that some scripts need
// (RFC 5892, appendix A).
func isDomainRune(r rune) bool {
	if r < utf8.RuneSelf {
		return isAlphanumeric(byte(r)) || r == '-'
	}
	return unicode.In(r, unicode.L, unicode.M, unicode.N) || strings.ContainsRune("\u200c\u200d\u00b7\u30fb", r)
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// All bools of records and events point to these two, so a bool costs no allocation.
var trueValue, falseValue = true, false

func parseBool(value string) (*bool, Code) {
	switch strings.ToLower(value) {
	case "true", "1", "yes":
		return &trueValue, ""
	case "false", "0", "no":
		return &falseValue, ""
	}
	return nil, InvalidBool
}

// smallInts are the numbers that most ints of records and events point to. Nothing writes through these
// pointers.
var smallInts = func() (numbers [1 << 10]int) {
	for i := range numbers {
		numbers[i] = i
	}
	return numbers
}()

// intern returns a pointer to n, without an allocation if n is small.
func intern(n int) *int {
	if n >= 0 && n < len(smallInts) {
		return &smallInts[n]
	}
	large := n // a copy, so that n itself does not escape to the heap
	return &large
}

func parseInt(value string) (int, Code) {
	digits := strings.TrimPrefix(value, "-")
	if !isDigits(digits) {
		return 0, InvalidInt
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n < 0 || n > MaxInt {
		return 0, OutOfRange
	}
	return int(n), ""
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

const (
	hourMinute = `([01][0-9]|2[0-3]):[0-5][0-9]`
	clock      = hourMinute + `:[0-5][0-9]`
)

// afterDate is the time of day that may follow a date: after a space, or as in RFC 3339. time.Parse would
// also accept hours of one digit and a decimal comma.
var afterDate = regexp.MustCompile(`^( ` + clock + `|[Tt]` + clock + `(\.[0-9]+)?([Zz]|[+-]` + hourMinute + `))$`)

// parseDate accepts a date alone or with a time of day, and returns the date as written: it does not
// convert time zones.
func parseDate(value string) (string, Code) {
	date := value[:min(len(value), len(time.DateOnly))]
	if _, err := time.Parse(time.DateOnly, date); err != nil {
		return "", InvalidDate
	}
	if rest := value[len(date):]; rest != "" && !afterDate.MatchString(rest) {
		return "", InvalidDate
	}
	return date, ""
}

func parseDuration(value string) (string, Code) {
	if value == "" {
		return "", InvalidDuration
	}
	digits, unit := value[:len(value)-1], value[len(value)-1]
	if !isDigits(digits) || unit != 'd' && unit != 'm' && unit != 'y' {
		return "", InvalidDuration
	}
	n, err := strconv.Atoi(digits)
	if err != nil || n < 1 || n > MaxDuration {
		return "", OutOfRange
	}
	return strings.TrimLeft(value, "0"), ""
}

// spellings are misspelt choices of other vendors' exports, and what they mean.
var spellings = map[string]string{"annualy": "annually"}

func (c *Column) parseChoice(value string) (string, Code) {
	lower := strings.ToLower(value)
	if right, ok := spellings[lower]; ok {
		lower = right
	}
	for _, choice := range c.Choices {
		if lower == choice {
			return choice, ""
		}
	}
	return "", InvalidChoice
}

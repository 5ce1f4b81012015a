package events

import (
	"net/mail"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Kind is what a column's values are.
type ColumnType string

// The kinds.
const (
	Text     ColumnType = "text"
	Email    ColumnType = "email"
	Bool     ColumnType = "bool"
	Int      ColumnType = "int"
	Date     ColumnType = "date"
	Duration ColumnType = "duration"
	Enum     ColumnType = "enum"
)

const (
	MaxInt      = 1<<31 - 1
	MaxDuration = 36500
)

// parseText reads every kind that is kept as a text, in its canonical form.
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
		return value, checkText(value, c.Limit())
	}
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

// checkEmail takes one bare address with a domain of at least two labels.
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
	// Quoted local parts and other scripts: rare, so the slow and exact way.
	address, err := mail.ParseAddress(value)
	if err != nil || address.Name != "" || address.String() != "<"+value+">" {
		return InvalidEmail // or it is written with more than a bare address
	}
	return ""
}

// isDotAtom tells whether a local part is of plain ASCII: words of RFC 5322
// "atext" with single dots between them.
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

// isDomain tells whether s is at least two labels of letters (of any script),
// digits and inner hyphens.
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

// isDomainRune takes, beside letters, marks and digits, the joiners and middle
// dots that some scripts cannot do without (RFC 5892).
func isDomainRune(r rune) bool {
	if r < utf8.RuneSelf {
		return isAlphanumeric(byte(r)) || r == '-'
	}
	return unicode.In(r, unicode.L, unicode.M, unicode.N) || strings.ContainsRune("\u200c\u200d\u00b7\u30fb", r)
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// The two values that all given bools point to.
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

// small are the numbers that most given ints point to; nobody writes through
// the pointers of a record or an event.
var smallInts = func() (numbers [1 << 10]int) {
	for i := range numbers {
		numbers[i] = i
	}
	return numbers
}()

// share points to a number of that value.
func intern(n int) *int {
	if n >= 0 && n < len(smallInts) {
		return &smallInts[n]
	}
	own := n // or n were allocated in any case
	return &own
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

// afterDate is the time of day that may follow a date, after a blank or as in
// RFC 3339. (time.Parse is laxer: it takes hours of one digit and a comma.)
var afterDate = regexp.MustCompile(`^( ` + clock + `|[Tt]` + clock + `(\.[0-9]+)?([Zz]|[+-]` + hourMinute + `))$`)

// parseDate takes the three ways in which a date may be written and keeps only
// the date, as it stands there: a time zone moves nothing.
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

// misspelt are spellings from elsewhere that are read as what they mean.
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

package events

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Code names one thing that is wrong with a row, for programs.
type Code string

// The codes of a rejected row. Each has its sentence in the table rejections.
const (
	Required         Code = "required"
	TooLong          Code = "too_long"
	InvalidEmail     Code = "invalid_email"
	InvalidBool      Code = "invalid_bool"
	InvalidInt       Code = "invalid_int"
	OutOfRange       Code = "out_of_range"
	InvalidDate      Code = "invalid_date"
	InvalidDuration  Code = "invalid_duration"
	InvalidChoice    Code = "invalid_choice"
	InvalidEncoding  Code = "invalid_encoding"
	ControlCharacter Code = "control_character"
	Conflict         Code = "conflict"
	UnknownProduct   Code = "unknown_product"
	NoAccess         Code = "no_access"
	FieldCount       Code = "field_count"
	MalformedRow     Code = "malformed_row"
	RowTooLarge      Code = "row_too_large"
	SpreadsheetError Code = "spreadsheet_error"
	UnknownLicense   Code = "unknown_license"
	AmbiguousLicense Code = "ambiguous_license"
	UnknownFeature   Code = "unknown_feature"
)

// rejections has one row for each code: the sentence that a user reads, without its beginning, the
// column's name. {length}, {range} and {choices} stand for what the column permits. The sentences of
// the last group are general ones: internal/csvfile, which finds these errors, says where and what to
// do in RowReceived.malformed.message.
var rejections = [...]struct {
	code     Code
	sentence string
}{
	{Required, "must not be empty"},
	{TooLong, "must be at most {length} characters long"},
	{InvalidEmail, "must be one e-mail address such as name@example.com"},
	{InvalidBool, "must be true or false (1, 0, yes and no are read as well)"},
	{InvalidInt, "must {range}"},
	{OutOfRange, "must {range}"},
	{InvalidDate, "must be a date that exists, written YYYY-MM-DD"},
	{InvalidDuration, "must be a number followed by d, m or y (days, months, years), such as 30d or 1y"},
	{InvalidChoice, "must be one of: {choices}"},
	{InvalidEncoding, "has bytes that are not valid UTF-8: save the file as CSV UTF-8"},
	{ControlCharacter, "must not hold control characters: remove them"},
	{Conflict, "must not be given together with license__valid_duration: keep one of them"},
	{UnknownProduct, "is not in the product catalogue: add the product or fix the short code"},
	{NoAccess, "is a product that this key may not import for"},
	{SpreadsheetError, "is an error that a spreadsheet shows in place of a value: fix the formula there, or paste the value itself"},
	{UnknownLicense, "is the key of no license that exists: import the license first, or correct the key"},
	{AmbiguousLicense, "is a license of several products: name the product in product__short_code"},
	{UnknownFeature, "is not a feature that the catalogue lists for the product: correct the code, or add the feature there"},

	{FieldCount, "has too few or too many fields"},
	{MalformedRow, "has quotes that are not as RFC 4180 wants them"},
	{RowTooLarge, "is longer than the limit for one row"},
}

// Codes lists all codes of rejected rows, in the order of the table.
var Codes = func() []Code {
	codes := make([]Code, len(rejections))
	for i, r := range rejections {
		codes[i] = r.code
	}
	return codes
}()

// message is the sentence of a code at this column, without the column's name at its beginning.
func (c *Column) message(code Code, value string) string {
	if code == TooLong && c.MaxToken > 0 && utf8.RuneCountInString(value) <= c.Limit() {
		return fmt.Sprintf("must be at most %d bytes long as a subject token, in which a byte other than A-Z a-z 0-9 - _ takes three", c.MaxToken)
	}
	for i := range rejections {
		if rejections[i].code == code {
			return c.fillIn(rejections[i].sentence)
		}
	}
	return "is not valid" // events/internal/gen has the test that no code comes here
}

// fillIn puts what the column permits into a sentence.
func (c *Column) fillIn(sentence string) string {
	before, rest, ok := strings.Cut(sentence, "{")
	if !ok {
		return sentence
	}
	name, after, _ := strings.Cut(rest, "}")
	switch name {
	case "length":
		return fmt.Sprint(before, c.Limit(), after)
	case "range":
		return before + c.rangeInWords() + after
	default:
		return before + strings.Join(c.Choices, ", ") + after
	}
}

func (c *Column) rangeInWords() string {
	if c.Type == Duration {
		return fmt.Sprintf("count from 1 to %d days, months or years", MaxDuration)
	}
	return fmt.Sprintf("be a whole number from 0 to %d", MaxInt)
}

// MaxErrorValue bounds FieldError.Value, in characters (Unicode code points).
const MaxErrorValue = 256

// FieldError says what is wrong with one value of a row, and what to do.
type FieldError struct {
	// Column is empty where the row as a whole is wrong.
	Column string `json:"column"`
	// Header is the file's own header of the column. Empty: it is the column's name.
	Header  string `json:"header,omitempty"`
	Code    Code   `json:"code"`
	Message string `json:"message"` // begins in lower case: it follows the column's name
	Value   string `json:"value"`   // as sent, at most MaxErrorValue characters
}

// Excerpt is the first n characters (Unicode code points) of a text.
func Excerpt(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

package events

// Code names one thing that is wrong with a row, for programs.
type Code string

// The codes of a rejected row.
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
)

// Codes lists all codes of rejected rows.
var Codes = []Code{
	Required, TooLong, InvalidEmail, InvalidBool, InvalidInt, OutOfRange, InvalidDate, InvalidDuration, InvalidChoice,
	InvalidEncoding, ControlCharacter, Conflict, UnknownProduct, NoAccess, FieldCount, MalformedRow, RowTooLarge,
}

// MaxErrorValue bounds FieldError.Value, in characters (Unicode code points).
const MaxErrorValue = 256

// FieldError says what is wrong with one value of a row, and what to do.
type FieldError struct {
	// Column is empty where the row as a whole is wrong.
	Column  string `json:"column"`
	Code    Code   `json:"code"`
	Message string `json:"message"` // begins in lower case: it follows the column's name
	Value   string `json:"value"`   // as sent, at most MaxErrorValue characters
}

// WarningCode names one thing that is odd about a valid row, for programs.
type WarningCode string

// The codes of warnings.
const (
	CustomerWithoutEmail  WarningCode = "customer_without_email"
	MaintenanceNotEnabled WarningCode = "maintenance_not_enabled"
	NotATrial             WarningCode = "not_a_trial"
	OveragesNotAllowed    WarningCode = "overages_not_allowed"
	NotFloating           WarningCode = "not_floating"
	ValidityOnPerpetual   WarningCode = "validity_on_perpetual"
)

// Warning tells of a value that has no effect. It never stops a row.
type Warning struct {
	Column string      `json:"column"` // the one whose value has no effect
	Code   WarningCode `json:"code"`
}

// warningMessages are the sentences that a user reads.
var warningMessages = map[WarningCode]string{
	CustomerWithoutEmail:  "the customer has no e-mail address: the values are kept, but no customer is made",
	MaintenanceNotEnabled: "has no effect without license__enable_maintenance_period",
	NotATrial:             "has no effect without license__is_trial",
	OveragesNotAllowed:    "has no effect without license__allow_overages",
	NotFloating:           "has no effect without license__is_floating or license__is_floating_cloud",
	ValidityOnPerpetual:   "a perpetual license has no end: the value is kept",
}

// Message is the sentence that a user reads.
func (w Warning) Message() string { return warningMessages[w.Code] }

// Excerpt is the text cut to its first n characters (Unicode code points).
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

package events

import "strings"

// WarningCode names one thing that is odd in a valid row, for programs.
type WarningCode string

// The codes of warnings. Each has its sentence in warningMessages.
const (
	CustomerWithoutEmail  WarningCode = "customer_without_email"
	MaintenanceNotEnabled WarningCode = "maintenance_not_enabled"
	NotATrial             WarningCode = "not_a_trial"
	OveragesNotAllowed    WarningCode = "overages_not_allowed"
	NotFloating           WarningCode = "not_floating"
	ValidityOnPerpetual   WarningCode = "validity_on_perpetual"
	InvisibleCharacter    WarningCode = "invisible_character"
	NumberLike            WarningCode = "number_like"
	LeadingApostrophe     WarningCode = "leading_apostrophe"
)

// WarningCodes lists all codes of warnings.
var WarningCodes = []WarningCode{CustomerWithoutEmail, MaintenanceNotEnabled, NotATrial, OveragesNotAllowed, NotFloating, ValidityOnPerpetual,
	InvisibleCharacter, NumberLike, LeadingApostrophe}

// Warning tells of a value that has no effect, or that is probably not what was meant. The row is
// imported all the same.
type Warning struct {
	Column string      `json:"column"` // the one whose value is meant
	Code   WarningCode `json:"code"`
	// Value is the column's value as sent, at most its first MaxErrorValue characters. Events of the first
	// version do not have it.
	Value string `json:"value,omitempty"`
}

// warningMessages has one row for each code: the sentence that a user reads, without its beginning,
// the column's name.
var warningMessages = map[WarningCode]string{
	CustomerWithoutEmail:  "the customer has no e-mail address: the values are kept, but no customer is made",
	MaintenanceNotEnabled: "has no effect without license__enable_maintenance_period",
	NotATrial:             "has no effect without license__is_trial",
	OveragesNotAllowed:    "has no effect without license__allow_overages",
	NotFloating:           "has no effect without license__is_floating or license__is_floating_cloud",
	ValidityOnPerpetual:   "a perpetual license has no end: the value is kept",
	InvisibleCharacter:    "holds a character that cannot be seen: the value is kept, and differs from one that looks the same",
	LeadingApostrophe: "begins with ' before a formula, as in a file of rejected rows that has lost its error__ columns: the value is kept; " +
		"if the ' is not meant, upload the file with those columns",
	NumberLike: "looks like a number that a spreadsheet has made of the key: the value is kept; " +
		"if it is wrong, format the column as text and paste the keys again",
}

// Message is the sentence that a user reads.
func (w Warning) Message() string {
	if w.Code == OveragesNotAllowed && !strings.HasPrefix(w.Column, "license__") {
		return "has no effect without allow_overages"
	}
	return warningMessages[w.Code]
}

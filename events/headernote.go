package events

import (
	"fmt"
	"strings"
)

// HeaderNote says in plain words what the column means and what its values are: the note that a workbook has at its
// header.
func (c *Column) HeaderNote() string {
	note := strings.ToUpper(c.Help[:1]) + c.Help[1:] + ".\n" + c.valuesInWords() + "."
	if c.Required {
		note = "Required. " + note
	}
	return note
}

func (c *Column) valuesInWords() string {
	switch c.Type {
	case Bool:
		return "true or false"
	case Int:
		return fmt.Sprintf("A whole number from 0 to %d", MaxInt)
	case Date:
		return "A date, written YYYY-MM-DD"
	case Duration:
		return "A number of days, months or years, such as 90d, 6m or 2y"
	case Enum:
		return "One of: " + strings.Join(c.Choices, ", ")
	case Email:
		return "One e-mail address"
	default:
		return fmt.Sprintf("Text of up to %d characters", c.Limit())
	}
}

// Offered are the values that a form offers for the column, in lower case. nil: any text is possible.
// More may be accepted: see [Bool].
func (c *Column) Offered() []string {
	if c.Type == Bool {
		return []string{"true", "false"}
	}
	return c.Choices
}

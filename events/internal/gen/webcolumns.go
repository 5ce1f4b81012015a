package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"licenseimport/events"
)

// webColumns is the list of the columns of all kinds that the page shows: a JSON array with one line for each column,
// so that a diff names the column that changed.
func webColumns() ([]byte, error) {
	lines := make([]string, len(events.Columns))
	for i := range events.Columns {
		c := &events.Columns[i]
		var line bytes.Buffer
		encoder := json.NewEncoder(&line)
		encoder.SetEscapeHTML(false)
		err := encoder.Encode(struct {
			Name    string            `json:"name"`
			Type    events.ColumnType `json:"type"`
			Choices []string          `json:"choices,omitempty"`
			Values  string            `json:"values"`
			Help    string            `json:"help"`
			Example string            `json:"example,omitempty"`
		}{c.Name, c.Type, c.Choices, valuesInWords(c), c.Help, c.Example})
		if err != nil {
			return nil, err
		}
		lines[i] = strings.TrimSpace(line.String())
	}
	return []byte("[\n" + strings.Join(lines, ",\n") + "\n]\n"), nil
}

// valuesInWords says what a value may be, for the page's users.
func valuesInWords(c *events.Column) string {
	switch c.Type {
	case events.Email:
		return "an e-mail address"
	case events.Bool:
		return "true or false; 1, 0, yes and no are read as well"
	case events.Int:
		return "a whole number from 0"
	case events.Date:
		return "a date, YYYY-MM-DD"
	case events.Duration:
		return "a number and d, m or y: 30d, 6m, 1y"
	case events.Enum:
		return strings.Join(c.Choices, ", ")
	default:
		return fmt.Sprintf("text of up to %d characters", c.Limit())
	}
}

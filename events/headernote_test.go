package events

import (
	"strings"
	"testing"
)

// TestHintsOfColumns: each column has a hint, and what it offers is accepted.
func TestHintsOfColumns(t *testing.T) {
	for i := range Columns {
		c := &Columns[i]
		if hint := c.HeaderNote(); !strings.HasSuffix(hint, ".") || strings.Contains(hint, "..") || len(hint) > 400 {
			t.Errorf("%s: %q", c.Name, hint)
		}
		for _, value := range c.Offered() {
			if code := c.Set(new(Record), value); code != "" {
				t.Errorf("%s: %q is offered and rejected: %s", c.Name, value, code)
			}
		}
		if offered := len(c.Offered()) > 0; offered != (c.Type == Bool || c.Type == Enum) {
			t.Errorf("%s: offers %q", c.Name, c.Offered())
		}
	}
}

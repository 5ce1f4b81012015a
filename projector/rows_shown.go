package projector

import (
	"licenseimport/events"
	"licenseimport/internal/access"
)

// Rows of an import that somebody else uploaded are shown to a manager who is limited
// to some products only where they are of these: licenses of others, and who has
// them, would else be seen in the rows that existed or were rejected.

// seesAll tells whether a manager may see all rows of an import.
func (j *job) seesAll(m access.Manager) bool { return !m.Limited() || j.Manager == m.Name }

// where is the part of a set that matches.
type where struct {
	set
	match func(uint64) bool
}

func (s where) next(from uint64, down bool) (uint64, bool) {
	for {
		n, ok := s.set.next(from, down)
		if !ok || s.match(n) {
			return n, ok
		}
		if from = n + 1; down {
			if n == 0 {
				return 0, false
			}
			from = n - 1
		}
	}
}

// shown is the part of an import's rows in a view that a manager may see. product
// reads which product a row is of; of what cannot be read nothing is shown.
func (r reader) shown(rows set, j *job, m access.Manager, v view, product func(body []byte) (string, error)) set {
	if j.seesAll(m) {
		return rows
	}
	return where{rows, func(row uint64) bool {
		code, err := keptAs(r, segmented{v, j.ID}, row, product)
		return err == nil && m.Allowed(code)
	}}
}

var productColumn, _ = events.ColumnIndex("product__short_code")

func invalidProduct(body []byte) (string, error) {
	row, err := parseInvalidRow(body)
	return events.Columns[productColumn].Clean(row.Values[productColumn]), err
}

func existedProduct(body []byte) (string, error) {
	row, err := parseExistedRow(body)
	return row.Product, err
}

package crashtest

import (
	"fmt"

	"licenseimport/events"
)

// Item names what a row is about.
type Item struct {
	License
	Code string // of a feature of the license; empty: the license itself
}

// Cells are the columns of a license or feature that the files of changes have, as text. Empty: not given.
type Cells struct {
	Email, Store, Activations, Note string
	Most                            string // max_consumption, of a feature
}

// clear is the cell that clears its column in an import that updates.
const clear = "#N/A"

// update is the license after a row of an import that updates it.
func (c Cells) update(row Cells) Cells {
	if row.Email == clear || row.Email != "" && events.EmailKey(row.Email) != events.EmailKey(c.Email) {
		c.Email = cleared(row.Email, "")
	}
	if row.Store != "" {
		c.Store = cleared(row.Store, "")
	}
	if row.Activations != "" {
		c.Activations = cleared(row.Activations, "1")
	}
	if row.Note != "" {
		c.Note = cleared(row.Note, "")
	}
	if row.Most != "" {
		c.Most = cleared(row.Most, "")
	}
	return c
}

// first is the license or feature that a row makes.
func (r *ChangeRow) first() Cells {
	if r.Code != "" {
		return Cells{}.update(r.Cells)
	}
	return Cells{Activations: "1"}.update(r.Cells)
}

func cleared(cell, otherwise string) string {
	if cell == clear {
		return otherwise
	}
	return cell
}

// differing names the columns in which two states differ.
func (c Cells) differing(other Cells) (columns []string) {
	for _, column := range []struct{ name, a, b string }{
		{"customer__email", c.Email, other.Email}, {"order__store_id", c.Store, other.Store},
		{"license__max_activations", c.Activations, other.Activations}, {"license__note", c.Note, other.Note},
		{"max_consumption", c.Most, other.Most},
	} {
		if column.a != column.b {
			columns = append(columns, column.name)
		}
	}
	return columns
}

// cellsOf is what an event says of a license.
func cellsOf(s events.LicenseState) Cells {
	c := Cells{Store: s.Order.StoreID, Note: s.License.Note}
	if s.Customer != nil {
		c.Email = s.Customer.Email
	}
	if s.License.MaxActivations != nil {
		c.Activations = fmt.Sprint(*s.License.MaxActivations)
	}
	return c
}

// Validity says whether a row of a file of changes is valid.
type Validity uint8

// What a row may be.
const (
	Valid   Validity = iota // in every import
	Invalid                 // in every import
	Open                    // depends on the catalogue, which changes meanwhile
)

// ChangeRow is a row of a file of changes.
type ChangeRow struct {
	Item
	Cells
	Validity
}

// ChangeUpload is a file of changes as its client saw it.
type ChangeUpload struct {
	Name         string
	Rows         []ChangeRow
	Updates      bool // existing=update
	Acknowledged bool
	Job          events.JobID // of the answer
}

// Requests counts what clients asked for, beside uploads. Each counts once, however often it was sent.
type Requests struct {
	Undone  map[events.JobID]bool // imports whose undo was accepted
	Retried map[events.JobID]int  // retries by import, each with an Idempotency-Key
}

// entry is a state of a license that no undo has taken back.
type entry struct {
	by    events.Origin // the row that brought it about
	cells Cells
}

// life is how long a license existed, by the sequences of its events.
type life struct {
	made, revoked events.Seq // revoked is 0 for one that exists
}

// changedItem is what the stream says of one license or feature.
type changedItem struct {
	lives  []life     // of a license
	of     events.Seq // of a feature: the event that made its license
	last   events.Seq
	stack  []entry       // empty: the license does not exist
	maker  events.Origin // the row that made it; of the bottom of the stack
	past   []Cells       // all states that it ever had
	makers []events.Origin
	buried map[events.JobID]bool // imports whose state another import has changed, at some time
}

func (s *changedItem) push(by events.Origin, cells Cells, seq events.Seq) {
	if len(s.stack) == 0 {
		s.maker = by
		s.makers = append(s.makers, by)
	} else if top := s.stack[len(s.stack)-1].by.JobID; top != by.JobID {
		for _, e := range s.stack {
			s.buried[e.by.JobID] = true
		}
	}
	s.stack = append(s.stack, entry{by, cells})
	s.past = append(s.past, cells)
	s.last = seq
}

// pop takes back what an import did last. It returns the row that began it, or 0.
func (s *changedItem) pop(job events.JobID) (first events.Row) {
	for len(s.stack) > 0 && s.stack[len(s.stack)-1].by.JobID == job {
		first = s.stack[len(s.stack)-1].by.Row
		s.stack = s.stack[:len(s.stack)-1]
	}
	return first
}

package projector

import (
	"encoding/json"
	"slices"

	"licenseimport/events"
)

// RowOutcome says what became of a valid row.
type RowOutcome string

// The outcomes of valid rows.
const (
	RowImported RowOutcome = "imported"
	RowUpdated  RowOutcome = "updated" // in a dry run: it would have been
	RowExisted  RowOutcome = "existed"
)

// WarnedRow is a valid row that has warnings. Its JSON is part of the format of the views' file.
type WarnedRow struct {
	Row      events.Row       `json:"row"`
	Line     uint64           `json:"line,omitempty"` // 0: not known
	Identity []string         `json:"identity"`       // the values of the kind's Identity
	Product  string           `json:"product"`        // short code; "": the row belongs to none
	Outcome  RowOutcome       `json:"outcome"`
	Warnings []events.Warning `json:"warnings"`
}

// warn notes the warnings of a row, if it has any.
func (m *memtable) warn(j *Job, e events.Outcome, outcome RowOutcome) error {
	warnings := events.WarningsOf(e)
	if len(warnings) == 0 {
		return nil
	}
	d := events.DetailsOf(e)
	row := WarnedRow{e.Origin().Row, d.Line, d.Identity, d.Product, outcome, warnings}
	value, err := json.Marshal(row)
	if err != nil {
		return err
	}
	m.Put(rowsOf(warned, j.ID), uint64(row.Row), value)
	if j.Next.WarningCodes == nil {
		j.Next.WarningCodes = map[events.WarningCode]uint64{}
	}
	var codes []events.WarningCode
	for _, w := range warnings {
		if !slices.Contains(codes, w.Code) {
			codes = append(codes, w.Code)
			j.Next.WarningCodes[w.Code]++
			m.Include(warnedByCode, warnedList(j.ID, w.Code), uint64(row.Row))
		}
	}
	return nil
}

// warnedList is the list of an import's rows that have a warning.
func warnedList(id events.JobID, code events.WarningCode) string {
	return id.String() + ":" + string(code)
}

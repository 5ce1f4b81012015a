package readapi

import (
	"fmt"
	"net/http"
	"strconv"

	"licenseimport/events"
	"licenseimport/internal/access"
	"licenseimport/internal/csvfile"
	"licenseimport/projector"
)

// importedRowsCSV answers with every row that made, changed or found something, as a file: which license, or other
// thing, a row of the uploaded file stands for. Cells are as they are.
func (a *API) importedRowsCSV(w http.ResponseWriter, r *http.Request, j *projector.Job, m access.Manager) error {
	if err := a.projector.WaitForJob(r.Context(), j); err != nil {
		return err
	}
	return a.sendRows(w, r, fmt.Sprintf("import-%s-imported-rows.csv", j.ID), &decidedRows{job: j, manager: m})
}

// decidedRows formats the valid rows of one import that a manager may see.
type decidedRows struct {
	job     *projector.Job
	manager access.Manager
	buffer  []string // reused
}

func (c *decidedRows) header() []byte {
	kind := c.job.ImportKind()
	fields := []string{"row", "line"}
	for _, of := range kind.Identity {
		fields = append(fields, events.Columns[of.Column].Name)
	}
	if kind.ID != "" {
		fields = append(fields, kind.ID)
	}
	return csvfile.AppendRecord(nil, ',', append(fields, "outcome")...)
}

// piece implements [rowsFile].
func (c *decidedRows) piece(views *projector.Reader, b []byte, from events.Row) (
	piece []byte, next events.Row, more bool, err error) {
	read, all := 0, seesOutcomes(c.manager, c.job)
	for row, err := range views.DecidedRows(c.job, from) {
		if err != nil {
			return nil, 0, false, err
		}
		if len(b) > csvPieceBytes || read == csvPieceReads {
			return b, row.Row, true, nil
		}
		if read++; all || c.manager.Allowed(row.Product) {
			b = csvfile.AppendRecord(b, ',', c.fields(row)...)
		}
	}
	return b, 0, false, nil
}

func (c *decidedRows) fields(row *projector.Row) []string {
	kind := c.job.ImportKind()
	fields := append(c.buffer[:0], numberText(uint64(row.Row)), numberText(row.Line))
	for i := range kind.Identity {
		fields = append(fields, row.Identity[i])
	}
	if kind.ID != "" {
		fields = append(fields, numberText(uint64(row.ID)))
	}
	c.buffer = append(fields, string(row.Outcome))
	return c.buffer
}

// numberText is a number as text; "" for 0, which stands for not known.
func numberText(n uint64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatUint(n, 10)
}

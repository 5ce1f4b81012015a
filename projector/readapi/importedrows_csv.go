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

// importedRowsCSV answers with every row that was imported, changed a license, or whose license existed, as a
// file: which license a row of the uploaded file stands for. Cells are as they are.
func (a *API) importedRowsCSV(w http.ResponseWriter, r *http.Request, j *projector.Job, m access.Manager) error {
	if err := a.projector.WaitForJob(r.Context(), j); err != nil {
		return err
	}
	return a.sendRows(w, r, fmt.Sprintf("import-%s-imported-rows.csv", j.ID), &decidedRows{j, m})
}

// decidedRows formats the valid rows of one import that a manager may see.
type decidedRows struct {
	job     *projector.Job
	manager access.Manager
}

func (c *decidedRows) header() []byte {
	return csvfile.AppendRecord(nil, ',', "row", "line", "license__license_key", "product__short_code", "license_id", "outcome")
}

// piece implements [rowsFile].
func (c *decidedRows) piece(views *projector.Reader, b []byte, from events.Row) (
	piece []byte, next events.Row, more bool, err error) {
	read, all := 0, seesAllRows(c.manager, c.job)
	for row, err := range views.DecidedRows(c.job.ID, from) {
		if err != nil {
			return nil, 0, false, err
		}
		if len(b) > csvPieceBytes || read == csvPieceReads {
			return b, row.Row, true, nil
		}
		if read++; all || c.manager.Allowed(row.Product) {
			b = csvfile.AppendRecord(b, ',', numberText(uint64(row.Row)), numberText(row.Line), row.Key, row.Product,
				numberText(uint64(row.License)), string(row.Outcome))
		}
	}
	return b, 0, false, nil
}

// numberText is a number as text; "" for 0, which stands for not known.
func numberText(n uint64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatUint(n, 10)
}

package ingest

import (
	"net/http"
	"strconv"

	"licenseimport/events"
	"licenseimport/internal/access"
	"licenseimport/internal/csvfile"
	"licenseimport/internal/httpx"
)

// Template is a CSV file with all columns and one example row.
func Template() []byte {
	examples := make([]string, events.NumColumns)
	for i := range events.Columns {
		examples[i] = events.Columns[i].Example
	}
	file := csvfile.AppendRecord(nil, ',', events.ColumnNames()...)
	return csvfile.AppendRecord(file, ',', examples...)
}

// serveTemplate answers GET /api/v1/license-import-template.csv.
func serveTemplate(w http.ResponseWriter, _ *http.Request, _ httpx.Params, _ access.Manager) error {
	file := Template()
	h := w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="license-import-template.csv"`)
	h.Set("Content-Length", strconv.Itoa(len(file)))
	_, err := w.Write(file)
	return err
}

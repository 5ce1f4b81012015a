package ingest

import (
	"bytes"
	"net/http"
	"strconv"

	"licenseimport/events"
	"licenseimport/internal/access"
	"licenseimport/internal/csvfile"
	"licenseimport/internal/httpx"
	"licenseimport/internal/workbook"
)

// Template is a CSV file with all columns and one example row.
func Template() []byte {
	examples := make([]string, len(events.Licenses.Columns()))
	for _, i := range events.Licenses.Columns() {
		examples[i] = events.Columns[i].Example
	}
	file := csvfile.AppendRecord(nil, ',', events.Licenses.ColumnNames()...)
	return csvfile.AppendRecord(file, ',', examples...)
}

// TemplateWorkbook is the template as a workbook. The header's cells have notes that explain the columns,
// and columns with few possible values offer them.
func TemplateWorkbook() []byte {
	columns := make([]workbook.Column, len(events.Licenses.Columns()))
	examples := make([]workbook.Cell, len(events.Licenses.Columns()))
	for _, i := range events.Licenses.Columns() {
		c := &events.Columns[i]
		columns[i] = workbook.Column{Name: c.Name, Strong: c.Required, Note: c.HeaderNote(), Choices: c.Offered()}
		examples[i].Text = c.Example
	}
	var file bytes.Buffer // whose writes do not fail
	book, err := workbook.NewWriter(&file, "Licenses", columns)
	if err == nil {
		err = book.Write(examples)
	}
	if err == nil {
		err = book.Close()
	}
	if err != nil {
		panic(err)
	}
	return file.Bytes()
}

// serveTemplate answers with a file.
func serveTemplate(file func() []byte, contentType, name string) access.Handler {
	return func(w http.ResponseWriter, _ *http.Request, _ httpx.Params, _ access.Manager) error {
		content := file()
		h := w.Header()
		h.Set("Content-Type", contentType)
		h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
		h.Set("Content-Length", strconv.Itoa(len(content)))
		_, err := w.Write(content)
		return err
	}
}

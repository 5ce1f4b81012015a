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

// Template is a CSV file with all columns of a kind and one example row.
func Template(kind *events.Kind) []byte {
	examples := make([]string, len(kind.Columns()))
	for i, column := range kind.Columns() {
		examples[i] = events.Columns[column].Example
	}
	file := csvfile.AppendRecord(nil, ',', kind.ColumnNames()...)
	return csvfile.AppendRecord(file, ',', examples...)
}

// TemplateWorkbook is the template as a workbook. The header's cells have notes that explain the columns,
// and columns with few possible values offer them.
func TemplateWorkbook(kind *events.Kind) []byte {
	columns := make([]workbook.Column, len(kind.Columns()))
	examples := make([]workbook.Cell, len(kind.Columns()))
	for i, column := range kind.Columns() {
		c := &events.Columns[column]
		columns[i] = workbook.Column{Name: c.Name, Strong: kind.Requires(column), Note: c.HeaderNote(), Choices: c.Offered()}
		examples[i].Text = c.Example
	}
	var file bytes.Buffer // whose writes do not fail
	book, err := workbook.NewWriter(&file, kind.Title(), columns)
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

// serveTemplate answers with a kind's file.
func serveTemplate(file func(*events.Kind) []byte, kind *events.Kind, contentType, extension string) access.Handler {
	return func(w http.ResponseWriter, _ *http.Request, _ httpx.Params, _ access.Manager) error {
		content := file(kind)
		h := w.Header()
		h.Set("Content-Type", contentType)
		h.Set("Content-Disposition", `attachment; filename="`+kind.Template(extension)+`"`)
		h.Set("Content-Length", strconv.Itoa(len(content)))
		_, err := w.Write(content)
		return err
	}
}

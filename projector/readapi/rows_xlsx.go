package readapi

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"licenseimport/events"
	"licenseimport/internal/access"
	"licenseimport/internal/csvfile"
	"licenseimport/internal/httpx"
	"licenseimport/internal/workbook"
	"licenseimport/projector"
)

// invalidRowsXLSX answers with the rejected rows as a workbook. Its cells are text, so none needs a guard:
// an upload reads them as they are.
func (a *API) invalidRowsXLSX(w http.ResponseWriter, r *http.Request, j *projector.Job, m access.Manager) error {
	if j.Shown.Rejected > workbook.MaxRows {
		return httpx.Unprocessable("too_many_rows",
			"The import has %d rejected rows, and a sheet of a workbook has %d at most: take invalid_rows.csv.",
			j.Shown.Rejected, workbook.MaxRows).ForJob(uint64(j.ID))
	}
	if err := a.projector.WaitForJob(r.Context(), j); err != nil {
		return err
	}
	return a.sendRows(w, r, fmt.Sprintf("import-%s-invalid-rows.xlsx", j.ID), &xlsxWriter{rejectedRows: rejectedRows{j, m, csvfile.RawColumn}})
}

// sheetColumns are the columns of the file with what a program may show about them.
func (t *rejectedRows) sheetColumns() []workbook.Column {
	names := t.names()
	columns := make([]workbook.Column, len(names))
	for i, name := range names {
		columns[i].Name = name
	}
	for i, name := range t.job.Columns {
		c, known := events.ColumnIndex(name)
		if !known {
			continue
		}
		columns[i].Strong, columns[i].Note = t.job.ImportKind().Requires(c), events.Columns[c].HeaderNote()
		if names[i] != name {
			columns[i].Note = name + ": " + columns[i].Note
		}
		if t.job.Mapping == nil { // else the file has its own values
			columns[i].Choices = events.Columns[c].Offered()
		}
	}
	columns[len(t.job.Columns)].Note = "The columns from here on explain what is wrong. They may stay: an upload does not import them."
	return columns
}

// xlsxWriter formats rejected rows as a workbook.
type xlsxWriter struct {
	rejectedRows
	out   bytes.Buffer // whose writes do not fail
	book  *workbook.Writer
	err   error // of the beginning
	cells []workbook.Cell
}

func (x *xlsxWriter) header() []byte {
	x.book, x.err = workbook.NewWriter(&x.out, "Rejected rows", x.sheetColumns())
	return x.out.Bytes()
}

// piece implements [rowsFile]. The workbook packs the rows, so a piece has what is packed so far.
func (x *xlsxWriter) piece(views *projector.Reader, _ []byte, from events.Row) (
	piece []byte, next events.Row, more bool, err error) {
	if x.err != nil {
		return nil, 0, false, x.err
	}
	x.out.Reset()
	next, more, err = x.each(views, from, func(row invalidRow) (int, error) {
		err := x.write(row)
		return x.out.Len(), err
	})
	if err == nil && !more {
		err = x.book.Close()
	}
	return x.out.Bytes(), next, more, err
}

func (x *xlsxWriter) write(row invalidRow) error {
	x.cells = x.cells[:0]
	for _, text := range x.fields(row) {
		x.cells = append(x.cells, workbook.Cell{Text: text})
	}
	for _, e := range row.Errors {
		x.mark(e)
	}
	return x.book.Write(x.cells)
}

// mark puts an error's note at its cell; that of a whole row at the error's message.
func (x *xlsxWriter) mark(e rowError) {
	i := slices.Index(x.job.Columns, e.Column)
	if i < 0 || e.Column == "" {
		i = len(x.job.Columns) + slices.Index(errorColumns, "error__messages")
	}
	cell := &x.cells[i]
	cell.Wrong = true
	cell.Note = strings.TrimPrefix(cell.Note+"\n"+sentence(e.Message), "\n")
}

// sentence makes a sentence of an error's message, which begins in lower case.
func sentence(message string) string {
	return strings.ToUpper(message[:min(1, len(message))]) + message[min(1, len(message)):] + "."
}

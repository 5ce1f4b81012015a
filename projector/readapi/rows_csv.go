package readapi

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"licenseimport/events"
	"licenseimport/internal/access"
	"licenseimport/internal/csvfile"
	"licenseimport/projector"
)

// A CSV is read and written in pieces: an open transaction would keep the file from reusing pages
// while a client is slow.
const (
	csvPieceRows  = 500
	csvPieceBytes = 1 << 20     // a piece ends with the row that exceeds it
	csvPieceReads = 20_000      // also of rows that the manager may not see: some 30 ms
	csvPieceTime  = time.Minute // for a client to take one piece
)

// errorColumns follow the columns of the uploaded file, before the one with the row's text. An upload
// reads only that one, and by its name whether the cells are guarded.
var errorColumns = []string{
	"error__row", "error__line", "error__columns", "error__codes", "error__messages",
}

// invalidRowsCSV answers with the rejected rows as a file that a person can correct and upload
// again.
func (a *API) invalidRowsCSV(w http.ResponseWriter, r *http.Request, j *projector.Job, m access.Manager) error {
	c := &csvWriter{job: j, manager: m, delimiter: ',', guard: csvfile.Guard, rawColumn: csvfile.GuardedRawColumn}
	if j.Delimiter != "" {
		c.delimiter = j.Delimiter[0]
	}
	if value := r.URL.Query().Get("raw"); value != "" {
		raw, err := parseBool("raw", value)
		if err != nil {
			return err
		}
		if raw {
			c.guard, c.rawColumn = func(cell string) string { return cell }, csvfile.RawColumn
		}
	}
	if err := a.projector.WaitForJob(r.Context(), j); err != nil {
		return err
	}
	return a.sendRows(w, r, fmt.Sprintf("import-%s-invalid-rows.csv", j.ID), c)
}

// rowsCSV formats rows of one import.
type rowsCSV interface {
	header() []byte
	// piece appends the rows from one on to b. more says that other rows follow; next is the first.
	piece(views *projector.Reader, b []byte, from events.Row) (piece []byte, next events.Row, more bool, err error)
}

// sendRows answers with rows of an import as a file.
func (a *API) sendRows(w http.ResponseWriter, r *http.Request, name string, c rowsCSV) error {
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	if r.Method == http.MethodHead {
		return nil
	}
	return a.writeCSV(r.Context(), w, c)
}

// writeCSV reads and sends one piece after the other.
func (a *API) writeCSV(ctx context.Context, w http.ResponseWriter, c rowsCSV) error {
	conn := http.NewResponseController(w)
	piece := c.header()
	for next, more := events.Row(0), true; ; {
		// The writer of a test has no deadlines, and no slow client.
		_ = conn.SetWriteDeadline(time.Now().Add(csvPieceTime))
		if _, err := w.Write(piece); err != nil || !more {
			return err
		}
		piece = piece[:0]
		err := a.projector.Read(ctx, func(views *projector.Reader) (err error) {
			piece, next, more, err = c.piece(views, piece, next)
			return err
		})
		if err != nil {
			return err
		}
	}
}

// csvWriter formats the rejected rows of one import that a manager may see.
type csvWriter struct {
	job       *projector.Job
	manager   access.Manager
	delimiter byte
	guard     func(cell string) string // keeps a spreadsheet from taking a cell for a formula
	rawColumn string                   // the name of the last column: it tells whether cells are guarded
}

// header starts with a byte order mark: without one, Excel does not read UTF-8.
func (c *csvWriter) header() []byte {
	names := append(slices.Clone(ownHeaders(c.job)), errorColumns...)
	if c.job.Mapping != nil {
		names = append(names, csvfile.MappingColumn)
	}
	names = append(names, c.rawColumn)
	return csvfile.AppendRecord([]byte("\uFEFF"), c.delimiter, names...)
}

// ownHeaders are the headers of an import's columns as its file has them.
func ownHeaders(j *projector.Job) []string {
	if len(j.Headers) == len(j.Columns) {
		return j.Headers
	}
	return j.Columns
}

// mappingName names the mapping of an import's rows: an upload of them finds it by the import.
func mappingName(j *projector.Job) string {
	if j.Mapping.Name == "" {
		return "import " + j.ID.String()
	}
	return j.Mapping.Name + " (import " + j.ID.String() + ")"
}

// piece implements [rowsCSV].
func (c *csvWriter) piece(views *projector.Reader, b []byte, from events.Row) (
	piece []byte, next events.Row, more bool, err error) {
	appended, read := 0, 0
	for n := range views.RejectedRows(c.job.ID, from) {
		if appended == csvPieceRows || len(b) > csvPieceBytes || read == csvPieceReads {
			return b, n, true, nil
		}
		row, err := readInvalidRow(views, c.job.ID, n)
		if err != nil {
			return nil, 0, false, err
		}
		if read++; !seesRejectedRow(c.manager, c.job, &row.Values) {
			continue
		}
		b = csvfile.AppendRecord(b, c.delimiter, c.fields(row)...)
		appended++
	}
	return b, 0, false, nil
}

// fields returns a row's values in the columns of the file, and its errors.
func (c *csvWriter) fields(row invalidRow) []string {
	var fields, columns, codes, messages []string
	for _, name := range c.job.Columns {
		value := ""
		if i, known := events.ColumnIndex(name); known {
			value = row.Values[i]
		}
		fields = append(fields, value)
	}
	for _, e := range row.Errors {
		columns = append(columns, e.Header)
		codes = append(codes, string(e.Code))
		messages = append(messages, strings.TrimSpace(e.Header+" "+e.Message))
	}
	fields = append(fields,
		strconv.FormatUint(uint64(row.Row), 10), strconv.FormatUint(row.Line, 10),
		strings.Join(columns, "; "), strings.Join(codes, "; "), strings.Join(messages, "; "))
	if c.job.Mapping != nil {
		fields = append(fields, mappingName(c.job))
	}
	fields = append(fields, row.Raw)
	for i := range fields {
		fields[i] = c.guard(fields[i])
	}
	return fields
}

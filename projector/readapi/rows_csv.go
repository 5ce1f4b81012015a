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
	"licenseimport/internal/mapping"
	"licenseimport/internal/workbook"
	"licenseimport/projector"
)

// A file of rows is read and written in pieces: an open transaction would keep the file from reusing pages
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
	c := &csvWriter{rejectedRows: rejectedRows{j, m, csvfile.GuardedRawColumn}, delimiter: ',', guard: csvfile.Guard}
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

// rowsFile formats rows of one import as a file.
type rowsFile interface {
	header() []byte
	// piece appends the rows from one on to b. more says that other rows follow; next is the first.
	piece(views *projector.Reader, b []byte, from events.Row) (piece []byte, next events.Row, more bool, err error)
}

// sendRows answers with rows of an import as a file.
func (a *API) sendRows(w http.ResponseWriter, r *http.Request, name string, c rowsFile) error {
	contentType := "text/csv; charset=utf-8"
	if strings.HasSuffix(name, ".xlsx") {
		contentType = workbook.ContentType
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	if r.Method == http.MethodHead {
		return nil
	}
	return a.writeRows(r.Context(), w, c)
}

// writeRows reads and sends one piece after the other.
func (a *API) writeRows(ctx context.Context, w http.ResponseWriter, c rowsFile) error {
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

// rejectedRows are the rejected rows of one import that a manager may see, as rows of a file.
type rejectedRows struct {
	job       *projector.Job
	manager   access.Manager
	rawColumn string // the name of the last column: it tells whether cells are guarded
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

// names are the names of the file's columns.
func (t *rejectedRows) names() []string {
	names := append(slices.Clone(ownHeaders(t.job)), errorColumns...)
	if t.job.Mapping != nil {
		names = append(names, csvfile.MappingColumn)
	}
	return append(names, t.rawColumn)
}

// each calls use for the rows from one on, until a piece is full: use returns the bytes of the piece.
// more says that other rows follow; next is the first.
func (t *rejectedRows) each(views *projector.Reader, from events.Row, use func(invalidRow) (int, error)) (
	next events.Row, more bool, err error) {
	used, read, size := 0, 0, 0
	cells := mapping.Compile(t.job.Mapping)
	for n := range views.RejectedRows(t.job.ID, from) {
		if used == csvPieceRows || size > csvPieceBytes || read == csvPieceReads {
			return n, true, nil
		}
		row, err := readInvalidRow(views, t.job, n)
		if err != nil {
			return 0, false, err
		}
		if read++; !seesRejectedRow(t.manager, t.job, cells, &row.Values) {
			continue
		}
		if size, err = use(row); err != nil {
			return 0, false, err
		}
		used++
	}
	return 0, false, nil
}

// fields returns a row's values in the columns of the file, and its errors.
func (t *rejectedRows) fields(row invalidRow) []string {
	var fields, columns, codes, messages []string
	for _, name := range t.job.Columns {
		value := ""
		if i, known := events.ColumnIndex(name); known {
			value = row.Values[i]
		}
		fields = append(fields, value)
	}
	for _, e := range row.Errors {
		columns = append(columns, e.name())
		codes = append(codes, string(e.Code))
		messages = append(messages, strings.TrimSpace(e.name()+" "+e.Message))
	}
	fields = append(fields,
		strconv.FormatUint(uint64(row.Row), 10), strconv.FormatUint(row.Line, 10),
		strings.Join(columns, "; "), strings.Join(codes, "; "), strings.Join(messages, "; "))
	if t.job.Mapping != nil {
		fields = append(fields, mappingName(t.job))
	}
	return append(fields, row.Raw)
}

// csvWriter formats rejected rows as a CSV.
type csvWriter struct {
	rejectedRows
	delimiter byte
	guard     func(cell string) string // keeps a spreadsheet from taking a cell for a formula
}

// header starts with a byte order mark: without one, Excel does not read UTF-8.
func (c *csvWriter) header() []byte {
	return csvfile.AppendRecord([]byte("\uFEFF"), c.delimiter, c.guarded(c.names())...)
}

// guarded passes the cells of a record through guard. Headers are cells, too: the uploader chose them.
func (c *csvWriter) guarded(cells []string) []string {
	for i := range cells {
		cells[i] = c.guard(cells[i])
	}
	return cells
}

// piece implements [rowsFile].
func (c *csvWriter) piece(views *projector.Reader, b []byte, from events.Row) (
	piece []byte, next events.Row, more bool, err error) {
	next, more, err = c.each(views, from, func(row invalidRow) (int, error) {
		b = csvfile.AppendRecord(b, c.delimiter, c.guarded(c.fields(row))...)
		return len(b), nil
	})
	return b, next, more, err
}

package ingest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"licenseimport/events"
	"licenseimport/internal/access"
	"licenseimport/internal/csvfile"
	"licenseimport/internal/httpx"
	"licenseimport/internal/mapping"
	"licenseimport/internal/workbook"
)

// Bounds of what is read of a file behind the part that is inspected, so that the client sees the answer.
const (
	inspectRest     = 16 << 20
	inspectRestTime = 5 * time.Second
)

// inspectParameters are the query parameters of an inspection.
func inspectParameters() []string {
	return []string{"kind", "delimiter", "encoding", "sheet", mappingParameter}
}

// serveInspect answers POST /api/v1/imports/inspect/: what the columns of a file seem to be. It stores
// nothing. An inspection takes a place of those of uploads.
func (in *Ingest) serveInspect(w http.ResponseWriter, r *http.Request, _ httpx.Params, m access.Manager) error {
	kind, err := kindParameter(r)
	if err != nil {
		return err
	}
	o, err := parseOptions(r, kind)
	if err != nil {
		return err
	}
	if err := in.admit(m.Name); err != nil {
		return err
	}
	defer in.limiter.release(m.Name)
	ctx, halt := context.WithCancelCause(in.uploads)
	defer halt(nil)
	paced, stop := newPacedReader(ctx, w, r, in.config)
	defer stop()
	b, err := openBody(r, paced, in.config.MaxFile)
	if err != nil {
		return uploadError(err)
	}
	found, whole, err := in.inspect(ctx, b, m, o)
	if err != nil {
		return uploadError(err)
	}
	if !whole {
		httpx.DrainBody(w, r, inspectRest, inspectRestTime)
	}
	return httpx.WriteJSON(w, http.StatusOK, found)
}

// kindParameter is the kind that a request names; licenses, if it names none.
func kindParameter(r *http.Request) (*events.Kind, error) {
	name := r.URL.Query().Get("kind")
	kind := events.KindNamed(name)
	if kind == nil {
		return nil, httpx.BadParameter("kind", name, "one of "+strings.Join(events.KindNames(), ", "))
	}
	return kind, nil
}

// inspect inspects the file of a request; whole: it has read the request to its end.
func (in *Ingest) inspect(ctx context.Context, b *body, m access.Manager, o options) (found mapping.Inspection, whole bool, err error) {
	beginning, err := io.ReadAll(io.LimitReader(b.file, mapping.InspectedBytes))
	if err != nil {
		return found, false, err
	}
	if workbook.IsZIP(beginning) || workbook.IsOLE(beginning) {
		found, err = in.inspectWorkbook(ctx, beginning, b, m, o)
		return found, true, err
	}
	if err := refuseSheet(o); err != nil {
		return found, false, err
	}
	cut := len(beginning) == mapping.InspectedBytes
	if !cut {
		if err := b.finish(); err != nil {
			return found, true, err
		}
	}
	from, err := in.inspectedMapping(ctx, csvfile.NewReader(bytes.NewReader(beginning), csvOptions(o, in.config)), m, o)
	if err != nil {
		return found, !cut, err
	}
	if found, err = mapping.InspectCSV(o.kind, beginning, cut, csvOptions(o, in.config), from); err != nil {
		err = tableError(err)
	}
	return found, !cut, err
}

// inspectWorkbook inspects the first rows of a workbook. Its directory stands at its end, so all of it is
// read.
func (in *Ingest) inspectWorkbook(ctx context.Context, beginning []byte, b *body, m access.Manager, o options) (mapping.Inspection, error) {
	book, closeBook, err := openWorkbook(ctx, io.MultiReader(bytes.NewReader(beginning), b.file), b, o, in.config)
	if err != nil {
		return mapping.Inspection{}, err
	}
	defer closeBook()
	peeked := &peekedTable{Table: book}
	from, err := in.inspectedMapping(ctx, peeked, m, o)
	if err != nil {
		return mapping.Inspection{}, err
	}
	peeked.again = true
	found, err := mapping.Inspect(o.kind, peeked, false, from, book.SerialDate)
	if err != nil {
		return mapping.Inspection{}, tableError(err)
	}
	name := book.Sheet()
	found.Format, found.Sheets, found.Sheet = "xlsx", book.Sheets(), &name
	return found, nil
}

// peekedTable is a table whose first row can be read twice.
type peekedTable struct {
	mapping.Table
	first *peekedRow
	again bool // the next Read returns the first row
}

func (t *peekedTable) Read() (csvfile.Row, error) {
	if t.again && t.first != nil {
		first := t.first
		t.again, t.first = false, nil
		return first.row, first.err
	}
	row, err := t.Table.Read()
	if t.first == nil && !t.again {
		t.first = &peekedRow{row, err}
	}
	return row, err
}

// inspectedMapping is the mapping that the query or the file names. A file may name one that is not
// known here: its columns are then guessed.
func (in *Ingest) inspectedMapping(ctx context.Context, rows mapping.Table, m access.Manager, o options) (*events.Mapping, error) {
	if o.mapping != "" {
		named, err := in.mappingNamed(ctx, o.mapping)
		if err != nil {
			return nil, err
		}
		if _, problems := mapping.Resolve(o.kind, named, mapping.Given{}); len(problems) > 0 {
			return nil, mappingProblems(problems)
		}
		return named, nil
	}
	header, err := rows.Header()
	if err != nil {
		return nil, nil // the inspection returns it
	}
	parser := &rowParser{table: rows, mappingField: slices.IndexFunc(header.Fields, csvfile.IsMappingColumn)}
	name := parser.peek()
	if len(name) == 0 {
		return nil, nil
	}
	from, _, err := in.mappingOfFile(ctx, nil, m, csvfile.Unguard(string(name)))
	if answer, ok := errors.AsType[*httpx.Error](err); ok && answer.Status < http.StatusInternalServerError {
		return nil, nil
	}
	return from, err
}

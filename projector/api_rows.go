package projector

import (
	"context"
	"net/http"
	"strings"
	"unicode/utf8"

	"licenseimport/events"
	"licenseimport/internal/access"
	"licenseimport/internal/httpx"
)

// invalidRow is a rejected row as the API shows it.
type invalidRow struct {
	Row    events.Row          `json:"row"`
	Line   uint64              `json:"line"`
	Errors []events.FieldError `json:"errors"`
	Values events.Values       `json:"values"`
	Raw    string              `json:"raw,omitempty"` // of a row that could not be read as CSV
}

func parseInvalidRow(body []byte) (invalidRow, error) {
	e, err := decodeAs[*events.RowRejected](body)
	if err != nil {
		return invalidRow{}, err
	}
	row := invalidRow{Row: e.Row, Line: e.Line, Errors: e.Errors, Values: e.Values, Raw: e.Raw}
	for i := range row.Errors {
		row.Errors[i].Value = row.wholeValue(row.Errors[i])
	}
	return row, nil
}

// wholeValue is what an error is about. The event repeats only the beginning of
// a long value; all of it stands in the row.
func (row invalidRow) wholeValue(e events.FieldError) string {
	whole := row.Raw
	if i, known := events.ColumnIndex(e.Column); known {
		whole = row.Values[i]
		if !strings.HasPrefix(whole, e.Value) {
			whole = events.Columns[i].Clean(whole) // what was judged has no space around it
		}
	}
	if len(whole) > len(e.Value) && strings.HasPrefix(whole, e.Value) && utf8.RuneCountInString(e.Value) == events.MaxErrorValue {
		return whole
	}
	return e.Value
}

// cut is the row with its values cut to n characters.
func (row invalidRow) cut(n int) invalidRow {
	for i := range row.Errors {
		row.Errors[i].Value = events.Excerpt(row.Errors[i].Value, n)
	}
	for i := range row.Values {
		row.Values[i] = events.Excerpt(row.Values[i], n)
	}
	row.Raw = events.Excerpt(row.Raw, n)
	return row
}

// existedRow is a row whose license existed, as the API shows it.
type existedRow struct {
	Row        events.Row   `json:"row"`
	LicenseKey string       `json:"license_key"`
	Product    string       `json:"product"`
	ImportID   events.JobID `json:"import_id"`  // that made the license
	ImportRow  events.Row   `json:"import_row"` // likewise
	Email      *string      `json:"customer_email"`
	StoreID    *string      `json:"order_store_id"`
}

func parseExistedRow(body []byte) (existedRow, error) {
	e, err := decodeAs[*events.LicenseExisted](body)
	if err != nil {
		return existedRow{}, err
	}
	row := existedRow{Row: e.Row, LicenseKey: e.LicenseKey, Product: e.Product.ShortCode, ImportID: e.By.JobID, ImportRow: e.By.Row}
	if e.Customer != nil && e.Customer.Email != "" {
		row.Email = &e.Customer.Email
	}
	if e.Order.StoreID != "" {
		row.StoreID = &e.Order.StoreID
	}
	return row, nil
}

func (p *Projector) listInvalidRows(w http.ResponseWriter, r *http.Request, j *job, m access.Manager) error {
	code := events.Code(r.URL.Query().Get("code"))
	return listRows(p, w, r, j, rejected, parseInvalidRow, func(views reader) set {
		rows := set(views.allKept(segmented{rejected, j.ID}))
		if code != "" {
			rows = views.index(rejectedByCode, codePrefix(j.ID, code))
		}
		return views.shown(rows, j, m, rejected, invalidProduct)
	})
}

func (p *Projector) listExistedRows(w http.ResponseWriter, r *http.Request, j *job, m access.Manager) error {
	return listRows(p, w, r, j, existed, parseExistedRow, func(views reader) set {
		return views.shown(views.allKept(segmented{existed, j.ID}), j, m, existed, existedProduct)
	})
}

// listRows lists rows of an import in the order of the file.
func listRows[T any](p *Projector, w http.ResponseWriter, r *http.Request, j *job, v view,
	parse func([]byte) (T, error), choose func(reader) set) error {
	page, err := httpx.ParsePage(r)
	if err != nil {
		return err
	}
	if err := p.settle(r.Context(), j); err != nil {
		return err
	}
	l := &listing{page: page}
	l.limit.start()
	return writeList(p, w, r, l,
		func(views reader) (set, int, error) { return choose(views), unknown, nil },
		func(views reader, row uint64) (T, error) {
			return keptAs(views, segmented{v, j.ID}, row, parse)
		})
}

// settle waits until the file holds what was shown of an import that goes on. One
// that has ended is shown as ended only when the file holds it all.
func (p *Projector) settle(ctx context.Context, j *job) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return behind(p.await(ctx, j.at))
}

package readapi

import (
	"cmp"
	"iter"
	"net/http"
	"strings"
	"unicode/utf8"

	"licenseimport/events"
	"licenseimport/internal/access"
	"licenseimport/internal/httpx"
	"licenseimport/projector"
)

// invalidRow is a rejected row as the API shows it.
type invalidRow struct {
	Row    events.Row    `json:"row"`
	Line   uint64        `json:"line"`
	Errors []rowError    `json:"errors"`
	Values events.Values `json:"values"`
	Raw    string        `json:"raw,omitempty"` // of a row that could not be read as CSV
}

// rowError is what is wrong with a rejected row.
type rowError struct {
	Column string `json:"column"` // empty where the row as a whole is wrong
	// Header is the file's own header of the column. nil: the file has no mapping, and its headers are the
	// columns' names.
	Header  *string     `json:"header,omitempty"`
	Code    events.Code `json:"code"`
	Message string      `json:"message"`
	Value   string      `json:"value"`
}

// name is the column as the file has it.
func (e *rowError) name() string {
	if e.Header != nil {
		return *e.Header
	}
	return e.Column
}

// readInvalidRow reads a rejected row of an import. Where the file has a mapping, or other headers than the
// columns' names, each error names the header beside the column.
func readInvalidRow(views *projector.Reader, j *projector.Job, row events.Row) (invalidRow, error) {
	e, err := views.RejectedRow(j.ID, row)
	if err != nil {
		return invalidRow{}, err
	}
	shown := invalidRow{Row: e.Row, Line: e.Line, Errors: []rowError{}, Values: e.Values, Raw: e.Raw}
	for _, e := range e.Errors {
		one := rowError{Column: e.Column, Code: e.Code, Message: e.Message, Value: shown.wholeValue(e)}
		if header := cmp.Or(e.Header, e.Column); j.Mapping != nil || len(j.Headers) > 0 {
			one.Header = &header
		}
		shown.Errors = append(shown.Errors, one)
	}
	return shown, nil
}

// wholeValue returns the value that an error is about. The event repeats at most
// events.MaxErrorValue characters of it; the row has all of it.
func (row invalidRow) wholeValue(e events.FieldError) string {
	whole := row.Raw
	if i, known := events.ColumnIndex(e.Column); known {
		whole = row.Values[i]
		if !strings.HasPrefix(whole, e.Value) {
			whole = events.Columns[i].Clean(whole) // as it was validated: without space around it
		}
	}
	isCut := utf8.RuneCountInString(e.Value) == events.MaxErrorValue
	if isCut && len(whole) > len(e.Value) && strings.HasPrefix(whole, e.Value) {
		return whole
	}
	return e.Value
}

// cut returns the row with its values cut to n characters.
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

// existedRow is a row whose license existed, as the API shows it. A customer without an e-mail and
// an order without a store id are null.
type existedRow struct {
	Row        events.Row   `json:"row"`
	LicenseKey string       `json:"license_key"`
	Product    string       `json:"product"`
	ImportID   events.JobID `json:"import_id"`  // where the license was imported
	ImportRow  events.Row   `json:"import_row"` // in that import
	Differs    []string     `json:"differs"`    // columns in which the row says something else than the license
	Email      *string      `json:"customer_email"`
	StoreID    *string      `json:"order_store_id"`
}

func readExistedRow(views *projector.Reader, id events.JobID, row events.Row) (existedRow, error) {
	e, err := views.ExistedRow(id, row)
	if err != nil {
		return existedRow{}, err
	}
	shown := existedRow{
		Row: e.Row, LicenseKey: e.LicenseKey, Product: e.Product.ShortCode,
		ImportID: e.By.JobID, ImportRow: e.By.Row, Differs: e.Differs,
	}
	if shown.Differs == nil {
		shown.Differs = []string{}
	}
	if e.Customer != nil && e.Customer.Email != "" {
		shown.Email = &e.Customer.Email
	}
	if e.Order.StoreID != "" {
		shown.StoreID = &e.Order.StoreID
	}
	return shown, nil
}

func (a *API) listInvalidRows(w http.ResponseWriter, r *http.Request, j *projector.Job, m access.Manager) error {
	code := events.Code(r.URL.Query().Get("code"))
	read := func(views *projector.Reader, _ events.JobID, row events.Row) (invalidRow, error) {
		return readInvalidRow(views, j, row)
	}
	return listRows(a, w, r, j, read, func(views *projector.Reader) iter.Seq[events.Row] {
		rows := views.RejectedRows(j.ID, 0)
		if code != "" {
			rows = views.RowsRejectedWith(j.ID, code)
		}
		return visibleRejectedRows(m, j, views, rows)
	})
}

func (a *API) listExistedRows(w http.ResponseWriter, r *http.Request, j *projector.Job, m access.Manager) error {
	return listRows(a, w, r, j, readExistedRow, func(views *projector.Reader) iter.Seq[events.Row] {
		return visibleExistedRows(m, j, views)
	})
}

// listRows lists the rows of an import that rows yields, in the order of the file.
func listRows[T any](a *API, w http.ResponseWriter, r *http.Request, j *projector.Job,
	read func(*projector.Reader, events.JobID, events.Row) (T, error),
	rows func(*projector.Reader) iter.Seq[events.Row]) error {
	page, err := httpx.ParsePage(r)
	if err != nil {
		return err
	}
	if err := a.projector.WaitForJob(r.Context(), j); err != nil {
		return err
	}
	return list[events.Row, T]{
		members: func(views *projector.Reader) (iter.Seq[events.Row], int, error) {
			return rows(views), projector.CountUnknown, nil
		},
		render: func(views *projector.Reader, row events.Row) (T, error) { return read(views, j.ID, row) },
	}.write(a, w, r, page)
}

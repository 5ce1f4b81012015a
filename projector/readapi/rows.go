package readapi

import (
	"iter"
	"net/http"
	"slices"
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
	// Header is the file's own header of the column; empty where the mapping gave a column that the file lacks. nil:
	// the file has no mapping, and its headers are the columns' names.
	Header  *string     `json:"header,omitempty"`
	Code    events.Code `json:"code"`
	Message string      `json:"message"`
	Value   string      `json:"value"`
}

// name is the column as the file has it.
func (e *rowError) name() string {
	if e.Header != nil && *e.Header != "" {
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
		if j.Mapping != nil || len(j.Headers) > 0 {
			one.Header = new(headerOf(j, e))
		}
		shown.Errors = append(shown.Errors, one)
	}
	return shown, nil
}

// headerOf is what the file calls the column of an error: by the event where that is another name than the column's.
func headerOf(j *projector.Job, e events.FieldError) string {
	if e.Header == "" && slices.Contains(j.Columns, e.Column) {
		return e.Column
	}
	return e.Header
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

// withIdentity adds what a row is about, under the names of its kind.
func (o object) withIdentity(j *projector.Job, values []string) object {
	for i, of := range j.ImportKind().Identity {
		if i < len(values) {
			o = o.with(of.Field, values[i])
		}
	}
	return o
}

// showExistedRow shows a row that changed nothing, and where what it names was imported. A customer without an
// e-mail and an order without a store id are null.
func showExistedRow(j *projector.Job, row *projector.Row) object {
	o := object{{"row", row.Row}}
	if row.ID != 0 {
		o = o.with(j.ImportKind().ID, row.ID)
	}
	o = o.withIdentity(j, row.Identity).
		with("import_id", row.By.JobID).
		with("import_row", row.By.Row).
		with("differs", orEmpty(row.Differs)) // columns in which the row says something else
	if e, ok := row.Event.(*events.LicenseExisted); ok {
		var email any
		if e.Customer != nil {
			email = orNull(e.Customer.Email)
		}
		o = o.with("customer_email", email).with("order_store_id", orNull(e.Order.StoreID))
	}
	return o
}

func (a *API) listInvalidRows(w http.ResponseWriter, r *http.Request, j *projector.Job, m access.Manager) error {
	code := events.Code(r.URL.Query().Get("code"))
	read := func(views *projector.Reader, row events.Row) (invalidRow, error) {
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
	return a.listOutcomes(w, r, j, m, outcomeRows{
		rows: func(views *projector.Reader) iter.Seq[events.Row] { return views.ExistedRows(j.ID) },
		read: func(views *projector.Reader, row events.Row) (*projector.Row, error) { return views.ExistedRow(j, row) },
		show: showExistedRow,
	})
}

// outcomeRows is a list of the rows of an import that had one outcome.
type outcomeRows struct {
	rows func(*projector.Reader) iter.Seq[events.Row]
	read func(*projector.Reader, events.Row) (*projector.Row, error)
	show func(*projector.Job, *projector.Row) object
}

// listOutcomes lists those rows that a manager may see, in the order of the file.
func (a *API) listOutcomes(w http.ResponseWriter, r *http.Request, j *projector.Job, m access.Manager,
	of outcomeRows) error {
	return listRows(a, w, r, j, func(views *projector.Reader, row events.Row) (object, error) {
		found, err := mustExist(of.read(views, row))
		if err != nil {
			return nil, err
		}
		return of.show(j, found), nil
	}, func(views *projector.Reader) iter.Seq[events.Row] {
		return visibleOutcomes(m, j, of.rows(views), func(row events.Row) (product string, err error) {
			found, err := mustExist(of.read(views, row))
			if err != nil {
				return "", err
			}
			return found.Product, nil
		})
	})
}

// listRows lists the rows of an import that rows yields, in the order of the file.
func listRows[T any](a *API, w http.ResponseWriter, r *http.Request, j *projector.Job,
	read func(*projector.Reader, events.Row) (T, error),
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
		render: read,
	}.write(a, w, r, page)
}

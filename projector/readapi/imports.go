package readapi

import (
	"context"
	"iter"
	"net/http"
	"strings"

	"licenseimport/events"
	"licenseimport/internal/access"
	"licenseimport/internal/httpx"
	"licenseimport/projector"
)

// How much of its rejected rows a result holds; all of it is at invalid_rows/.
const (
	resultRows  = 100
	resultValue = 256 // characters of each value
)

// result is an import as the API shows it.
type result struct {
	ID            events.JobID     `json:"id"`
	FileName      string           `json:"file_name"`
	Status        projector.Status `json:"status"`
	CreatedAt     string           `json:"created_at"`
	StartedAt     *string          `json:"started_at"`
	FinishedAt    *string          `json:"finished_at"`
	Result        *resultCounts    `json:"result"`
	Error         *events.Failure  `json:"error"`
	Manager       string           `json:"manager"`
	Mode          events.Mode      `json:"mode"`
	DryRun        bool             `json:"dry_run"`
	Progress      float64          `json:"progress"`
	RowsPerSecond *float64         `json:"rows_per_second"`
}

type resultCounts struct {
	TotalRows        events.Row             `json:"total_row_count"`
	ValidRows        events.Row             `json:"valid_row_count"`
	InvalidRows      []invalidRow           `json:"invalid_rows"`
	CreatedCustomers uint64                 `json:"created_customers_count"`
	ExistedCustomers uint64                 `json:"existed_customers_count"`
	CreatedOrders    uint64                 `json:"created_orders_count"`
	ExistedOrders    uint64                 `json:"existed_orders_count"`
	CreatedLicenses  uint64                 `json:"created_licenses_count"`
	ExistedLicenses  uint64                 `json:"existed_licenses_count"`
	InvalidCount     events.Row             `json:"invalid_row_count"`
	WarningCount     events.Row             `json:"warning_count"`
	ErrorCounts      map[events.Code]uint64 `json:"error_counts"`
}

// renderImport shows an import with some of its rejected rows.
func renderImport(j *projector.Job, rows []invalidRow) result {
	shown := result{
		ID: j.ID, FileName: j.FileName, Status: j.Status, Error: j.Error,
		CreatedAt: when(j.Created), StartedAt: whenKnown(j.Started), FinishedAt: whenKnown(j.Finished),
		Manager: j.Manager, Mode: j.Mode, DryRun: j.DryRun,
		Progress: j.Progress(), RowsPerSecond: j.RowsPerSecond(),
	}
	if j.Shown.Total > 0 {
		shown.Result = renderCounts(&j.Shown, rows)
	}
	return shown
}

func renderCounts(t *projector.Tally, rows []invalidRow) *resultCounts {
	c := &resultCounts{
		TotalRows: t.Total, ValidRows: t.Total - t.Rejected, InvalidRows: rows,
		CreatedCustomers: t.CreatedCustomers, ExistedCustomers: t.ExistedCustomers,
		CreatedOrders: t.CreatedOrders, ExistedOrders: t.ExistedOrders,
		CreatedLicenses: t.CreatedLicenses, ExistedLicenses: t.ExistedLicenses,
		InvalidCount: t.Rejected, WarningCount: t.Warnings, ErrorCounts: t.Errors,
	}
	if c.InvalidRows == nil {
		c.InvalidRows = []invalidRow{}
	}
	if c.ErrorCounts == nil {
		c.ErrorCounts = map[events.Code]uint64{}
	}
	return c
}

func (a *API) getImport(w http.ResponseWriter, r *http.Request, j *projector.Job, m access.Manager) error {
	at, versioned := sharedVersion(j, m)
	if versioned {
		if body, ok := a.results.get(j.ID, at); ok {
			return httpx.WriteEncoded(w, http.StatusOK, body)
		}
	}
	rows, err := a.firstInvalidRows(r.Context(), j, m)
	if err != nil {
		return err
	}
	body, err := httpx.Encode(renderImport(j, rows))
	if err != nil {
		return err
	}
	if versioned && len(rows) == int(min(j.Shown.Rejected, resultRows)) {
		a.results.put(j.ID, at, body)
	}
	return httpx.WriteEncoded(w, http.StatusOK, body)
}

// firstInvalidRows are those that the result shows: as many as its count says.
// While an import goes on the counts may be ahead of the file.
func (a *API) firstInvalidRows(ctx context.Context, j *projector.Job, m access.Manager) (rows []invalidRow, err error) {
	want := int(min(j.Shown.Rejected, resultRows))
	if want == 0 {
		return nil, nil
	}
	read := func() error {
		return a.views.Read(func(views *projector.Reader) (err error) {
			rows, err = firstVisibleRows(views, j, m, want)
			return err
		})
	}
	if err := read(); err != nil || len(rows) == want || !seesAllRows(m, j) {
		return rows, err
	}
	if err := a.views.WaitForJob(ctx, j); err != nil {
		return nil, err
	}
	err = read()
	return rows, err
}

// firstVisibleRows are the first rejected rows of an import that a manager may see, at most max,
// with long values cut.
func firstVisibleRows(views *projector.Reader, j *projector.Job, m access.Manager, max int) ([]invalidRow, error) {
	var rows []invalidRow
	for n := range visibleRejectedRows(m, j, views.RejectedRows(j.ID, 0), views) {
		row, err := readInvalidRow(views, j.ID, n)
		if err != nil {
			return nil, err
		}
		if rows = append(rows, row.cut(resultValue)); len(rows) == max {
			break
		}
	}
	return rows, nil
}

// listImports lists the imports that the manager may see, newest first.
func (a *API) listImports(w http.ResponseWriter, r *http.Request, _ httpx.Params, m access.Manager) error {
	query := r.URL.Query()
	wanted := query.Get("status__iexact")
	if wanted == "" {
		wanted = query.Get("status_iexact")
	}
	l, err := parseListing(r)
	if err == nil {
		err = a.views.WaitForUploads(r.Context())
	}
	if err != nil {
		return err
	}
	q := visibleImports(m, projector.JobQuery{Status: projector.Status(strings.ToLower(wanted))})
	return writeList(a, w, r, l, func(views *projector.Reader) (iter.Seq[events.JobID], int, error) {
		return views.Jobs(q, l.desc), projector.CountUnknown, nil
	}, func(views *projector.Reader, id events.JobID) (result, error) {
		j, err := views.Job(id)
		if err == nil && j == nil {
			err = projector.ErrDamaged
		}
		if err != nil {
			return result{}, err
		}
		return renderImport(j, nil), nil
	})
}

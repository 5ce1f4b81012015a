package projector

import (
	"context"
	"net/http"
	"strings"

	"licenseimport/events"
	"licenseimport/internal/access"
	"licenseimport/internal/httpx"
)

// How much of its rejected rows a result holds; all of it is at invalid_rows/.
const (
	resultRows  = 100
	resultValue = 256 // characters of each value
)

// result is an import as the API shows it.
type result struct {
	ID            events.JobID    `json:"id"`
	FileName      string          `json:"file_name"`
	Status        status          `json:"status"`
	CreatedAt     string          `json:"created_at"`
	StartedAt     *string         `json:"started_at"`
	FinishedAt    *string         `json:"finished_at"`
	Result        *resultCounts   `json:"result"`
	Error         *events.Failure `json:"error"`
	Manager       string          `json:"manager"`
	Mode          events.Mode     `json:"mode"`
	DryRun        bool            `json:"dry_run"`
	Progress      float64         `json:"progress"`
	RowsPerSecond *float64        `json:"rows_per_second"`
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
func renderImport(j *job, rows []invalidRow) result {
	shown := result{
		ID: j.ID, FileName: j.FileName, Status: j.Status, Error: j.Error,
		CreatedAt: when(j.Created), StartedAt: whenKnown(j.Started), FinishedAt: whenKnown(j.Finished),
		Manager: j.Manager, Mode: j.Mode, DryRun: j.DryRun,
		Progress: j.progress(), RowsPerSecond: j.rowsPerSecond(),
	}
	if j.Shown.Total > 0 {
		shown.Result = renderCounts(&j.Shown, rows)
	}
	return shown
}

func renderCounts(t *tally, rows []invalidRow) *resultCounts {
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

func (p *Projector) getImport(w http.ResponseWriter, r *http.Request, j *job, m access.Manager) error {
	at, versioned := j.version(m)
	if versioned {
		if body, ok := p.polled.get(j.ID, at); ok {
			return httpx.WriteEncoded(w, http.StatusOK, body)
		}
	}
	rows, err := p.firstInvalidRows(r.Context(), j, m)
	if err != nil {
		return err
	}
	body, err := httpx.Encode(renderImport(j, rows))
	if err != nil {
		return err
	}
	if versioned && len(rows) == int(min(j.Shown.Rejected, resultRows)) {
		p.polled.keep(j.ID, at, body)
	}
	return httpx.WriteEncoded(w, http.StatusOK, body)
}

// firstInvalidRows are those that the result shows: as many as its count says.
// While an import goes on the counts may be ahead of the file.
func (p *Projector) firstInvalidRows(ctx context.Context, j *job, m access.Manager) (rows []invalidRow, err error) {
	want := int(min(j.Shown.Rejected, resultRows))
	if want == 0 {
		return nil, nil
	}
	read := func() error {
		return p.read(func(views reader) (err error) {
			rows, err = views.invalidRows(j, m, want)
			return err
		})
	}
	if err := read(); err != nil || len(rows) == want || !j.seesAll(m) {
		return rows, err
	}
	if err := p.settle(ctx, j); err != nil {
		return nil, err
	}
	return rows, read()
}

// invalidRows are the first rejected rows of an import that a manager may see, with
// long values cut.
func (r reader) invalidRows(j *job, m access.Manager, most int) ([]invalidRow, error) {
	var rows []invalidRow
	all := segmented{rejected, j.ID}
	shown := r.shown(r.allKept(all), j, m, rejected, invalidProduct)
	for from := uint64(0); len(rows) < most; {
		n, ok := shown.next(from, false)
		if !ok {
			break
		}
		row, err := keptAs(r, all, n, parseInvalidRow)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row.cut(resultValue))
		from = n + 1
	}
	return rows, nil
}

// listImports lists the imports that the manager may see, newest first.
func (p *Projector) listImports(w http.ResponseWriter, r *http.Request, _ httpx.Params, m access.Manager) error {
	query := r.URL.Query()
	wanted := query.Get("status__iexact")
	if wanted == "" {
		wanted = query.Get("status_iexact")
	}
	l, err := parseListing(r)
	if err == nil {
		err = p.awaitUploads(r.Context())
	}
	if err != nil {
		return err
	}
	return writeList(p, w, r, l, func(views reader) (set, int, error) {
		sets := both{views.index(jobs, nil)}
		if !m.Can(access.ReadAllImports) {
			sets = append(sets, views.index(jobIndex, textPrefix(managerIndex(m.Name), 8)))
		}
		if wanted != "" {
			sets = append(sets, views.index(jobIndex, textPrefix(statusIndex(status(strings.ToLower(wanted))), 8)))
		}
		return sets, unknown, nil
	}, func(views reader, id uint64) (result, error) {
		j, err := views.job(events.JobID(id))
		if err == nil && j == nil {
			err = errDamaged
		}
		if err != nil {
			return result{}, err
		}
		return renderImport(j, nil), nil
	})
}

package readapi

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"licenseimport/events"
	"licenseimport/internal/access"
	"licenseimport/internal/httpx"
	"licenseimport/projector"
)

// Limits of the rejected rows in a result. The list invalid_rows/ has all of them.
const (
	maxResultRows  = 100
	maxResultValue = 256 // characters
)

// result is an import as the API shows it. Times and the rate are null until they are known.
type result struct {
	ID            events.JobID     `json:"id"`
	FileName      string           `json:"file_name"`
	Status        projector.Status `json:"status"`
	CreatedAt     string           `json:"created_at"`
	StartedAt     *string          `json:"started_at"`
	FinishedAt    *string          `json:"finished_at"`
	Result        any              `json:"result"` // null, or an object
	Error         *events.Failure  `json:"error"`
	Kind          string           `json:"kind"`
	Manager       string           `json:"manager"`
	Mode          events.Mode      `json:"mode"`
	Existing      events.Existing  `json:"existing"`
	DryRun        bool             `json:"dry_run"`
	Ignored       []string         `json:"ignored_columns"` // the file's headers that were not read
	SameFileAs    *events.JobID    `json:"same_file_as"`
	RetryOf       *events.JobID    `json:"retry_of"`
	RetriedBy     *events.JobID    `json:"retried_by"`
	Undo          *undo            `json:"undo"` // null: no undo was asked for
	Progress      float64          `json:"progress"`
	RowsPerSecond *float64         `json:"rows_per_second"`
}

// undo is the undo of an import as the API shows it.
type undo struct {
	Status     string  `json:"status"` // running or finished
	Manager    string  `json:"manager"`
	StartedAt  string  `json:"started_at"`
	FinishedAt *string `json:"finished_at"`
	events.UndoCounts
	Progress float64 `json:"progress"`
}

// related are the other imports that a result names. 0: none, or none that the manager may know of.
type related struct{ sameFileAs, retryOf, retriedBy events.JobID }

// relatedTo returns the imports that the result of j names to a manager: of those of the same file the latest
// earlier one that the manager may know of, of those that tried its rejected rows again the latest that was no
// dry run. One that find does not know is left out: j may be ahead of the file.
func relatedTo(find func(events.JobID) (*projector.Job, error), j *projector.Job, m access.Manager) (related, error) {
	var r related
	for id := j.SameFileAs; id != 0 && r.sameFileAs == 0; {
		other, err := find(id)
		if err != nil {
			return related{}, err
		}
		if other == nil {
			break
		}
		if seesImport(m, other) {
			r.sameFileAs = id
		}
		id = other.SameFileAs
	}
	if j.RetryOf != 0 {
		other, err := find(j.RetryOf)
		if err != nil {
			return related{}, err
		}
		if other != nil && seesImport(m, other) {
			r.retryOf = j.RetryOf
		}
	}
	for _, id := range slices.Backward(j.RetriedBy) {
		other, err := find(id)
		if err != nil {
			return related{}, err
		}
		if other != nil && !other.DryRun && seesImport(m, other) {
			r.retriedBy = id
			break
		}
	}
	return r, nil
}

// related is relatedTo of an import that may be ahead of the file.
func (a *API) related(j *projector.Job, m access.Manager) (related, error) {
	if len(j.RetriedBy) == 0 && (m.SeesAll(j.ImportKind()) || j.SameFileAs == 0 && j.RetryOf == 0) {
		return related{sameFileAs: j.SameFileAs, retryOf: j.RetryOf}, nil
	}
	return relatedTo(a.projector.Job, j, m)
}

// jobOrNull returns nil (null in JSON) for no import.
func jobOrNull(id events.JobID) *events.JobID {
	if id == 0 {
		return nil
	}
	return &id
}

// renderImport shows an import with some of its rejected rows to a manager. Counts are null until
// the first row is decided.
func renderImport(j *projector.Job, m access.Manager, others related, rows []invalidRow) result {
	shown := result{
		ID: j.ID, FileName: j.FileName, Status: j.Status, Error: j.Error,
		CreatedAt: formatTime(j.Created), StartedAt: formatTimeOrNull(j.Started), FinishedAt: formatTimeOrNull(j.Finished),
		Kind: j.ImportKind().Name, Manager: j.Manager, Mode: j.Mode, Existing: j.Existing, DryRun: j.DryRun,
		Ignored:    orEmpty(j.Ignored),
		SameFileAs: jobOrNull(others.sameFileAs), RetryOf: jobOrNull(others.retryOf), RetriedBy: jobOrNull(others.retriedBy), Undo: renderUndo(j),
		Progress: j.Progress(), RowsPerSecond: j.RowsPerSecond(),
	}
	if j.Shown.Total > 0 {
		shown.Result = renderCounts(j, m, rows)
	}
	return shown
}

// renderUndo shows the undo of an import; nil if no undo was asked for.
func renderUndo(j *projector.Job) *undo {
	if j.Undo == nil {
		return nil
	}
	shown := &undo{
		Status: "running", Manager: j.Undo.Manager,
		StartedAt: formatTime(j.Undo.Started), FinishedAt: formatTimeOrNull(j.Undo.Finished),
		UndoCounts: j.Undo.UndoCounts, Progress: j.UndoProgress(),
	}
	if j.Settled() {
		shown.Status = "finished"
	}
	return shown
}

// renderCounts shows the counts of an import under the names of its kind. Those that a manager may not see are null.
func renderCounts(j *projector.Job, m access.Manager, rows []invalidRow) object {
	t, kind := &j.Shown, j.ImportKind()
	o := object{{"total_row_count", t.Total}, {"valid_row_count", t.Total - t.Rejected}, {"invalid_rows", orEmpty(rows)}}
	if kind.NamesParties {
		o = o.withPartyCounts(t, m)
	}
	var created, existed, updated any // null
	if m.SeesKind(kind) {
		created, existed, updated = t.Created, t.Existed, t.Updated
	}
	o = o.with("created_"+kind.Counted+"_count", created).with("existed_"+kind.Counted+"_count", existed)
	if kind.BareCounts {
		o = o.with("created_"+kind.Counted, created).with("existed_"+kind.Counted, existed)
	}
	o = o.with("updated_"+kind.Counted+"_count", updated).
		with("differing_rows_count", t.Differing).
		with("invalid_row_count", t.Rejected).
		with("warning_count", t.Warnings).
		with("warning_counts", orNone(t.WarningCodes)).
		with("error_counts", orNone(t.Errors))
	var preview any // null: it is no dry run
	if j.DryRun && m.SeesKind(kind) {
		preview = object{
			{"created_" + kind.Counted, t.WouldImport}, {"updated_" + kind.Counted, t.WouldUpdate},
			{"existed_" + kind.Counted, t.WouldExist},
		}
	}
	return o.with("preview", preview)
}

// withPartyCounts adds how many customers and orders an import of licenses created, and how many existed.
func (o object) withPartyCounts(t *projector.Tally, m access.Manager) object {
	for _, c := range [...]struct {
		name string
		n    uint64
	}{
		{"created_customers_count", t.CreatedCustomers}, {"existed_customers_count", t.ExistedCustomers},
		{"created_orders_count", t.CreatedOrders}, {"existed_orders_count", t.ExistedOrders},
	} {
		if seesPartyCounts(m) {
			o = o.with(c.name, c.n)
		} else {
			o = o.with(c.name, nil)
		}
	}
	return o
}

// orNone returns a map that is {} in JSON, not null.
func orNone[K comparable](m map[K]uint64) map[K]uint64 {
	if m == nil {
		return map[K]uint64{}
	}
	return m
}

// orEmpty returns a list that is [] in JSON, not null.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// getImport answers with one import and its first rejected rows.
func (a *API) getImport(w http.ResponseWriter, r *http.Request, j *projector.Job, m access.Manager) error {
	others, err := a.related(j, m)
	if err != nil {
		return err
	}
	at, cacheable := sharedVersion(m, j)
	key := resultKey{j.ID, seesPartyCounts(m), others}
	if cacheable {
		if body, ok := a.results.get(key, at); ok {
			return httpx.WriteEncoded(w, http.StatusOK, body)
		}
	}
	rows, err := a.firstInvalidRows(r.Context(), j, m)
	if err != nil {
		return err
	}
	body, err := httpx.Encode(renderImport(j, m, others, rows))
	if err != nil {
		return err
	}
	if cacheable && len(rows) == int(min(j.Shown.Rejected, maxResultRows)) {
		a.results.put(key, at, body)
	}
	return httpx.WriteEncoded(w, http.StatusOK, body)
}

// firstInvalidRows returns the rejected rows that a result shows: as many as its count says, at
// most maxResultRows. The counts of a running import may be ahead of the file; then it waits for
// the file.
func (a *API) firstInvalidRows(ctx context.Context, j *projector.Job, m access.Manager) (rows []invalidRow, err error) {
	want := int(min(j.Shown.Rejected, maxResultRows))
	if want == 0 {
		return nil, nil
	}
	read := func() error {
		return a.projector.Read(ctx, func(views *projector.Reader) (err error) {
			rows, err = readFirstRows(views, j, m, want)
			return err
		})
	}
	if err := read(); err != nil || len(rows) == want || !seesAllRows(m, j) {
		return rows, err
	}
	if err := a.projector.WaitForJob(ctx, j); err != nil {
		return nil, err
	}
	err = read()
	return rows, err
}

// readFirstRows reads the first n rejected rows of an import that a manager may see, with long
// values cut.
func readFirstRows(views *projector.Reader, j *projector.Job, m access.Manager, n int) ([]invalidRow, error) {
	var rows []invalidRow
	for row := range visibleRejectedRows(m, j, views, views.RejectedRows(j.ID, 0)) {
		shown, err := readInvalidRow(views, j, row)
		if err != nil {
			return nil, err
		}
		if rows = append(rows, shown.cut(maxResultValue)); len(rows) == n {
			break
		}
	}
	return rows, nil
}

// parseStatus reads the status that imports must have, under one of its two names; "": any.
func parseStatus(query url.Values) (projector.Status, error) {
	documented, other := query.Get("status__iexact"), query.Get("status_iexact")
	if documented != "" && other != "" {
		return "", httpx.BadRequest("invalid_parameter",
			"Query parameters status__iexact and status_iexact mean the same: give one of them.")
	}
	return projector.Status(strings.ToLower(documented + other)), nil
}

// listImports lists the imports of a kind that the manager may see, without their rejected rows.
func (a *API) listImports(k *events.Kind) access.Handler {
	return func(w http.ResponseWriter, r *http.Request, _ httpx.Params, m access.Manager) error {
		status, err := parseStatus(r.URL.Query())
		if err != nil {
			return err
		}
		page, desc, err := parseOrder(r)
		if err == nil {
			err = a.projector.WaitForUploads(r.Context())
		}
		if err != nil {
			return err
		}
		q := visibleImports(m, projector.JobQuery{Kind: k, Status: status})
		return list[events.JobID, result]{
			members: func(views *projector.Reader) (iter.Seq[events.JobID], int, error) {
				return views.Jobs(q, desc), projector.CountUnknown, nil
			},
			render: func(views *projector.Reader, id events.JobID) (result, error) {
				j, err := mustExist(views.Job(id))
				if err != nil {
					return result{}, err
				}
				others, err := relatedTo(views.Job, j, m)
				return renderImport(j, m, others, nil), err
			},
		}.write(a, w, r, page)
	}
}

package readapi

import (
	"iter"
	"net/http"

	"licenseimport/events"
	"licenseimport/internal/access"
	"licenseimport/internal/httpx"
	"licenseimport/projector"
)

// listUpdatedRows lists the rows that changed something, or in a dry run would have. The id is null where an earlier
// row of the same dry run would have made it.
func (a *API) listUpdatedRows(w http.ResponseWriter, r *http.Request, j *projector.Job, m access.Manager) error {
	return a.listOutcomes(w, r, j, m, outcomeRows{
		rows: func(views *projector.Reader) iter.Seq[events.Row] { return views.UpdatedRows(j, 0) },
		read: func(views *projector.Reader, row events.Row) (*projector.Row, error) { return views.UpdatedRow(j, row) },
		show: func(j *projector.Job, row *projector.Row) object {
			o := object{{"row", row.Row}, {"line", orNil(row.Line)}}
			if id := j.ImportKind().ID; id != "" {
				o = o.with(id, orNil(row.ID))
			}
			return o.withIdentity(j, row.Identity).with("changed", orEmpty(row.Changed))
		},
	})
}

// listKeptRows lists the rows whose effect an undo left as it is, and which import changed it later.
func (a *API) listKeptRows(w http.ResponseWriter, r *http.Request, j *projector.Job, m access.Manager) error {
	return a.listOutcomes(w, r, j, m, outcomeRows{
		rows: func(views *projector.Reader) iter.Seq[events.Row] { return views.KeptRows(j.ID, 0) },
		read: func(views *projector.Reader, row events.Row) (*projector.Row, error) { return views.KeptRow(j.ID, row) },
		show: func(j *projector.Job, row *projector.Row) object {
			return object{{"row", row.Row}}.withIdentity(j, row.Identity).
				with("import_id", row.By.JobID).
				with("import_row", row.By.Row)
		},
	})
}

// warningID names the warning at an index of a row's.
type warningID struct {
	row   *projector.WarnedRow
	index int
}

// listWarnings lists the warnings of an import's valid rows, in the order of the file.
func (a *API) listWarnings(w http.ResponseWriter, r *http.Request, j *projector.Job, m access.Manager) error {
	page, err := httpx.ParsePage(r)
	if err == nil {
		err = a.projector.WaitForJob(r.Context(), j)
	}
	if err != nil {
		return err
	}
	code := events.WarningCode(r.URL.Query().Get("code"))
	return list[warningID, object]{
		members: func(views *projector.Reader) (iter.Seq[warningID], int, error) {
			return visibleWarnings(views, j, m, code), projector.CountUnknown, nil
		},
		render: func(_ *projector.Reader, id warningID) (object, error) {
			w := id.row.Warnings[id.index]
			return object{{"row", id.row.Row}, {"line", orNil(id.row.Line)}}.withIdentity(j, id.row.Identity).
				with("column", w.Column).
				with("code", w.Code).
				with("message", w.Message()).
				with("value", orNil(w.Value)), nil // null: not known
		},
	}.write(a, w, r, page)
}

// visibleWarnings yields the warnings of an import that a manager may see: those with a code, or if it is
// empty all. A row that cannot be read is left out.
func visibleWarnings(views *projector.Reader, j *projector.Job, m access.Manager, code events.WarningCode) iter.Seq[warningID] {
	rows := views.WarnedRows(j.ID, 0)
	if code != "" {
		rows = views.RowsWarnedWith(j.ID, code, 0)
	}
	all := seesAllRows(m, j)
	return func(yield func(warningID) bool) {
		for n := range rows {
			row, err := mustExist(views.WarnedRow(j.ID, n))
			if err != nil || !all && !m.Allowed(row.Product) {
				continue
			}
			for i, w := range row.Warnings {
				if (code == "" || w.Code == code) && !yield(warningID{row, i}) {
					return
				}
			}
		}
	}
}

// orNil returns nil (null in JSON) for a zero value.
func orNil[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// previewUndo answers with how much an undo would take back, restore and keep now; where the import
// cannot be undone with the answer that a POST would get.
func (a *API) previewUndo(w http.ResponseWriter, r *http.Request, j *projector.Job, _ access.Manager) error {
	if refused := j.UndoRefused(); refused != nil {
		code, message := refused.Problem()
		return httpx.Conflict(code, "%s", message).ForJob(uint64(j.ID))
	}
	if err := a.projector.WaitForJob(r.Context(), j); err != nil {
		return err
	}
	var counts events.UndoCounts
	err := a.projector.Read(r.Context(), func(views *projector.Reader) error {
		now, err := mustExist(views.Job(j.ID))
		if err == nil {
			counts = views.UndoPreview(now)
		}
		return err
	})
	if err != nil {
		return err
	}
	return httpx.WriteJSON(w, http.StatusOK, counts)
}

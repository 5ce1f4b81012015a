package readapi

import (
	"iter"
	"net/http"

	"licenseimport/events"
	"licenseimport/internal/access"
	"licenseimport/internal/httpx"
	"licenseimport/projector"
)

// updatedRow is a row that changed a license, or in a dry run would have.
type updatedRow struct {
	Row        events.Row      `json:"row"`
	Line       *uint64         `json:"line"`       // null: not known
	LicenseID  *events.Seq     `json:"license_id"` // null: an earlier row of the same dry run would have made it
	LicenseKey string          `json:"license_key"`
	Product    string          `json:"product"`
	Changed    []events.Change `json:"changed"`
}

func (a *API) listUpdatedRows(w http.ResponseWriter, r *http.Request, j *projector.Job, m access.Manager) error {
	read := func(views *projector.Reader, row events.Row) (*projector.UpdatedRow, error) {
		return mustExist(views.UpdatedRow(j, row))
	}
	return listRows(a, w, r, j, func(views *projector.Reader, _ events.JobID, row events.Row) (updatedRow, error) {
		u, err := read(views, row)
		if err != nil {
			return updatedRow{}, err
		}
		return updatedRow{u.Row, orNil(u.Line), orNil(u.License), u.Key, u.Product, orEmpty(u.Changed)}, nil
	}, func(views *projector.Reader) iter.Seq[events.Row] {
		return visibleRows(m, j, views.UpdatedRows(j, 0), func(row events.Row) (product string, err error) {
			u, err := read(views, row)
			if err != nil {
				return "", err
			}
			return u.Product, nil
		})
	})
}

// keptRow is a row whose license an undo left as it is, since something else changed it later.
type keptRow struct {
	Row        events.Row   `json:"row"`
	LicenseKey string       `json:"license_key"`
	Product    string       `json:"product"`
	ImportID   events.JobID `json:"import_id"`  // that changed the license since
	ImportRow  events.Row   `json:"import_row"` // of that import
}

func (a *API) listKeptRows(w http.ResponseWriter, r *http.Request, j *projector.Job, m access.Manager) error {
	return listRows(a, w, r, j, func(views *projector.Reader, id events.JobID, row events.Row) (keptRow, error) {
		e, err := mustExist(views.KeptRow(id, row))
		if err != nil {
			return keptRow{}, err
		}
		return keptRow{e.Row, e.LicenseKey, e.Product.ShortCode, e.By.JobID, e.By.Row}, nil
	}, func(views *projector.Reader) iter.Seq[events.Row] {
		return visibleRows(m, j, views.KeptRows(j.ID, 0), func(row events.Row) (product string, err error) {
			e, err := mustExist(views.KeptRow(j.ID, row))
			if err != nil {
				return "", err
			}
			return e.Product.ShortCode, nil
		})
	})
}

// warning is one warning of a row.
type warning struct {
	Row        events.Row         `json:"row"`
	Line       *uint64            `json:"line"` // null: not known
	LicenseKey string             `json:"license_key"`
	Product    string             `json:"product"`
	Column     string             `json:"column"`
	Code       events.WarningCode `json:"code"`
	Message    string             `json:"message"`
	Value      *string            `json:"value"` // null: not known
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
	return list[warningID, warning]{
		members: func(views *projector.Reader) (iter.Seq[warningID], int, error) {
			return visibleWarnings(views, j, m, code), projector.CountUnknown, nil
		},
		render: func(_ *projector.Reader, id warningID) (warning, error) {
			w := id.row.Warnings[id.index]
			return warning{id.row.Row, orNil(id.row.Line), id.row.Key, id.row.Product, w.Column, w.Code, w.Message(), orNil(w.Value)}, nil
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

// previewUndo answers with how many licenses an undo would take back, restore and keep now; where the import
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

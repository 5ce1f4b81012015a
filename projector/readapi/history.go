package readapi

import (
	"iter"
	"net/http"
	"slices"

	"licenseimport/events"
	"licenseimport/internal/access"
	"licenseimport/internal/httpx"
	"licenseimport/projector"
)

// historyFact is one event of a license, or of one of its features, as the API shows it.
type historyFact struct {
	Sequence  events.Seq      `json:"sequence"` // in the stream
	Time      string          `json:"time"`
	Type      string          `json:"type"`
	ImportID  events.JobID    `json:"import_id"`    // of an undo: the import that it took back
	ImportRow events.Row      `json:"import_row"`   // of that import
	Feature   *string         `json:"feature_code"` // null: the event is of the license itself
	Manager   *string         `json:"manager"`      // who uploaded the import, or asked for its undo
	Changed   []events.Change `json:"changed"`      // the columns that the event changed
}

// listHistory lists all events of a license and of its features, oldest first: also of one that is gone.
func (a *API) listHistory(w http.ResponseWriter, r *http.Request, params httpx.Params, m access.Manager) error {
	page, err := httpx.ParsePage(r)
	if err != nil {
		return err
	}
	id, ok := parseID(params)
	if !ok {
		return errNoLicense
	}
	if err := a.projector.WaitForID(r.Context(), id); err != nil {
		return err
	}
	return list[events.Seq, historyFact]{
		members: func(views *projector.Reader) (iter.Seq[events.Seq], int, error) {
			all, err := visibleHistory(views, id, m)
			return slices.Values(all), len(all), err
		},
		render: readFact,
	}.write(a, w, r, page)
}

// visibleHistory returns the events of a license that a manager may see.
func visibleHistory(views *projector.Reader, id events.Seq, m access.Manager) ([]events.Seq, error) {
	l, err := views.License(id)
	if err == nil && l == nil {
		l, err = views.GoneLicense(id)
	}
	if err != nil {
		return nil, err
	}
	if l == nil || !seesLicense(m, l) {
		return nil, errNoLicense
	}
	return views.History(id)
}

func readFact(views *projector.Reader, seq events.Seq) (historyFact, error) {
	f, err := mustExist(views.Fact(seq))
	if err != nil {
		return historyFact{}, err
	}
	row := events.RowOf(f.Event)
	shown := historyFact{
		Sequence: seq, Time: formatTime(f.Time), Type: f.Event.Type(), ImportID: row.JobID, ImportRow: row.Row,
	}
	d := events.DetailsOf(f.Event)
	shown.Changed, shown.Manager = d.Changed, orNil(d.Manager)
	if d.License != 0 {
		shown.Feature = &d.Identity[len(d.Identity)-1]
	}
	if shown.Manager == nil {
		j, err := views.Job(shown.ImportID)
		if err != nil {
			return historyFact{}, err
		}
		if j != nil {
			shown.Manager = &j.Manager
		}
	}
	shown.Changed = orEmpty(shown.Changed)
	return shown, nil
}

package readapi

import (
	"net/http"
	"strings"
	"testing"

	"licenseimport/events"
)

// toyEvent is an outcome of a row of toys, as a new kind would add it to package events.
type toyEvent struct {
	JobID    events.JobID  `json:"job_id"`
	Row      events.Row    `json:"row"`
	Code     string        `json:"code"`
	By       events.Origin `json:"by"`
	Previous events.Seq    `json:"previous"`
}

func (e *toyEvent) ID() string            { return e.JobID.String() + "/" + events.JobID(e.Row).String() }
func (e *toyEvent) Subject() string       { return "toys." + events.Token(e.Code) }
func (e *toyEvent) Job() events.JobID     { return e.JobID }
func (e *toyEvent) Origin() events.Origin { return events.Origin{JobID: e.JobID, Row: e.Row} }
func (e *toyEvent) Details() events.Details {
	return events.Details{Identity: []string{e.Code}, By: e.By}
}

type (
	toyMade    struct{ toyEvent }
	toyChanged struct{ toyEvent }
	toyExisted struct{ toyEvent }
)

func (*toyMade) Type() string             { return "ToyMade" }
func (*toyMade) Result() events.Result    { return events.Imported }
func (*toyChanged) Type() string          { return "ToyChanged" }
func (*toyChanged) Result() events.Result { return events.Updated }
func (*toyExisted) Type() string          { return "ToyExisted" }
func (*toyExisted) Result() events.Result { return events.Existed }
func (e *toyExisted) Subject() string     { return "outcomes." + e.JobID.String() + ".existed" }

// TestToyKind: the results, the lists and the files of the rows of a further kind follow from its row in the table of
// kinds and its event types. Not parallel: it extends the tables.
func TestToyKind(t *testing.T) {
	code := column("code")
	toys, remove := events.Extend(
		events.Kind{Name: "toys", One: "toy", Many: "toys", Counted: "toys", Undoable: true, Upload: "toys/import_from_csv/",
			Results:  "toys-import-results/",
			Subjects: "toys.*", Identity: []events.Identity{{Column: code, Field: "toy"}}},
		[]string{"code", "consumption_period"},
		func() events.Event { return new(toyMade) }, func() events.Event { return new(toyChanged) }, func() events.Event { return new(toyExisted) },
	)
	defer remove()
	start := started(1, "anna")
	start.Kind, start.Columns = toys.Name, toys.ColumnNames()
	made := &toyMade{toyEvent{JobID: 1, Row: 1, Code: "bear"}}
	r := newHarness(t, t.TempDir(), newMemLog(start, sealed(1, 4), progressed(1, 0, 0, 0, 0), made, // 4
		&toyExisted{toyEvent{JobID: 1, Row: 2, Code: "bear", By: made.Origin()}},
		&toyChanged{toyEvent{JobID: 1, Row: 3, Code: "bear", Previous: 4}},
		rejected(1, 4, events.Required), finished(1, 4, 1, 1, 1)))
	r.catchUp()
	const path = prefix + "toys-import-results/"
	for address, want := range map[string]string{
		path:                         `"kind":"toys"`,
		path + "1/":                  `"created_toys_count":1,"existed_toys_count":1,"updated_toys_count":1`,
		path + "1/existed_rows/":     `[{"row":2,"toy":"bear","import_id":1,"import_row":1,"differs":[]}]`,
		path + "1/updated_rows/":     `[{"row":3,"line":null,"toy":"bear","changed":[]}]`,
		path + "1/imported_rows.csv": "row,line,code,outcome\r\n1,,bear,imported\r\n2,,bear,existed\r\n3,,bear,updated\r\n",
		path + "1/invalid_rows.csv":  "code,consumption_period,error__row",
		path + "1/undo/":             `{"revoked":1,"restored":0,"kept":0}`,
		prefix + "customers/":        `"count":0`,
		importsPath:                  `"count":0`,
	} {
		if a := r.get(address); a.status != http.StatusOK || !strings.Contains(a.body, want) {
			t.Errorf("%s: %d %s\nwant %s", address, a.status, a.body, want)
		}
	}
}

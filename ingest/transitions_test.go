package ingest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"licenseimport/events"
	"licenseimport/events/importjob"
	"licenseimport/internal/access"
	"licenseimport/internal/httpx"
)

// The facts of job 1.
var (
	started   = &events.ImportStarted{JobID: 1, Manager: "ada", Mode: events.Partial}
	sealed    = &events.ImportSealed{JobID: 1, Rows: 2}
	aborted   = &events.ImportAborted{JobID: 1, Message: "too slow"}
	cancelled = &events.ImportCancelled{JobID: 1, Manager: "bob"}
	importing = &events.ImportProgressed{JobID: 1, Phase: events.Import}
	finished  = &events.ImportFinished{JobID: 1}
	undoing   = &events.UndoStarted{JobID: 1, Manager: "bob"}
	undone    = &events.UndoFinished{JobID: 1}
)

// after is the state of job 1 after facts, the last of which the stream took at a time.
func after(t *testing.T, at time.Time, facts ...events.Event) importjob.State {
	t.Helper()
	s := importjob.State{Job: 1}
	for i, e := range facts {
		if err := s.Apply(importjob.Fact{Event: e, Seq: events.Seq(i + 1), Time: at}); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// kindOf is the kind at whose address an import stands.
func kindOf(s importjob.State) *events.Kind {
	if s.Started == nil {
		return events.DefaultKind
	}
	return events.KindNamed(s.Started.Kind)
}

// codeOf is the code of an answer, or "" for none.
func codeOf(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	known, ok := errors.AsType[*httpx.Error](err)
	if !ok {
		t.Fatalf("not an answer: %v", err)
	}
	return known.Code
}

func TestCancelIsDecided(t *testing.T) {
	ada := access.Manager{Name: "ada", Role: access.Importer}
	bob := access.Manager{Name: "bob", Role: access.Importer}
	admin := access.Manager{Name: "root", Role: access.Admin}
	limited := access.Manager{Name: "leo", Role: access.Admin, Products: []string{"psc"}}
	limitedAda := access.Manager{Name: "ada", Role: access.Admin, Products: []string{"psc"}}
	customers := &events.ImportStarted{JobID: 1, Manager: "ada", Kind: events.Customers.Name}
	for name, tt := range map[string]struct {
		facts []events.Event
		by    access.Manager
		code  string
	}{
		"unknown":                  {nil, admin, "not_found"},
		"aborted before its start": {[]events.Event{aborted}, admin, "not_found"},
		"one's own":                {[]events.Event{started, sealed}, ada, ""},
		"by an admin":              {[]events.Event{started, sealed}, admin, ""},
		"another's":                {[]events.Event{started, sealed}, bob, "not_found"},
		"another's that has ended": {[]events.Event{started, sealed, finished}, bob, "not_found"},
		"finished":                 {[]events.Event{started, sealed, finished}, ada, "already_ended"},

		"another's, by a limited admin":              {[]events.Event{started, sealed}, limited, ""},
		"another's customers, by a limited admin":    {[]events.Event{customers, sealed}, limited, "not_found"},
		"one's own customers, before the key limits": {[]events.Event{customers, sealed}, limitedAda, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := after(t, time.Time{}, tt.facts...)
			fact, err := cancel(s, kindOf(s), tt.by)
			if err != nil {
				err = storeError(err)
			}
			if codeOf(t, err) != tt.code || (fact == nil) != (tt.code != "") {
				t.Fatalf("%v, %v", fact, err)
			}
			if fact != nil && *fact.(*events.ImportCancelled) != (events.ImportCancelled{JobID: 1, Manager: tt.by.Name}) {
				t.Errorf("%+v", fact)
			}
		})
	}
}

func TestUndoIsDecided(t *testing.T) {
	ada := access.Manager{Name: "ada", Role: access.Importer}
	bob := access.Manager{Name: "bob", Role: access.Importer}
	admin := access.Manager{Name: "root", Role: access.Admin}
	limited := access.Manager{Name: "leo", Role: access.Admin, Products: []string{"psc"}}
	limitedAda := access.Manager{Name: "ada", Role: access.Importer, Products: []string{"psc"}}
	limitedBob := access.Manager{Name: "bob", Role: access.Importer, Products: []string{"psc"}}
	forPSC := &events.ImportStarted{JobID: 1, Manager: "ada", Products: []string{"psc"}}
	customers := &events.ImportStarted{JobID: 1, Manager: "ada", Kind: events.Customers.Name}
	forTwo := &events.ImportStarted{JobID: 1, Manager: "ada", Products: []string{"psc", "other"}}
	for name, tt := range map[string]struct {
		facts []events.Event
		by    access.Manager
		code  string
	}{
		"unknown":          {nil, admin, "not_found"},
		"one's own":        {[]events.Event{started, sealed, finished}, ada, ""},
		"by an admin":      {[]events.Event{started, sealed, finished}, admin, ""},
		"another's":        {[]events.Event{started, sealed, finished}, bob, "not_found"},
		"another's, twice": {[]events.Event{started, sealed, finished, undoing}, bob, "not_found"},
		"twice":            {[]events.Event{started, sealed, finished, undoing}, ada, "undo_running"},
		"again":            {[]events.Event{started, sealed, finished, undoing, undone}, ada, "already_undone"},

		"of all products, by a limited admin":     {[]events.Event{started, sealed, finished}, limited, "permission_denied"},
		"of its products, by a limited admin":     {[]events.Event{forPSC, sealed, finished}, limited, ""},
		"of its products and others, by that":     {[]events.Event{forTwo, sealed, finished}, limited, "permission_denied"},
		"one's own, made before the key's limits": {[]events.Event{started, sealed, finished}, limitedAda, "permission_denied"},
		"of some products, by an admin of all":    {[]events.Event{forTwo, sealed, finished}, admin, ""},
		"another's, by a limited importer":        {[]events.Event{forPSC, sealed, finished}, limitedBob, "not_found"},
		"another's customers, by a limited admin": {[]events.Event{customers, sealed, finished}, limited, "not_found"},
	} {
		t.Run(name, func(t *testing.T) {
			s := after(t, time.Time{}, tt.facts...)
			fact, err := undo(s, kindOf(s), tt.by)
			if err != nil {
				err = storeError(err)
			}
			if codeOf(t, err) != tt.code || (fact == nil) != (tt.code != "") {
				t.Fatalf("%v, %v", fact, err)
			}
			if fact != nil && *fact.(*events.UndoStarted) != (events.UndoStarted{JobID: 1, Manager: tt.by.Name}) {
				t.Errorf("%+v", fact)
			}
		})
	}
}

// TestRefusalsAreAnswers: each reason has its status and code, and all but the import that does not
// exist name the job.
func TestRefusalsAreAnswers(t *testing.T) {
	want := map[importjob.Reason]struct {
		status int
		code   string
	}{
		importjob.NotStarted:   {404, "not_found"},
		importjob.WasCancelled: {409, "cancelled"},
		importjob.WasAborted:   {409, "aborted"},
		importjob.UploadEnded:  {409, "already_ended"},
		importjob.ImportEnded:  {409, "already_ended"},
		importjob.ImportingAll: {409, "importing"},
		importjob.NeverSealed:  {409, "nothing_to_retry"},

		importjob.NotEnded:        {409, "not_ended"},
		importjob.EndPending:      {503, "not_ended"},
		importjob.WasDryRun:       {409, "dry_run"},
		importjob.NothingImported: {409, "nothing_imported"},
		importjob.UndoRunning:     {409, "undo_running"},
		importjob.WasUndone:       {409, "already_undone"},
		importjob.NoUndo:          {409, "cannot_be_undone"},
	}
	for _, reason := range importjob.Reasons() {
		answer := storeError(fmt.Errorf("seal: %w", &importjob.RefusedError{Job: 1, Reason: reason, Detail: "ada"}))
		if answer.Status != want[reason].status || answer.Code != want[reason].code || (answer.JobID == 1) != (answer.Status != 404) {
			t.Errorf("%s: %+v", reason, answer)
		}
	}
	if answer := refusal(&importjob.RefusedError{Job: 1, Reason: "new"}); answer.Status != 500 {
		t.Errorf("a reason without an answer: %+v", answer)
	}
}

// TestRetentionCountsFromTheImportsEnd: an undo does not prolong the time for which an import's rows stay.
func TestRetentionCountsFromTheImportsEnd(t *testing.T) {
	c := Config{}.withDefaults()
	now := time.Now()
	s := after(t, now.Add(-c.Retention-1), started, sealed, finished)
	for i, e := range []events.Event{undoing, undone} {
		if err := s.Apply(importjob.Fact{Event: e, Seq: events.Seq(4 + i), Time: now}); err != nil {
			t.Fatal(err)
		}
		if got := actionFor(s, 0, now, c); got != purgeRows {
			t.Errorf("after %s: %v, want the rows purged", e.Type(), got)
		}
	}
}

func TestJanitorActions(t *testing.T) {
	c := Config{}.withDefaults()
	now := time.Now()
	for name, tt := range map[string]struct {
		facts  []events.Event
		ago    time.Duration // the last fact
		silent time.Duration // the upload
		want   janitorAction
	}{
		"rows of a job that may start":        {nil, 0, c.Abandoned, wait},
		"rows of a job that will not start":   {nil, 0, c.Abandoned + 1, abort},
		"aborted before its start":            {[]events.Event{aborted}, 0, 0, purgeRows},
		"a live upload":                       {[]events.Event{started}, 0, c.Abandoned, wait},
		"an abandoned upload":                 {[]events.Event{started}, 0, c.Abandoned + 1, abort},
		"sealed, waiting for long":            {[]events.Event{started, sealed}, 0, 100 * time.Hour, wait},
		"importing for long":                  {[]events.Event{started, sealed, importing}, 0, 100 * time.Hour, wait},
		"ended a while ago":                   {[]events.Event{started, sealed, finished}, c.Retention, 0, wait},
		"ended long ago":                      {[]events.Event{started, sealed, finished}, c.Retention + 1, 0, purgeRows},
		"aborted":                             {[]events.Event{started, aborted}, 0, 0, purgeRows},
		"cancelled before its seal":           {[]events.Event{started, cancelled}, 0, 0, purgeRows},
		"cancelled after its seal":            {[]events.Event{started, sealed, cancelled}, c.Retention, 0, wait},
		"cancelled, its end was not appended": {[]events.Event{started, sealed, cancelled}, c.Retention + 1, 0, purgeRows},
		"undone, ended a while ago":           {[]events.Event{started, sealed, finished, undoing, undone}, c.Retention, 0, wait},
		"being undone, ended long ago":        {[]events.Event{started, sealed, finished, undoing}, c.Retention + 1, 0, purgeRows},
	} {
		t.Run(name, func(t *testing.T) {
			if got := actionFor(after(t, now.Add(-tt.ago), tt.facts...), tt.silent, now, c); got != tt.want {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
}

package ingest

import (
	"errors"
	"testing"
	"time"

	"licenseimport/events"
	"licenseimport/internal/access"
	"licenseimport/internal/httpx"
)

// The stations of a job's life.
var (
	started    = &events.ImportStarted{JobID: 1, Manager: "ada", Mode: events.Partial}
	wholesale  = &events.ImportStarted{JobID: 1, Manager: "ada", Mode: events.AllOrNothing}
	sealed     = &events.ImportSealed{JobID: 1, Rows: 2, Bytes: 9, SHA256: "ab"}
	aborted    = &events.ImportAborted{JobID: 1}
	cancelled  = &events.ImportCancelled{JobID: 1}
	finished   = &events.ImportFinished{JobID: 1}
	validating = &events.ImportProgressed{JobID: 1, Phase: events.Validate}
	importing  = &events.ImportProgressed{JobID: 1, Phase: events.Import}

	unknown         = facts{job: 1}
	isOpen          = facts{job: 1, last: started, started: started}
	isSealed        = facts{job: 1, last: sealed, started: started, sealed: sealed}
	isImporting     = facts{job: 1, last: importing, started: started, sealed: sealed}
	isFinished      = facts{job: 1, last: finished, started: started, sealed: sealed}
	isAborted       = facts{job: 1, last: aborted, started: started}
	isOrphan        = facts{job: 1, last: aborted}
	cancelledEarly  = facts{job: 1, last: cancelled, started: started}
	cancelledLate   = facts{job: 1, last: cancelled, started: started, sealed: sealed}
	wholeValidating = facts{job: 1, last: validating, started: wholesale, sealed: sealed}
	wholeImporting  = facts{job: 1, last: importing, started: wholesale, sealed: sealed}
)

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
	for name, tt := range map[string]struct {
		facts facts
		by    access.Manager
		code  string
	}{
		"unknown":                  {unknown, admin, "not_found"},
		"an orphan":                {isOrphan, admin, "not_found"},
		"while uploading":          {isOpen, ada, ""},
		"sealed":                   {isSealed, ada, ""},
		"importing":                {isImporting, ada, ""},
		"by an admin":              {isSealed, admin, ""},
		"another's":                {isSealed, bob, "not_found"},
		"another's that has ended": {isFinished, bob, "not_found"},
		"finished":                 {isFinished, ada, "already_ended"},
		"aborted":                  {isAborted, ada, "already_ended"},
		"cancelled":                {cancelledEarly, ada, "already_ended"},
		"all or nothing validates": {wholeValidating, ada, ""},
		"all or nothing imports":   {wholeImporting, ada, "importing"},
	} {
		t.Run(name, func(t *testing.T) {
			fact, err := cancel(tt.facts, tt.by)
			if codeOf(t, err) != tt.code || (fact == nil) != (tt.code != "") {
				t.Fatalf("%v, %v", fact, err)
			}
			if fact != nil && *fact.(*events.ImportCancelled) != (events.ImportCancelled{JobID: 1, Manager: tt.by.Name}) {
				t.Errorf("%+v", fact)
			}
		})
	}
}

func TestSealAndAbortAreDecided(t *testing.T) {
	for name, tt := range map[string]struct {
		facts  facts
		seal   string // code of the refusal
		aborts bool
	}{
		"unknown":         {unknown, "already_ended", true},
		"open":            {isOpen, "", true},
		"sealed":          {isSealed, "already_ended", false},
		"importing":       {isImporting, "already_ended", false},
		"finished":        {isFinished, "already_ended", false},
		"aborted":         {isAborted, "aborted", false},
		"cancelled":       {cancelledEarly, "cancelled", false},
		"cancelled later": {cancelledLate, "cancelled", false},
	} {
		t.Run(name, func(t *testing.T) {
			fact, err := seal(tt.facts, sealed)
			if codeOf(t, err) != tt.seal || (fact == nil) != (tt.seal != "") {
				t.Errorf("seal: %v, %v", fact, err)
			}
			if fact := abort(tt.facts, aborted); (fact != nil) != tt.aborts {
				t.Errorf("abort: %v", fact)
			}
		})
	}
}

func TestRepeatedKeyIsDecided(t *testing.T) {
	const patience = 2 * time.Minute
	for name, tt := range map[string]struct {
		facts facts
		age   time.Duration
		want  meaning
	}{
		"no fact yet":               {unknown, patience, inProgress},
		"no fact for too long":      {unknown, patience + 1, lost},
		"uploading":                 {isOpen, time.Hour, inProgress},
		"sealed":                    {isSealed, 0, sealedOnce},
		"importing":                 {isImporting, 0, sealedOnce},
		"finished":                  {isFinished, 0, sealedOnce},
		"cancelled before its seal": {cancelledEarly, 0, free},
		"cancelled after its seal":  {cancelledLate, 0, sealedOnce},
		"aborted":                   {isAborted, 0, free},
		"aborted before it started": {isOrphan, 0, free},
	} {
		t.Run(name, func(t *testing.T) {
			if got := repeated(tt.facts, tt.age, patience); got != tt.want {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
}

func TestSameUpload(t *testing.T) {
	for name, tt := range map[string]struct {
		query string
		bytes uint64
		sum   string
		want  bool
	}{
		"same":          {"", 9, "ab", true},
		"other query":   {"dry_run=true", 9, "ab", false},
		"other length":  {"", 8, "ab", false},
		"other content": {"", 9, "ac", false},
	} {
		if got := same(isSealed, tt.query, tt.bytes, tt.sum); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestSweepIsDecided(t *testing.T) {
	c := Config{}.withDefaults()
	now := time.Now()
	at := func(f facts, ago time.Duration) facts { f.time = now.Add(-ago); return f }
	for name, tt := range map[string]struct {
		facts     facts
		unchanged time.Duration
		want      duty
	}{
		"rows of a job that may start":  {unknown, c.Abandoned, wait},
		"rows of a job that will not":   {unknown, c.Abandoned + 1, giveUp},
		"an orphan that was ended":      {at(isOrphan, 0), 0, purge},
		"a live upload":                 {isOpen, c.Abandoned, wait},
		"an abandoned upload":           {isOpen, c.Abandoned + 1, giveUp},
		"sealed, waiting for long":      {isSealed, 100 * time.Hour, wait},
		"importing for long":            {isImporting, 100 * time.Hour, wait},
		"ended a while ago":             {at(isFinished, c.Retention), 0, wait},
		"ended long ago":                {at(isFinished, c.Retention+1), 0, purge},
		"aborted long ago":              {at(isAborted, c.Retention+1), 0, purge},
		"cancelled, its end never came": {at(cancelledLate, c.Retention+1), 0, purge},
	} {
		t.Run(name, func(t *testing.T) {
			if got := sweep(tt.facts, tt.unchanged, now, c); got != tt.want {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
}

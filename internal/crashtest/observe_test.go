//go:build unix

package crashtest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"licenseimport/events"
	"licenseimport/events/eventlog"
)

var errEnough = errors.New("enough was read")

// follow gives fn what the stream holds, and what comes, until fn returns
// errEnough; or until nothing is left where it is not to wait for more.
func follow(url string, waits bool, fn func(Stored) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	log, err := eventlog.Open(ctx, eventlog.Config{URL: url, Name: "crashtest"})
	if err != nil {
		return err
	}
	defer log.Close()
	state, err := log.State(ctx)
	if err != nil || state.Messages == 0 && !waits {
		return err
	}
	err = log.Follow(ctx, 0, nil, func(m eventlog.Message) error {
		envelope, err := events.Decode(m.Data)
		if err != nil {
			return err
		}
		if id := envelope.Event.ID(); id != envelope.ID || m.Subject != envelope.Event.Subject() {
			return fmt.Errorf("sequence %d: %s at %s is called %s", m.Seq, id, m.Subject, envelope.ID)
		}
		if err := fn(Stored{Seq: m.Seq, Event: envelope.Event}); err != nil {
			return err
		}
		if m.Seq == state.Last && !waits {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// outcomeOf tells whether an event decides a row of the import.
func outcomeOf(job events.JobID, e events.Event) bool {
	switch e.(type) {
	case *events.LicenseImported, *events.LicenseExisted, *events.RowRejected:
		return e.Job() == job
	}
	return false
}

// decided waits until so many rows of an import have their outcomes in the stream,
// or the import has ended.
func decided(url string, job events.JobID, rows int) error {
	return follow(url, true, func(s Stored) error {
		if outcomeOf(job, s.Event) {
			rows--
		}
		if _, ended := s.Event.(*events.ImportFinished); rows <= 0 || ended && s.Event.Job() == job {
			return errEnough
		}
		return nil
	})
}

// outcomes counts those that an import has in the stream by now.
func outcomes(url string, job events.JobID) (n int, err error) {
	err = follow(url, false, func(s Stored) error {
		if outcomeOf(job, s.Event) {
			n++
		}
		return nil
	})
	return n, err
}

// verify waits until every import has ended, checks the whole stream against what
// the clients saw, and each answer of the API against the stream. It logs the counts.
func verify(t *testing.T, nats string, c *client, files ...*file) *Report {
	t.Helper()
	shown, err := c.settled()
	must(t, err)
	report, err := reckon(nats, files)
	must(t, err)
	t.Log(report)
	if !report.OK() {
		t.Error("there are faults")
	}
	for _, i := range shown {
		compare(t, i, report.Results)
	}
	return report
}

// reckon checks what the stream holds by now against what the clients saw.
func reckon(nats string, files []*file) (*Report, error) {
	var stream []Stored
	err := follow(nats, false, func(s Stored) error { stream = append(stream, s); return nil })
	uploads := make([]Upload, len(files))
	for i, f := range files {
		uploads[i] = f.Upload
	}
	return Check(uploads, stream), err
}

// compare holds what the API shows of an import against the reckoning.
func compare(t *testing.T, shown imported, results map[events.JobID]Result) {
	t.Helper()
	want, sealed := results[shown.ID]
	switch {
	case sealed && (shown.Status != "success" || shown.Result == nil || *shown.Result != want):
		t.Errorf("import %d is shown as %s\n %+v, want success and\n %+v", shown.ID, shown.Status, shown.Result, want)
	case !sealed && (shown.Status != "error" || shown.Error == nil || shown.Result != nil):
		t.Errorf("import %d of %s, cut off, is shown as %+v", shown.ID, shown.FileName, shown)
	}
}

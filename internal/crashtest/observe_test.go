//go:build unix

package crashtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"testing"

	"licenseimport/events"
	"licenseimport/events/eventlog"
)

var errEnough = errors.New("enough was read")

// follow gives fn what the stream holds, and what comes, until fn returns
// errEnough; or until nothing is left where it is not to wait for more.
func follow(url string, waits bool, fn func(Stored) error) error {
	ctx, alive, cancel := untilSilent()
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
		alive()
		envelope, err := events.Decode(m.Data)
		if err != nil {
			return err
		}
		if id := envelope.Event.ID(); id != envelope.ID || m.Subject != envelope.Event.Subject() {
			return fmt.Errorf("sequence %d: %s at %s is called %s", m.Seq, id, m.Subject, envelope.ID)
		}
		if err := fn(Stored{Seq: m.Seq, Event: envelope.Event, Batch: m.BatchID, Last: m.Commit}); err != nil {
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

// lastFact is the last fact of an import.
func lastFact(url string, job events.JobID) (events.Event, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	log, err := eventlog.Attach(ctx, eventlog.Config{URL: url})
	if err != nil {
		return nil, err
	}
	defer log.Close()
	m, _, err := log.LastFact(ctx, job)
	if err != nil {
		return nil, err
	}
	envelope, err := events.Decode(m.Data)
	return envelope.Event, err
}

// checkProgress is how many rows of an import are decided, as its last fact says.
func position(url string, job events.JobID) (int, error) {
	last, err := lastFact(url, job)
	var c events.Counts
	switch e := last.(type) {
	case *events.ImportProgressed:
		c = e.Counts
	case *events.ImportFinished:
		c = e.Counts
	}
	return int(c.Imported + c.Existed + c.Rejected), err
}

// verify waits until every import has ended, checks the whole stream against what
// the clients saw, and each answer of the API against the stream. It logs the counts.
func verify(t *testing.T, nats string, c *client, files ...*file) *Report {
	t.Helper()
	shown, err := c.settled()
	must(t, err)
	report, err := checkStream(nats, files)
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

// checkStream checks what the stream holds by now against what the clients saw.
func checkStream(nats string, files []*file) (*Report, error) {
	uploads := make([]Upload, len(files))
	for i, f := range files {
		uploads[i] = f.Upload
	}
	var stored, received error
	report := Check(uploads, receivedIn(nats, &received), storedIn(nats, &stored))
	return report, errors.Join(stored, received)
}

// storedIn are the events of the stream, until one cannot be read.
func storedIn(nats string, err *error) iter.Seq[Stored] {
	return sequence(err, func(fn func(Stored) error) error { return follow(nats, false, fn) })
}

// receivedIn are the rows of the stream ROWS, one import after the other, until one cannot be read.
func receivedIn(nats string, err *error) iter.Seq[Received] {
	return sequence(err, func(fn func(Received) error) error { return receivedRows(nats, fn) })
}

// sequence are the values that read gives its function. It sets err to what read returns.
func sequence[T any](err *error, read func(fn func(T) error) error) iter.Seq[T] {
	return func(yield func(T) bool) {
		*err = read(func(value T) error {
			if !yield(value) {
				return errEnough
			}
			return nil
		})
		if errors.Is(*err, errEnough) {
			*err = nil
		}
	}
}

// receivedRows gives fn the rows of the stream ROWS, one import after the other.
func receivedRows(nats string, fn func(Received) error) error {
	ctx, alive, cancel := untilSilent()
	defer cancel()
	log, err := eventlog.Attach(ctx, eventlog.Config{URL: nats})
	if err != nil {
		return err
	}
	defer log.Close()
	jobs, err := log.RowJobs(ctx)
	if err != nil {
		return err
	}
	for _, job := range jobs {
		alive()
		if err := rowsOf(ctx, log, job, fn); err != nil {
			return err
		}
	}
	return nil
}

var (
	keyColumn, _     = events.ColumnIndex("license__license_key")
	productColumn, _ = events.ColumnIndex("product__short_code")
)

func rowsOf(ctx context.Context, log *eventlog.Log, job events.JobID, fn func(Received) error) error {
	reader, err := log.Rows(ctx, job, 0)
	if err != nil {
		return err
	}
	defer reader.Stop()
	for last := events.Row(0); ; {
		m, err := reader.Next(ctx)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		envelope, err := events.Decode(m.Data)
		if err != nil {
			return err
		}
		row, ok := envelope.Event.(*events.RowReceived)
		if !ok || row.JobID != job {
			return fmt.Errorf("sequence %d of ROWS: %s of import %d among the rows of %d", m.Seq, envelope.Event.Type(), envelope.Event.Job(), job)
		}
		if row.Row <= last {
			continue // a repetition: see eventlog.Log.AppendRows
		}
		last = row.Row
		license := License{Product: row.Values[productColumn], Key: row.Values[keyColumn]}
		if err := fn(Received{Job: job, Row: row.Row, License: license}); err != nil {
			return err
		}
	}
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

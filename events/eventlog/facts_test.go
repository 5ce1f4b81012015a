package eventlog_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/events/eventlog/eventlogtest"
)

func TestAppendFactHasOneWinner(t *testing.T) {
	t.Parallel()
	log := eventlogtest.Start(t)
	var won, lost atomic.Int32
	var writers sync.WaitGroup
	for i := range 8 {
		writers.Go(func() {
			subject := fmt.Sprintf("imports.7.fact%d", i)
			switch _, err := log.AppendFact(t.Context(), 7, subject, []byte("{}"), 0); {
			case err == nil:
				won.Add(1)
			case errors.Is(err, eventlog.ErrWrongSequence):
				lost.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	writers.Wait()
	if won.Load() != 1 || lost.Load() != 7 {
		t.Fatalf("%d won and %d lost, want 1 and 7", won.Load(), lost.Load())
	}
	if state := stateOf(t, log); state.Messages != 1 {
		t.Fatalf("%d facts are stored, want 1", state.Messages)
	}
}

func TestFactsAreReadBack(t *testing.T) {
	t.Parallel()
	log := eventlogtest.Start(t)
	if _, found, err := log.LastFact(t.Context(), 7); found || err != nil {
		t.Fatalf("a job without facts: %v, %v", found, err)
	}
	first := appendFact(t, log, 7, events.StartedSubject(7), 0)
	second := appendFact(t, log, 7, events.SealedSubject(7), first)
	appendFact(t, log, 70, events.StartedSubject(70), 0)

	last, found, err := log.LastFact(t.Context(), 7)
	if err != nil || !found || last.Seq != second || last.Subject != "imports.7.sealed" || last.BatchID == "" || last.Time.IsZero() {
		t.Errorf("last fact: %+v, %v, %v", last, found, err)
	}
	started, found, err := log.Fact(t.Context(), events.StartedSubject(7))
	if err != nil || !found || started.Seq != first || string(started.Data) != "imports.7.started" {
		t.Errorf("first fact: %+v, %v, %v", started, found, err)
	}
	at, found, err := log.MessageAt(t.Context(), second)
	if err != nil || !found || at.Subject != last.Subject || !at.Time.Equal(last.Time) {
		t.Errorf("message at %d: %+v, %v, %v", second, at, found, err)
	}
	if _, found, err := log.MessageAt(t.Context(), 99); found || err != nil {
		t.Errorf("message at 99: %v, %v", found, err)
	}
}

func TestCommitStoresAll(t *testing.T) {
	t.Parallel()
	log := eventlogtest.Start(t)
	started := appendFact(t, log, 7, events.StartedSubject(7), 0)
	batch := log.NewBatch(7)
	addLicenses(t, batch, 0, eventlog.MaxBatch-1)
	if err := batch.Add("outcomes.7.existed", nil); err == nil {
		t.Error("a batch took more than its limit")
	}
	seq, err := batch.Commit(t.Context(), "imports.7.progressed", []byte("999"), started)
	if err != nil || seq != started+eventlog.MaxBatch {
		t.Fatalf("commit: %d, %v", seq, err)
	}
	if last, _, _ := log.LastFact(t.Context(), 7); last.Seq != seq {
		t.Errorf("the last fact is %d, want %d", last.Seq, seq)
	}
}

func TestCommitIsFenced(t *testing.T) {
	t.Parallel()
	log := eventlogtest.Start(t)
	started := appendFact(t, log, 7, events.StartedSubject(7), 0)
	batch := log.NewBatch(7)
	addLicenses(t, batch, 0, 10)
	appendFact(t, log, 7, "imports.7.cancelled", started)
	if _, err := batch.Commit(t.Context(), "imports.7.progressed", nil, started); !errors.Is(err, eventlog.ErrWrongSequence) {
		t.Fatalf("commit after a cancel: %v", err)
	}
	if state := stateOf(t, log); state.Messages != 2 {
		t.Errorf("%d messages are stored, want 2", state.Messages)
	}
}

func TestCommitWithAnExistingLicenseStoresNothing(t *testing.T) {
	t.Parallel()
	log := eventlogtest.Start(t)
	started := appendFact(t, log, 7, events.StartedSubject(7), 0)
	first := log.NewBatch(7)
	addLicenses(t, first, 0, 1)
	progressed := mustCommit(t, first, started)

	second := log.NewBatch(7)
	addLicenses(t, second, 5, 10)
	addLicenses(t, second, 0, 1)
	_, err := second.Commit(t.Context(), "imports.7.progressed", nil, progressed)
	if !errors.Is(err, eventlog.ErrConflict) || errors.Is(err, eventlog.ErrWrongSequence) {
		t.Fatalf("commit with a license that exists: %v", err)
	}
	if state := stateOf(t, log); state.Last != progressed {
		t.Errorf("the stream ends at %d, want %d", state.Last, progressed)
	}
	third := log.NewBatch(7)
	addLicenses(t, third, 5, 10)
	mustCommit(t, third, progressed)
}

func TestLookup(t *testing.T) { eachMode(t, testLookup) }

func testLookup(t *testing.T, log *eventlog.Log) {
	started := appendFact(t, log, 7, events.StartedSubject(7), 0)
	for from := 0; from < 1800; from += 900 {
		batch := log.NewBatch(7)
		addLicenses(t, batch, from, from+900)
		started = mustCommit(t, batch, started)
	}
	var subjects []string
	for i := range 3600 {
		subjects = append(subjects, license(i*1800/3600*2)) // up to 3598, each twice
	}
	found, err := lookUp(t, log, subjects)
	if err != nil || len(found) != 900 {
		t.Fatalf("%d found, %v; want 900", len(found), err)
	}
	if m := found[license(1798)]; string(m.Data) != license(1798) || m.Seq == 0 || m.Subject != license(1798) {
		t.Errorf("license 1798: %+v", m)
	}
	if found, err := lookUp(t, log, []string{"licenses.psc.none"}); err != nil || len(found) != 0 {
		t.Errorf("a subject without message: %v, %v", found, err)
	}
	if found, err := lookUp(t, log, nil); err != nil || len(found) != 0 {
		t.Errorf("no subjects: %v, %v", found, err)
	}
}

// TestLookupEndsWithAnError: Lookup returns the callback's error.
func TestLookupEndsWithAnError(t *testing.T) { eachMode(t, testLookupEndsWithAnError) }

func testLookupEndsWithAnError(t *testing.T, log *eventlog.Log) {
	started := appendFact(t, log, 7, events.StartedSubject(7), 0)
	batch := log.NewBatch(7)
	addLicenses(t, batch, 0, 10)
	mustCommit(t, batch, started)
	given, enough := 0, errors.New("enough")
	err := log.Lookup(t.Context(), []string{license(1), license(2), license(3)}, func(eventlog.Message) error {
		given++
		return enough
	})
	if !errors.Is(err, enough) || given != 1 {
		t.Errorf("%d messages, then %v", given, err)
	}
}

// TestAddAfter: a message at a license's subject, or about it, holds only while the license's last message
// is the expected one.
func TestAddAfter(t *testing.T) {
	t.Parallel()
	log := eventlogtest.Start(t)
	at := appendFact(t, log, 7, "imports.7.started", 0)
	batch := log.NewBatch(7)
	addLicenses(t, batch, 0, 2)
	at = mustCommit(t, batch, at)
	for _, tt := range []struct {
		name string
		add  func(b *eventlog.Batch) error
		want error
	}{
		{"a second license", func(b *eventlog.Batch) error { return b.AddAfter(license(0), nil, license(0), 0) }, eventlog.ErrConflict},
		{"after another message", func(b *eventlog.Batch) error { return b.AddAfter(license(0), nil, license(0), 3) }, eventlog.ErrConflict},
		{"after its last message", func(b *eventlog.Batch) error { return b.AddAfter(license(0), nil, license(0), 2) }, nil},
		{"after a message that is not its last any more", func(b *eventlog.Batch) error {
			return b.AddAfter("outcomes.7.kept", nil, license(0), 2)
		}, eventlog.ErrConflict},
		{"about two licenses", func(b *eventlog.Batch) error {
			return errors.Join(b.AddAfter("outcomes.7.kept", nil, license(0), 5), b.AddAfter("outcomes.7.kept", nil, license(1), 3))
		}, nil},
		{"twice about one, and at it", func(b *eventlog.Batch) error {
			return errors.Join(b.AddAfter("outcomes.7.kept", nil, license(1), 3), b.AddAfter("outcomes.7.kept", nil, license(1), 3),
				b.AddAfter(license(1), nil, license(1), 3))
		}, nil},
	} {
		batch := log.NewBatch(7)
		if err := tt.add(batch); err != nil {
			t.Fatal(err)
		}
		seq, err := batch.Commit(t.Context(), "imports.7.undo_progressed", []byte("{}"), at)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
		at = max(at, seq)
	}
}

// TestMessagesAt: many messages at once, without those that do not exist.
func TestMessagesAt(t *testing.T) { eachMode(t, testMessagesAt) }

func testMessagesAt(t *testing.T, log *eventlog.Log) {
	const n = 600
	batch := log.NewBatch(7)
	addLicenses(t, batch, 0, n)
	mustCommit(t, batch, 0)
	var wanted []events.Seq
	for seq := events.Seq(1); seq <= n+100; seq += 2 {
		wanted = append(wanted, seq)
	}
	got := map[events.Seq]string{}
	err := log.MessagesAt(t.Context(), wanted, func(m eventlog.Message) error {
		got[m.Seq] = string(m.Data)
		return nil
	})
	if err != nil || len(got) != n/2+1 {
		t.Fatalf("%d messages, %v", len(got), err)
	}
	for seq, body := range got {
		if want := license(int(seq) - 1); body != want && seq <= n {
			t.Errorf("message %d is %s, want %s", seq, body, want)
		}
	}
	enough := errors.New("enough")
	if err := log.MessagesAt(t.Context(), wanted, func(eventlog.Message) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("%v, want the error of the reader", err)
	}
}

// lookUp returns the messages that a look-up finds, by subject.
func lookUp(t testing.TB, log *eventlog.Log, subjects []string) (map[string]eventlog.Message, error) {
	t.Helper()
	found := map[string]eventlog.Message{}
	err := log.Lookup(t.Context(), subjects, func(m eventlog.Message) error {
		found[m.Subject] = m
		return nil
	})
	return found, err
}

func TestLookupWithLongSubjects(t *testing.T) { eachMode(t, testLookupWithLongSubjects) }

func testLookupWithLongSubjects(t *testing.T, log *eventlog.Log) {
	subjects := make([]string, 900)
	for i := range subjects {
		subjects[i] = events.LicenseSubject("psc", fmt.Sprint(i)+strings.Repeat("é", 255))
	}
	batch := log.NewBatch(7)
	if err := batch.AddAfter(subjects[899], []byte("{}"), subjects[899], 0); err != nil {
		t.Fatal(err)
	}
	mustCommit(t, batch, 0)
	found, err := lookUp(t, log, subjects)
	if err != nil || len(found) != 1 {
		t.Fatalf("%d found, %v; want 1", len(found), err)
	}
}

// license is the subject, and the body, of a license in these tests.
func license(i int) string { return events.LicenseSubject("psc", fmt.Sprintf("key-%d", i)) }

func addLicenses(t testing.TB, batch *eventlog.Batch, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		if err := batch.AddAfter(license(i), []byte(license(i)), license(i), 0); err != nil {
			t.Fatal(err)
		}
	}
}

func mustCommit(t testing.TB, batch *eventlog.Batch, expect events.Seq) events.Seq {
	t.Helper()
	seq, err := batch.Commit(t.Context(), "imports.7.progressed", []byte("{}"), expect)
	if err != nil {
		t.Fatal(err)
	}
	return seq
}

// appendFact appends a fact whose body is its subject.
func appendFact(t testing.TB, log *eventlog.Log, job events.JobID, subject string, expect events.Seq) events.Seq {
	t.Helper()
	seq, err := log.AppendFact(t.Context(), job, subject, []byte(subject), expect)
	if err != nil {
		t.Fatal(err)
	}
	return seq
}

func stateOf(t testing.TB, log *eventlog.Log) eventlog.State {
	t.Helper()
	state, err := log.State(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return state
}

package eventlog

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"licenseimport/events"
)

// strays is a log with messages that a stranger published.
type strays struct {
	*testing.T
	*Log
}

func (s strays) encode(e events.Event) []byte {
	s.Helper()
	body, err := events.Encode(e, time.Now())
	if err != nil {
		s.Fatal(err)
	}
	return body
}

// fact appends a fact of import 7.
func (s strays) fact(e events.Event, expect events.Seq) events.Seq {
	s.Helper()
	seq, err := s.AppendFact(s.Context(), e.Job(), e.Subject(), s.encode(e), expect)
	if err != nil {
		s.Fatal(err)
	}
	return seq
}

// stray publishes as any client can and returns the message's sequence.
func (s strays) stray(subject string, body []byte) events.Seq {
	s.Helper()
	ack, err := s.js.Publish(s.Context(), subject, body)
	if err != nil {
		s.Fatal(err)
	}
	return events.Seq(ack.Sequence)
}

func (s strays) setAsideAll(seqs ...events.Seq) {
	s.Helper()
	for _, seq := range seqs {
		if _, err := s.SetAside(s.Context(), seq, "admin", "not ours", nil); err != nil {
			s.Fatal(err)
		}
	}
}

// follow reads the whole stream and returns the sequences, and why it stopped early.
func (s strays) follow() (seqs []events.Seq, err error) {
	s.Helper()
	state, err := s.State(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	end := errors.New("the end")
	err = s.Follow(s.Context(), 0, nil, func(m Message) error {
		if _, err := m.Decode(); err != nil {
			return err
		}
		if seqs = append(seqs, m.Seq); m.Seq == state.Last {
			return end
		}
		return nil
	})
	if errors.Is(err, end) {
		err = nil
	}
	return seqs, err
}

// TestReadersGoOnWithoutMessagesSetAside: followers leave them out, reads of the last message step
// back over them, and appends expect what the server counts.
func TestReadersGoOnWithoutMessagesSetAside(t *testing.T) {
	t.Parallel()
	s := strays{t, openHere(t)}
	license := &events.LicenseImported{JobID: 7, Row: 1, License: events.License{Key: "K"}, Product: events.Product{ShortCode: "p"}}
	started := s.fact(&events.ImportStarted{JobID: 7}, 0)
	hello := s.stray(license.Subject(), []byte("hello"))
	forged := s.stray("imports.7.sealed", s.encode(license))
	if read, err := s.follow(); !unreadable(err, hello) || !slices.Equal(read, []events.Seq{started}) {
		t.Fatalf("before: %v, %v", read, err)
	}
	if last, _, err := s.LastFact(t.Context(), 7); err != nil || last.Seq != forged {
		t.Errorf("before: the last fact is %d, %v", last.Seq, err)
	}
	reader, err := Attach(t.Context(), Config{Server: s.server}) // of another process: it has to ask
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(reader.Close)
	if _, err := (strays{t, reader}).follow(); !unreadable(err, hello) {
		t.Fatalf("the other process, before: %v", err)
	}
	s.setAsideAll(hello, forged)
	for name, log := range map[string]*Log{"the same process": s.Log, "another": reader} {
		if read, err := (strays{t, log}).follow(); err != nil || !slices.Equal(read, []events.Seq{started, forged + 1, forged + 2}) {
			t.Errorf("%s reads %v, %v", name, read, err)
		}
		if last, _, err := log.LastFact(t.Context(), 7); err != nil || last.Seq != started {
			t.Errorf("%s: the last fact is %d, %v", name, last.Seq, err)
		}
		if _, found, err := log.Fact(t.Context(), "imports.7.sealed"); found || err != nil {
			t.Errorf("%s: a fact that is set aside: %v, %v", name, found, err)
		}
		if err := log.Lookup(t.Context(), []string{license.Subject()}, func(m Message) error { return errors.New("found") }); err != nil {
			t.Errorf("%s: a look-up: %v", name, err)
		}
	}
	sealed := s.fact(&events.ImportSealed{JobID: 7, Rows: 1}, started)
	for i, want := range []error{nil, ErrConflict} {
		if err := s.importOne(license, sealed); !errors.Is(err, want) {
			t.Errorf("import %d of the license: %v, want %v", i, err, want)
		}
		if last, _, err := s.LastFact(t.Context(), 7); err == nil {
			sealed = last.Seq
		}
	}
	stray := s.stray(license.Subject(), []byte("again"))
	s.setAsideAll(stray)
	err = s.Lookup(t.Context(), []string{license.Subject()}, func(m Message) error {
		found, err := DecodeAs[*events.LicenseImported](&m)
		if err == nil && found.Row != 1 {
			err = errors.New("another license")
		}
		return errors.Join(err, errFound)
	})
	if !errors.Is(err, errFound) {
		t.Errorf("a license behind a stray message: %v", err)
	}
	if err := s.importOne(license, sealed); !errors.Is(err, ErrConflict) {
		t.Errorf("the license behind a stray message was made again: %v", err)
	}
	found, _, err := s.Fact(t.Context(), license.Subject())
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		last events.Seq
		want error
	}{{0, ErrConflict}, {found.Seq, nil}, {found.Seq, ErrConflict}} {
		if err := s.changeAfter(license, tt.last); !errors.Is(err, tt.want) {
			t.Errorf("a change of the license after %d: %v, want %v", tt.last, err, tt.want)
		}
	}
}

// TestEachKindGoesOnBehindWhatIsSetAside: what a row is about can be made where a stray message was set aside, and changed
// after another one.
func TestEachKindGoesOnBehindWhatIsSetAside(t *testing.T) {
	t.Parallel()
	s := strays{t, openHere(t)}
	s.fact(&events.ImportSealed{JobID: 7}, s.fact(&events.ImportStarted{JobID: 7}, 0))
	samples := map[string]events.Event{
		"licenses":  &events.LicenseImported{JobID: 7, Row: 1, License: events.License{Key: "K"}, Product: events.Product{ShortCode: "p"}},
		"features":  &events.LicenseFeatureImported{JobID: 7, Row: 1, LicenseKey: "K", Product: events.Product{ShortCode: "p"}, Feature: events.Feature{Code: "c"}},
		"customers": nil, // their events follow nothing
	}
	for _, kind := range events.Kinds {
		e, known := samples[kind.Name]
		if !known || kind.Folded != (e == nil) {
			t.Errorf("kind %s has no sample here", kind.Name)
		}
		if e == nil {
			continue
		}
		for range 2 {
			last, _, err := s.Fact(t.Context(), e.Subject())
			if err != nil {
				t.Fatal(err)
			}
			s.setAsideAll(s.stray(e.Subject(), []byte("hello")))
			read := func(m Message) error { _, err := m.Decode(); return err } // as a processor does
			if err := s.Lookup(t.Context(), []string{e.Subject()}, read); err != nil {
				t.Fatal(err)
			}
			if err := s.changeAfter(e, last.Seq); err != nil {
				t.Errorf("%s: an event after %d: %v", kind.Name, last.Seq, err)
			}
		}
	}
}

// changeAfter appends the next event of what a row is about, which expects the last one.
func (s strays) changeAfter(e events.Event, last events.Seq) error {
	s.Helper()
	at, _, err := s.LastFact(s.Context(), 7)
	if err != nil {
		s.Fatal(err)
	}
	batch := s.NewBatch(7)
	if err := batch.AddAfter(e.Subject(), s.encode(e), e.Subject(), last); err != nil {
		s.Fatal(err)
	}
	progressed := &events.ImportProgressed{JobID: 7, Phase: events.Import, Row: 1}
	_, err = batch.Commit(s.Context(), progressed.Subject(), s.encode(progressed), at.Seq)
	return err
}

var errFound = errors.New("found")

func unreadable(err error, seq events.Seq) bool {
	e, ok := errors.AsType[*UnreadableEventError](err)
	return ok && e.Seq == seq
}

// importOne appends a license as a processor does.
func (s strays) importOne(license *events.LicenseImported, expect events.Seq) error {
	s.Helper()
	progressed := &events.ImportProgressed{JobID: 7, Phase: events.Import, Row: 1}
	batch := s.NewBatch(7)
	if err := batch.AddAfter(license.Subject(), s.encode(license), license.Subject(), 0); err != nil {
		s.Fatal(err)
	}
	_, err := batch.Commit(s.Context(), progressed.Subject(), s.encode(progressed), expect)
	return err
}

// TestSetAsideKeepsTheFence: a writer that does not know the newest fact is refused, although a
// message behind that fact is set aside.
func TestSetAsideKeepsTheFence(t *testing.T) {
	t.Parallel()
	s := strays{t, openHere(t)}
	started := s.fact(&events.ImportStarted{JobID: 7}, 0)
	sealed := s.fact(&events.ImportSealed{JobID: 7}, started)
	s.setAsideAll(s.stray("imports.7.hello", []byte("hello")))
	if last, _, err := s.LastFact(t.Context(), 7); err != nil || last.Seq != sealed {
		t.Fatalf("the last fact is %d, %v", last.Seq, err)
	}
	cancelled := &events.ImportCancelled{JobID: 7}
	if _, err := s.AppendFact(t.Context(), 7, cancelled.Subject(), s.encode(cancelled), started); !errors.Is(err, ErrWrongSequence) {
		t.Errorf("a fact: %v", err)
	}
	license := &events.LicenseImported{JobID: 7, Row: 1, License: events.License{Key: "K"}, Product: events.Product{ShortCode: "p"}}
	if err := s.importOne(license, started); !errors.Is(err, ErrWrongSequence) {
		t.Errorf("a batch: %v", err)
	}
	if err := s.importOne(license, sealed); err != nil {
		t.Errorf("a batch that knows the newest fact: %v", err)
	}
}

// TestOnlyWhatCannotBeReadIsSetAside and each message once.
func TestOnlyWhatCannotBeReadIsSetAside(t *testing.T) {
	t.Parallel()
	s := strays{t, openHere(t)}
	started := s.fact(&events.ImportStarted{JobID: 7}, 0)
	hello := s.stray("licenses.hello.world", []byte("hello"))
	s.stray(events.SetAsideSubject(started), s.encode(&events.EventSetAside{Sequence: hello})) // forged: at another subject
	s.stray(events.SetAsideSubject(99), s.encode(&events.EventSetAside{Sequence: 99}))         // before its message
	if all, err := s.SetAsides(t.Context()); err != nil || len(all) > 0 {
		t.Errorf("forged decisions count: %v, %v", all, err)
	}
	refused := func(seq events.Seq, want string) {
		t.Helper()
		_, err := s.SetAside(t.Context(), seq, "admin", "not ours", nil)
		if e, ok := errors.AsType[*SetAsideError](err); !ok || e.Seq != seq || !strings.Contains(err.Error(), want) {
			t.Errorf("%d: %v, want %q", seq, err, want)
		}
	}
	refused(started, "ImportStarted 7/started, which can be read")
	refused(0, "there is no such message")
	refused(77, "the stream holds 1 to 4")
	s.setAsideAll(hello)
	refused(hello, "admin has set it aside already")
	all, err := s.SetAsides(t.Context())
	if err != nil || len(all) != 1 || all[0].Seq != hello || all[0].Subject != "licenses.hello.world" || all[0].Reason != "not ours" {
		t.Errorf("%+v, %v", all, err)
	}
}

// TestStreamsGetTheSubjectsOfThisVersion: a stream of an earlier version is changed, not refused.
func TestStreamsGetTheSubjectsOfThisVersion(t *testing.T) {
	t.Parallel()
	log := openHere(t)
	old := streams[1]
	old.Subjects = []string{"licenses.*.*", "imports.*.*", "outcomes.*.*"}
	if _, err := log.js.UpdateStream(t.Context(), old); err != nil { // without marks, too
		t.Fatal(err)
	}
	unmark(t, log)
	s := strays{t, log}
	s.fact(&events.ImportStarted{JobID: 7}, 0)
	if err := log.setUp(t.Context(), Config{}); err != nil {
		t.Fatal(err)
	}
	stream, err := log.js.Stream(t.Context(), old.Name)
	if err != nil {
		t.Fatal(err)
	}
	if info := stream.CachedInfo(); !slices.Equal(info.Config.Subjects, events.LicensesSubjects) || info.State.LastSeq != 1 {
		t.Errorf("%v, last sequence %d", info.Config.Subjects, info.State.LastSeq)
	}
	s.setAsideAll(s.stray("licenses.hello.world", []byte("hello")))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if health, err := log.Health(ctx); err != nil || health.Streams[1].Problem != nil {
		t.Errorf("%+v, %v", health.Streams, err)
	}
}

// TestRowJobsLeavesStraySubjectsOut: one stray message must not hide the jobs that have rows.
func TestRowJobsLeavesStraySubjectsOut(t *testing.T) {
	t.Parallel()
	s := strays{t, openHere(t)}
	s.stray("rows.hello", []byte("hello"))
	s.stray("rows.7", []byte("hello"))
	if jobs, err := s.RowJobs(t.Context()); err != nil || !slices.Equal(jobs, []events.JobID{7}) {
		t.Errorf("%v, %v", jobs, err)
	}
}

// TestWaitForSetAsideEnds: who waits for another one that asks does not wait longer than its own context.
func TestWaitForSetAsideEnds(t *testing.T) {
	t.Parallel()
	log := openHere(t)
	log.server.Shutdown() // from here on a question takes the time of one request
	asked := make(chan error, 1)
	go func() {
		_, err := log.SetAsides(t.Context())
		asked <- err
	}()
	awaitTrue(t, "a question", func() bool { return len(log.setAside.asking) > 0 })
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	if _, err := log.SetAsides(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want the end of its context", err)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("it took %v", took)
	}
	if err := <-asked; err == nil {
		t.Error("a server that was shut down answers")
	}
}

package ingest

import (
	"time"

	"licenseimport/events"
	"licenseimport/internal/access"
	"licenseimport/internal/httpx"
)

// facts are what the stream says of one job. All that this package decides about
// a job is decided by the functions below, from these alone.
type facts struct {
	job     events.JobID
	last    events.Event // nil: the job has none
	lastSeq events.Seq   // of last; 0: none
	time    time.Time    // of last, by the server's clock
	started *events.ImportStarted
	sealed  *events.ImportSealed
}

// ended tells whether nothing will happen to the job any more, or nothing that
// matters to whoever uploads it.
func (f facts) ended() bool {
	switch f.last.(type) {
	case *events.ImportAborted, *events.ImportCancelled, *events.ImportFinished:
		return true
	}
	return false
}

// open tells whether the job's upload may still go on.
func (f facts) open() bool { return f.started != nil && f.sealed == nil && !f.ended() }

// halted is why an upload may not go on, or nil.
func halted(f facts) error {
	switch last := f.last.(type) {
	case *events.ImportCancelled:
		return httpx.Conflict("cancelled", "The import was cancelled by %s.", last.Manager).ForJob(uint64(f.job))
	case *events.ImportAborted:
		return httpx.Conflict("aborted", "The import was given up while it was still being uploaded: %s", last.Message).ForJob(uint64(f.job))
	}
	return nil
}

// seal is the fact that makes the upload an import, unless somebody ended it.
func seal(f facts, sealed *events.ImportSealed) (events.Event, error) {
	if err := halted(f); err != nil {
		return nil, err
	}
	if !f.open() {
		return nil, httpx.Conflict("already_ended", "The upload has ended already.").ForJob(uint64(f.job))
	}
	return sealed, nil
}

// abort is the fact that ends an upload without seal; nil where it has ended. A
// job without any fact gets one too: nobody may start it later.
func abort(f facts, aborted *events.ImportAborted) events.Event {
	if f.last != nil && !f.open() {
		return nil
	}
	return aborted
}

// cancel is the fact that ends an import at a manager's wish, or why not.
func cancel(f facts, m access.Manager) (events.Event, error) {
	if f.started == nil || !m.Sees(f.started.Manager) {
		return nil, httpx.NotFound("There is no import %d.", f.job)
	}
	if f.ended() {
		return nil, httpx.Conflict("already_ended", "Import %d has ended already.", f.job).ForJob(uint64(f.job))
	}
	progress, ok := f.last.(*events.ImportProgressed)
	if ok && f.started.Mode == events.AllOrNothing && progress.Phase == events.Import {
		return nil, httpx.Conflict("importing", "Import %d has passed its validation and is being imported as a whole: it cannot be cancelled any more.", f.job).ForJob(uint64(f.job))
	}
	return &events.ImportCancelled{JobID: f.job, Manager: m.Name}, nil
}

// meaning is what an Idempotency-Key that was used before stands for.
type meaning int

const (
	inProgress meaning = iota // the first upload goes on: come back later
	sealedOnce                // the first upload is whole: compare
	lost                      // nothing is known of the first upload, for too long: end it, then take over
	free                      // the first upload imported nothing: take over
)

// repeated says what a key stands for whose job was drawn some time ago.
func repeated(f facts, age, abandoned time.Duration) meaning {
	switch {
	case f.sealed != nil:
		return sealedOnce
	case f.ended():
		return free
	case f.last == nil && age > abandoned:
		return lost
	default:
		return inProgress
	}
}

// same tells whether an upload is a repetition of a sealed one.
func same(f facts, query string, bytes uint64, sum string) bool {
	return f.started != nil && f.started.Query == query && f.sealed.Bytes == bytes && f.sealed.SHA256 == sum
}

// duty is what the janitor owes to a job that has rows.
type duty int

const (
	wait   duty = iota // look again later
	giveUp             // abort it: its upload is abandoned
	purge              // drop its rows
)

// sweep says what is to be done about a job whose rows have been as they are for
// some time. Rows of a job that never started are of no use to anybody once it
// is certain that it will not.
func sweep(f facts, unchanged time.Duration, now time.Time, c Config) duty {
	switch {
	case f.ended() && f.started == nil:
		return purge
	case f.ended() && now.Sub(f.time) > c.Retention:
		return purge
	case (f.last == nil || f.open()) && unchanged > c.Abandoned:
		return giveUp
	default:
		return wait
	}
}

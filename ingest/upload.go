package ingest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/events/importjob"
	"licenseimport/internal/access"
	"licenseimport/internal/httpx"
	"licenseimport/internal/retry"
)

// upload is the rows of one source on their way into the streams.
type upload struct {
	in      *Ingest
	ctx     context.Context // ends when the upload is halted; its cause is the reason
	halt    context.CancelCauseFunc
	manager access.Manager
	options options
	source  rowSource
	job     events.JobID
	buf     []byte // the event that was encoded last
	encoded int64  // bytes of all events

	recheck func(context.Context) error // nil while the manager's key gives the right to import

	// Written by store, in the batcher's goroutine. Valid when the batcher has finished.
	stored eventlog.RowMark // the last row stored
	synced eventlog.RowMark // the last row that is durable, too
	begun  importjob.State  // after ImportStarted; without facts before that
}

// uploadHandler answers the POST of a kind's file. While an upload goes on its key is authenticated again.
func (in *Ingest) uploadHandler(auth *access.Authenticator, kind *events.Kind) access.Handler {
	return func(w http.ResponseWriter, r *http.Request, _ httpx.Params, m access.Manager) error {
		// Not the request's context: a client that disconnects after the last byte has sent everything.
		ctx, stop := auth.Watch(in.uploads, r, access.Import)
		defer stop()
		return in.serveUpload(ctx, w, r, kind, m,
			func(ctx context.Context) error { return auth.Recheck(ctx, r, access.Import) })
	}
}

func (in *Ingest) serveUpload(
	ctx context.Context, w http.ResponseWriter, r *http.Request, kind *events.Kind, m access.Manager,
	recheck func(context.Context) error,
) error {
	if err := mayImport(kind, m); err != nil {
		return err
	}
	if err := in.admit(m.Name); err != nil {
		return err
	}
	defer in.limiter.release(m.Name)
	o, err := parseOptions(r, kind)
	if err != nil {
		return err
	}
	first, err := in.sealedUpload(ctx, m.Name, o.key)
	if err != nil {
		return storeError(err)
	}
	ctx, halt := context.WithCancelCause(ctx)
	defer halt(nil)
	body, stop := newPacedReader(ctx, w, r, in.config)
	defer stop()

	if first.Sealed != nil {
		return in.repeatFile(w, r, body, first, o)
	}
	source, err := in.openFile(ctx, r, body, m, &o)
	if err != nil {
		return err
	}
	defer source.close()
	u := &upload{in: in, ctx: ctx, halt: halt, manager: m, options: o, recheck: recheck, source: source}
	if err := u.run(); err != nil {
		return err
	}
	return answerJob(w, r, http.StatusOK, kind, u.job)
}

// openFile opens the file of a request under its mapping. Its errors are answers.
func (in *Ingest) openFile(
	ctx context.Context, r *http.Request, body io.Reader, m access.Manager, o *options,
) (*fileSource, error) {
	if err := in.checkCorrected(ctx, o.retryOf, o.kind, m); err != nil {
		return nil, err
	}
	base, err := in.baseMapping(ctx, m, o)
	if err != nil {
		return nil, err
	}
	return openFileSource(ctx, r, body, *o, in.config, base)
}

// repeatFile answers a request whose Idempotency-Key is that of a sealed upload.
func (in *Ingest) repeatFile(w http.ResponseWriter, r *http.Request, paced io.Reader, first importjob.State, o options) error {
	body, err := openBody(r, paced, in.config.MaxFile)
	if err != nil {
		return uploadError(err)
	}
	return answerRepeat(w, r, first, o, &fileSource{body: body}) // its rows are not read
}

// mayImport is nil if a manager who may import may import this kind, too.
func mayImport(kind *events.Kind, m access.Manager) error {
	if m.Limited() && !kind.OfProducts() {
		return httpx.Forbidden("%s belong to no product, and this key is only for some products: it may not import them.",
			kind.Title())
	}
	return nil
}

// run draws a job id and stores the source's rows, or compares them with those of the first upload
// with the same Idempotency-Key. Its errors are answers.
func (u *upload) run() error {
	reserved, err := u.in.reserve(u.ctx, u.manager.Name, u.options.key)
	if err != nil {
		return storeError(err)
	}
	u.job = reserved.job
	if reserved.repeated { // since serveUpload asked
		first, err := u.in.load(u.ctx, u.job)
		if err != nil {
			return storeError(err)
		}
		return checkRepeat(first, u.options, u.source)
	}
	err = u.receive()
	u.in.config.Observer.Ended(err == nil)
	return err
}

// answerJob answers with the job's id, and the address of its result in Location.
func answerJob(w http.ResponseWriter, r *http.Request, status int, kind *events.Kind, job events.JobID) error {
	w.Header().Set("Location", httpx.Location(r, resultsPath(kind)+job.String()+"/"))
	return httpx.WriteJSON(w, status, struct {
		JobID events.JobID `json:"job_id"`
	}{job})
}

// receive stores the rows and seals the import. After a failure it aborts the import and returns
// the answer.
func (u *upload) receive() error {
	began := time.Now()
	stopResponding, err := u.in.log.AnswerAlive(u.job)
	if err != nil {
		return storeError(err)
	}
	defer stopResponding()
	batcher := newBatcher(u.in.config.FlushAfter, u.store)
	unwatch := u.watch()
	err = u.read(batcher)
	if failed := batcher.finish(); err == nil {
		err = failed
	}
	unwatch()
	if err == nil {
		err = context.Cause(u.ctx)
	}
	if err == nil {
		err = u.seal()
	}
	if halted := context.Cause(u.ctx); err != nil && halted != nil {
		err = halted
	}
	if err != nil {
		return u.abort(err)
	}
	bytes, _ := u.source.content()
	u.in.config.Log.Info("upload sealed",
		"job_id", u.job, "rows", u.stored.Row, "bytes", bytes, "took", time.Since(began))
	return nil
}

// read puts all rows into the batcher and reads the source to its end.
func (u *upload) read(b *batcher) error {
	for {
		row, err := u.source.next()
		if err == io.EOF {
			return u.source.finish()
		}
		if err != nil {
			return err
		}
		event := u.encode(row)
		if err := u.count(row.Row, len(event)); err != nil {
			return err
		}
		if err := b.add(event); err != nil {
			return err
		}
	}
}

// count adds an event to what the upload stores. Above a limit of the file it returns the answer 413.
func (u *upload) count(row events.Row, bytes int) error {
	c := u.in.config
	if u.encoded += int64(bytes); u.encoded > c.maxStored() {
		return httpx.TooLarge("too_large", "The file's rows take more than %d bytes once they are stored: split it.", c.maxStored())
	}
	if row > events.Row(c.MaxRows) {
		return httpx.TooLarge("too_many_rows", "The file has more than %d rows: split it.", c.MaxRows)
	}
	return nil
}

// encode returns the row's event as JSON, valid until the next call.
func (u *upload) encode(row *events.RowReceived) []byte {
	row.JobID = u.job
	now := time.Now()
	u.buf = events.AppendRow(u.buf[:0], row, now)
	if len(u.buf) > events.MaxBody {
		u.buf = events.AppendRow(u.buf[:0], u.source.tooLarge(row), now)
	}
	return u.buf
}

// store appends a batch of rows, and ImportStarted after the first one. A failure halts the
// upload: reading must not wait for the client any longer.
func (u *upload) store(bodies [][]byte) (err error) {
	defer func() {
		if err != nil {
			err = u.storeError(err)
			u.halt(err)
		}
	}()
	ctx, cancel := context.WithTimeout(u.ctx, storeTimeout)
	defer cancel()
	began := time.Now()
	last, err := u.in.log.AppendRows(ctx, u.job, u.stored.Seq, bodies)
	if err != nil {
		return err
	}
	u.in.config.Observer.Stored(len(bodies), time.Since(began))
	u.stored = eventlog.RowMark{Row: u.stored.Row + events.Row(len(bodies)), Seq: last}
	begins := u.begun.Started == nil
	if begins || u.stored.Row-u.synced.Row >= syncEvery {
		err = u.sync(ctx)
	}
	if begins && err == nil {
		err = u.start(ctx)
	}
	return err
}

// sync makes all rows stored so far durable: the first ones before ImportStarted, or a power cut could leave an
// import without rows, which the janitor does not see.
func (u *upload) sync(ctx context.Context) error {
	if u.synced == u.stored {
		return nil
	}
	err := u.in.log.SyncRows(ctx, u.job, u.synced, u.stored)
	if err == nil {
		u.synced = u.stored
	}
	return err
}

// storeError is the answer to a failure of the store. If another writer has ended the import, its
// rows may be purged, and the stream refuses the next batch: the answer is the import's end.
func (u *upload) storeError(err error) error {
	if errors.Is(err, eventlog.ErrWrongSequence) {
		ctx, cancel := context.WithTimeout(context.Background(), lastFactTimeout)
		defer cancel()
		if s, unknown := u.in.load(ctx, u.job); unknown == nil && s.Interrupted() != nil {
			err = s.Interrupted()
		}
	}
	return storeError(err)
}

func (u *upload) start(ctx context.Context) error {
	started := &events.ImportStarted{
		JobID: u.job, Manager: u.manager.Name, Products: u.manager.Products,
		Mode: u.options.mode, Existing: u.options.existing, DryRun: u.options.dryRun, Query: u.options.query,
		Kind: u.options.kind.Name, RetryOf: u.options.retryOf,
	}
	u.source.describe(started)
	body, err := events.Encode(started, time.Now())
	if err != nil {
		return err
	}
	seq, err := u.in.log.AppendFact(ctx, u.job, started.Subject(), body, 0)
	if err != nil {
		return err
	}
	u.in.config.Log.Info("upload begun", "job_id", u.job)
	u.begun = importjob.State{Job: u.job}
	return u.begun.Apply(importjob.Fact{Event: started, Seq: seq})
}

// watch polls the import's state and halts the upload when a cancel or a janitor has ended the
// import. It ignores a failed poll: the next one, or the seal, notices the same.
func (u *upload) watch() (stop func()) {
	ctx, cancel := context.WithCancel(u.ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(u.in.config.WatchEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			if s, err := u.in.load(ctx, u.job); err == nil {
				if err := s.Interrupted(); err != nil {
					u.halt(storeError(err))
				}
			}
		}
	}()
	return func() { cancel(); <-done }
}

// authorizeRetry paces the question whether a key works, while the keys cannot be checked.
var authorizeRetry = retry.Policy{
	First: 50 * time.Millisecond, Max: time.Second, Jitter: 0.5,
	Permanent: func(err error) bool {
		answer, known := errors.AsType[*httpx.Error](err)
		return !known || answer.Status != http.StatusServiceUnavailable
	},
}

// authorize asks whether the manager's key still works.
func (u *upload) authorize(ctx context.Context) error { return authorizeRetry.Do(ctx, u.recheck) }

// seal makes the rows durable, asks whether the key still works and appends ImportSealed. It
// decides from the state after ImportStarted without reading it again: another fact in between is
// rare, and is noticed by the append.
func (u *upload) seal() error {
	ctx, cancel := context.WithTimeout(u.ctx, storeTimeout)
	defer cancel()
	if err := u.sync(ctx); err != nil {
		return storeError(err)
	}
	if err := u.authorize(ctx); err != nil {
		return storeError(err)
	}
	sealed := &events.ImportSealed{JobID: u.job, Rows: u.stored.Row}
	sealed.Bytes, sealed.SHA256 = u.source.content()
	_, err := u.in.transitionFrom(ctx, u.begun, func(s importjob.State) (events.Event, error) { return s.Seal(sealed) })
	if err != nil {
		return storeError(err)
	}
	return nil
}

// abort ends the import after a failure, purges its rows and returns the answer. It returns nil if
// the import is sealed: the acknowledgement of the seal was lost.
func (u *upload) abort(cause error) error {
	why := uploadError(cause)
	ctx, cancel := context.WithTimeout(context.Background(), lastFactTimeout)
	defer cancel()
	aborted := &events.ImportAborted{JobID: u.job, Code: why.Code, Message: why.Detail, Rows: u.stored.Row}
	s, err := u.in.abortUnlessEnded(ctx, aborted)
	if err == nil && s.Sealed != nil {
		return nil
	}
	if err == nil && s.Discarded() {
		err = u.in.log.PurgeRows(ctx, u.job)
	}
	log := u.in.config.Log.With("job_id", u.job, "code", why.Code, "rows", u.stored.Row)
	if err != nil {
		log.Warn("upload failed; the janitor will end its import and purge its rows", "error", err)
	} else {
		log.Info("upload failed")
	}
	answer := *why                                  // a copy: other uploads may share the error
	if u.begun.Started != nil || s.Started != nil { // or the acknowledgement of the start was lost
		answer.JobID = uint64(u.job)
	}
	return &answer
}

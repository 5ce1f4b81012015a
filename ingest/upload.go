package ingest

import (
	"context"
	"io"
	"net/http"
	"time"

	"licenseimport/events"
	"licenseimport/events/importjob"
	"licenseimport/internal/access"
	"licenseimport/internal/httpx"
)

// upload is one file on its way into the streams.
type upload struct {
	in      *Ingest
	ctx     context.Context // ends, with the reason as its cause, when the upload is halted
	halt    context.CancelCauseFunc
	manager access.Manager
	options options
	body    *body
	rows    *rowParser
	job     events.JobID
	buf     []byte // of the event that was encoded last

	// Written by store; to be read when the sender has finished.
	last   events.Seq // of the rows
	stored events.Row
	begun  importjob.State // after the ImportStarted; before that without facts
}

// serveUpload answers POST /api/v1/licenses/import_from_csv/.
func (in *Ingest) serveUpload(w http.ResponseWriter, r *http.Request, _ httpx.Params, m access.Manager) error {
	if err := in.admit(); err != nil {
		return err
	}
	defer in.limiter.release()
	o, err := parseOptions(r)
	if err != nil {
		return err
	}
	// Not the request's context: a client that goes away behind the last byte has sent it all.
	ctx, halt := context.WithCancelCause(in.uploads)
	defer halt(nil)
	body, stop := newPacedReader(ctx, w, r, in.config)
	defer stop()

	u := &upload{in: in, ctx: ctx, halt: halt, manager: m, options: o}
	if u.body, err = openBody(r, body, in.config.MaxFile); err != nil {
		return uploadError(err)
	}
	if u.rows, err = openRowParser(u.body.file, o, in.config); err != nil {
		return uploadError(err)
	}
	reserved, err := in.reserve(ctx, m.Name, o.key)
	if err != nil {
		return storeError(err)
	}
	u.job = reserved.job
	if reserved.repeated {
		err = in.checkRepeat(ctx, u.job, u.body, o)
	} else {
		err = u.receive()
		in.config.Observer.Ended(err == nil)
	}
	if err != nil {
		return err
	}
	return answerJob(w, http.StatusOK, u.job)
}

// answerJob names the job, and in Location its result.
func answerJob(w http.ResponseWriter, status int, job events.JobID) error {
	w.Header().Set("Location", resultsPath+job.String()+"/")
	return httpx.WriteJSON(w, status, struct {
		JobID events.JobID `json:"job_id"`
	}{job})
}

// receive stores the file and seals it; else it aborts the job and gives the answer.
func (u *upload) receive() error {
	began := time.Now()
	batcher := newBatcher(u.in.config.FlushAfter, u.store)
	unwatch := u.watch()
	err := u.read(batcher)
	if unsent := batcher.finish(); err == nil {
		err = unsent
	}
	unwatch()
	if halted := context.Cause(u.ctx); halted != nil {
		err = halted
	}
	if err == nil {
		err = u.seal()
	}
	if err != nil {
		return u.abort(err)
	}
	u.in.config.Log.Info("upload sealed", "job_id", u.job, "rows", u.stored, "bytes", u.body.file.bytes, "took", time.Since(began))
	return nil
}

// read sends the rows off and reads to the end of the request.
func (u *upload) read(b *batcher) error {
	for {
		row, err := u.rows.next()
		if err == io.EOF {
			return u.body.finish()
		}
		if err != nil {
			return err
		}
		if err := b.add(u.encode(row)); err != nil {
			return err
		}
	}
}

// encode writes the row's event; the bytes hold until the next call.
func (u *upload) encode(row *events.RowReceived) []byte {
	row.JobID = u.job
	now := time.Now()
	u.buf = events.AppendRow(u.buf[:0], row, now)
	if len(u.buf) > events.MaxBody {
		u.buf = events.AppendRow(u.buf[:0], u.rows.tooLargeRow(row), now)
	}
	return u.buf
}

// store is what the sender does with a batch. After the first one the job has
// started. A failure halts the upload, so that nobody waits for the client.
func (u *upload) store(bodies [][]byte) (err error) {
	defer func() {
		if err != nil {
			err = storeError(err)
			u.halt(err)
		}
	}()
	ctx, cancel := context.WithTimeout(u.ctx, storeTimeout)
	defer cancel()
	began := time.Now()
	last, err := u.in.log.AppendRows(ctx, u.job, u.last, bodies)
	if err != nil {
		return err
	}
	u.in.config.Observer.Stored(len(bodies), time.Since(began))
	u.last = last
	u.stored += events.Row(len(bodies))
	if u.begun.Started != nil {
		return nil
	}
	return u.start(ctx)
}

func (u *upload) start(ctx context.Context) error {
	started := &events.ImportStarted{
		JobID: u.job, FileName: u.body.file.name, Manager: u.manager.Name, Products: u.manager.Products,
		Mode: u.options.mode, DryRun: u.options.dryRun, Query: u.options.query,
		Columns: u.rows.header, Delimiter: string(rune(u.rows.delimiter)),
	}
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

// watch halts the upload when somebody else ends it: a cancel, or a janitor. A
// look that fails is made up for by the next one, at last by that of the seal.
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

// seal promises that all rows are stored. Nearly always nothing has happened to the job since it
// started, so its facts are not read first.
func (u *upload) seal() error {
	ctx, cancel := context.WithTimeout(u.ctx, storeTimeout)
	defer cancel()
	file := u.body.file
	sealed := &events.ImportSealed{JobID: u.job, Rows: u.stored, Bytes: uint64(file.bytes), SHA256: file.sum()}
	_, err := u.in.transitionFrom(ctx, u.begun, func(s importjob.State) (events.Event, error) { return s.Seal(sealed) })
	if err != nil {
		return storeError(err)
	}
	return nil
}

// abort ends the job after a failure and gives the answer. It is nil where the
// job turns out to be sealed: a seal whose acknowledgement was lost.
func (u *upload) abort(cause error) error {
	why := uploadError(cause)
	ctx, cancel := context.WithTimeout(context.Background(), lastFactTimeout)
	defer cancel()
	s, err := u.in.abortUnlessEnded(ctx, &events.ImportAborted{JobID: u.job, Code: why.Code, Message: why.Detail, Rows: u.stored})
	if err == nil && s.Sealed != nil {
		return nil
	}
	log := u.in.config.Log.With("job_id", u.job, "code", why.Code, "rows", u.stored)
	if err != nil {
		log.Warn("upload failed; the janitor will end its import", "error", err)
	} else {
		log.Info("upload failed")
	}
	answer := *why                                  // may be shared with other uploads
	if u.begun.Started != nil || s.Started != nil { // also where the acknowledgement was lost
		answer.JobID = uint64(u.job)
	}
	return &answer
}

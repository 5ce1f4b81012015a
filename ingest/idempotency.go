package ingest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/events/importjob"
	"licenseimport/internal/httpx"
)

// reservation is the job id that an upload may use.
type reservation struct {
	job events.JobID
	// repeated means that the id belongs to an earlier upload, which is sealed.
	repeated bool
}

// reserve draws an id: the revision of an entry in the bucket of jobs. The entry's
// key is the manager's Idempotency-Key, so that one call gives the id and tells
// whether the key was used before; the bucket forgets it after 24 hours. An
// empty key is never used twice.
func (in *Ingest) reserve(ctx context.Context, manager, key string) (reservation, error) {
	ctx, cancel := context.WithTimeout(ctx, idTimeout)
	defer cancel()
	name := bucketKey(manager, key)
	revision, err := in.jobs.Create(ctx, name, nil)
	if errors.Is(err, eventlog.ErrExists) {
		return in.reserveUsedKey(ctx, name)
	}
	if err != nil {
		return reservation{}, err
	}
	return in.nextFreeID(ctx, name, revision)
}

func bucketKey(manager, key string) string {
	if key == "" {
		return rand.Text()
	}
	sum := sha256.Sum256([]byte(manager + "\x00" + key))
	return hex.EncodeToString(sum[:])
}

// reserveUsedKey decides whether an upload may take over a key that was used before.
func (in *Ingest) reserveUsedKey(ctx context.Context, name string) (reservation, error) {
	entry, err := in.jobs.Get(ctx, name)
	if errors.Is(err, eventlog.ErrNotFound) {
		return reservation{}, uploadInProgress(0) // it expired just now
	}
	if err != nil {
		return reservation{}, err
	}
	first := events.JobID(entry.Revision)
	state, err := in.keyStateOf(ctx, first, entry.Created)
	switch {
	case err != nil:
		return reservation{}, err
	case state == importjob.KeyStored:
		return reservation{job: first, repeated: true}, nil
	case state != importjob.KeyReusable:
		return reservation{}, uploadInProgress(first)
	}
	revision, err := in.jobs.Update(ctx, name, nil, entry.Revision)
	if errors.Is(err, eventlog.ErrExists) {
		return reservation{}, uploadInProgress(0) // another upload took the key over
	}
	if err != nil {
		return reservation{}, err
	}
	return in.nextFreeID(ctx, name, revision)
}

// keyStateOf is the state of a key whose first import was reserved at a time. An orphaned import is
// aborted, so that no slow upload can start it later.
func (in *Ingest) keyStateOf(ctx context.Context, first events.JobID, reserved time.Time) (importjob.KeyState, error) {
	s, err := in.load(ctx, first)
	if err != nil {
		return importjob.KeyInProgress, err
	}
	state := s.KeyState(time.Since(reserved), in.config.Abandoned)
	if state != importjob.KeyOrphaned {
		return state, nil
	}
	if s, err = in.abortUnlessEnded(ctx, importjob.AbandonedUpload(first, 0)); err != nil {
		return importjob.KeyInProgress, err
	}
	return s.KeyState(0, in.config.Abandoned), nil
}

func uploadInProgress(first events.JobID) error {
	return &httpx.Error{
		Status: 409, Code: "upload_in_progress", RetryAfter: 2 * time.Second, JobID: uint64(first),
		Detail: "An upload with this Idempotency-Key is still under way: ask again later.",
	}
}

// nextFreeID draws on until it has an id of which the streams hold nothing: a bucket
// that was restored from a backup may repeat ids.
func (in *Ingest) nextFreeID(ctx context.Context, name string, revision uint64) (reservation, error) {
	for {
		job := events.JobID(revision)
		_, facts, err := in.log.LastFact(ctx, job)
		if err != nil {
			return reservation{}, err
		}
		_, rows, err := in.log.LastRow(ctx, job)
		if err != nil {
			return reservation{}, err
		}
		if !facts && !rows {
			return reservation{job: job}, nil
		}
		if revision, err = in.jobs.Update(ctx, name, nil, revision); err != nil {
			return reservation{}, err
		}
	}
}

// checkRepeat answers an upload whose key stands for a sealed one: nil where it is
// the same file with the same query. The whole file has to be read for that.
func (in *Ingest) checkRepeat(ctx context.Context, first events.JobID, b *body, o options) error {
	if err := b.finish(); err != nil {
		return uploadError(err)
	}
	s, err := in.load(ctx, first)
	if err != nil {
		return storeError(err)
	}
	if !s.SameUpload(o.query, uint64(b.file.bytes), b.file.sum()) {
		return httpx.Unprocessable("idempotency_key_reused",
			"This Idempotency-Key was used for another file or other query parameters: use a new key.").ForJob(uint64(first))
	}
	return nil
}

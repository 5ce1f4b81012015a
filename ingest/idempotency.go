package ingest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/events/importjob"
	"licenseimport/internal/failpoint"
	"licenseimport/internal/httpx"
)

// reservation is the job id that an upload may use.
type reservation struct {
	job      events.JobID
	repeated bool // the id is that of an earlier upload with the same key, which is sealed
}

// reserve draws a job id: the revision of an entry in the bucket jobs. The entry's key is a hash of
// the manager and the Idempotency-Key, so one request draws the id and detects a key that was used
// before. An entry expires after 24 h. Without an Idempotency-Key the entry's key is random.
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

// sealedUpload is the import of the sealed upload that used an Idempotency-Key before; without facts if there is none.
// A request with such a key is compared with that upload before anything is made of its mapping and its header: a
// saved mapping may have changed since, or be gone.
func (in *Ingest) sealedUpload(ctx context.Context, manager, key string) (importjob.State, error) {
	if key == "" {
		return importjob.State{}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, idTimeout)
	defer cancel()
	entry, err := in.jobs.Get(ctx, bucketKey(manager, key))
	if errors.Is(err, eventlog.ErrNotFound) {
		return importjob.State{}, nil
	}
	if err != nil {
		return importjob.State{}, err
	}
	s, err := in.load(ctx, events.JobID(entry.Revision))
	if err != nil || s.Sealed == nil {
		return importjob.State{}, err
	}
	return s, nil
}

func bucketKey(manager, key string) string {
	if key == "" || failpoint.Key {
		return rand.Text()
	}
	sum := sha256.Sum256([]byte(manager + "\x00" + key))
	return hex.EncodeToString(sum[:])
}

// reserveUsedKey finds out what the first upload with a key became. The new upload repeats it,
// takes the key over, or gets the answer 409 because the first one is in progress.
func (in *Ingest) reserveUsedKey(ctx context.Context, name string) (reservation, error) {
	entry, err := in.jobs.Get(ctx, name)
	if errors.Is(err, eventlog.ErrNotFound) {
		return reservation{}, uploadInProgress(0) // the entry has just expired
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

// keyStateOf is the state of a key whose first upload was reserved at a time. An orphaned one is aborted, so that it
// cannot go on later. Its silence counts from what is stored, not from what this process has seen: an ingest that was
// killed in the middle of an upload keeps no client from sending the file again.
func (in *Ingest) keyStateOf(ctx context.Context, first events.JobID, reserved time.Time) (importjob.KeyState, error) {
	s, err := in.load(ctx, first)
	if err != nil {
		return importjob.KeyInProgress, err
	}
	if state := s.KeyState(time.Since(reserved), in.config.Abandoned); state != importjob.KeyOrphaned {
		return state, nil
	}
	last, found, err := in.log.LastRow(ctx, first)
	if err != nil {
		return importjob.KeyInProgress, err
	}
	if found && time.Since(last.Time) <= in.config.Abandoned {
		return importjob.KeyInProgress, nil
	}
	for range silentVisits {
		if in.log.UploadAlive(ctx, first) {
			return importjob.KeyInProgress, nil
		}
	}
	if s, err = in.abortAbandoned(ctx, first, last); err != nil {
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

// nextFreeID draws further ids until the streams hold nothing of one: a bucket that was restored
// from a backup may repeat ids.
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

// checkRepeat compares an upload with the first one of its key, which is sealed. It returns nil for
// the same rows and query, otherwise the answer 422. It reads the source to its end.
func checkRepeat(first importjob.State, o options, source rowSource) error {
	if err := source.finish(); err != nil {
		return uploadError(err)
	}
	if bytes, sum := source.content(); !first.SameUpload(o.kind, o.query, bytes, sum) {
		return httpx.Unprocessable("idempotency_key_reused",
			"This Idempotency-Key was used for another file or other query parameters: use a new key.").ForJob(uint64(first.Job))
	}
	return nil
}

// answerRepeat answers an upload whose key is that of a sealed one: with the id of that, or 422.
func answerRepeat(w http.ResponseWriter, r *http.Request, first importjob.State, o options, source rowSource) error {
	if err := checkRepeat(first, o, source); err != nil {
		return err
	}
	return answerJob(w, r, http.StatusOK, o.kind, first.Job)
}

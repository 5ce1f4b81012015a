package importjob

import (
	"time"

	"licenseimport/events"
)

// KeyState is what an Idempotency-Key that was used before stands for.
type KeyState uint8

// The states of a key's earlier upload.
const (
	KeyInProgress KeyState = iota // it goes on: the client asks again later
	KeyStored                     // it is whole: the client's file is compared with it
	KeyOrphaned                   // it gave no sign of life for too long: abort it, then reuse the key
	KeyReusable                   // it imported nothing: a new upload takes the key
)

// KeyState is the state of a key whose upload has been silent for so long. An upload that is not sealed is orphaned
// when that is longer than abandoned.
func (s State) KeyState(silent, abandoned time.Duration) KeyState {
	switch {
	case s.Sealed != nil:
		return KeyStored
	case s.Ended():
		return KeyReusable
	case silent > abandoned:
		return KeyOrphaned
	default:
		return KeyInProgress
	}
}

// SameUpload reports whether an upload of this kind, with this query, length in bytes and SHA-256 repeats the one that
// the import was sealed with. The mapping is compared by what the query says of it: a saved one may have changed since.
func (s State) SameUpload(kind *events.Kind, query string, size uint64, sha256 string) bool {
	return s.Started != nil && s.Sealed != nil && events.KindNamed(s.Started.Kind) == kind && s.Started.Query == query &&
		s.Sealed.Bytes == size && s.Sealed.SHA256 == sha256
}

// AbandonedUpload is the fact that ends an upload which nobody continues, after so many stored
// rows.
func AbandonedUpload(job events.JobID, rows events.Row) *events.ImportAborted {
	message := "The upload stopped in the middle, so nothing was imported: send the file again."
	if rows == 0 {
		message = "Nothing of the upload was stored: send the file again."
	}
	return &events.ImportAborted{JobID: job, Code: string(CodeUploadAbandoned), Message: message, Rows: rows}
}

package events

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strconv"
)

// JobID is the id of one import, from 1. A later import has a larger id.
type JobID uint64

// String is the id in decimal, as subjects and URLs have it.
func (id JobID) String() string { return strconv.FormatUint(uint64(id), 10) }

// ParseJobID reads an id as subjects and URLs have it: decimal, from 1, without a sign or a leading
// zero.
func ParseJobID(s string) (JobID, error) {
	n, ok := parseID(s)
	if !ok {
		return 0, fmt.Errorf("%q is not an import's id: a whole number from 1", s)
	}
	return JobID(n), nil
}

func parseID(s string) (id uint64, ok bool) {
	id, err := strconv.ParseUint(s, 10, 64)
	return id, err == nil && s[0] != '0'
}

// Row is the number of a data row of a file, from 1. The header and blank lines have no number.
type Row uint64

// Seq is a sequence number of a stream, from 1; 0 means that there is none yet.
type Seq uint64

// ParseSeq reads the id of a license, customer or order in the form of an import's: see [ParseJobID].
func ParseSeq(s string) (id Seq, ok bool) {
	n, ok := parseID(s)
	return Seq(n), ok
}

// Origin names the row of an import that made a license.
type Origin struct {
	JobID JobID `json:"job_id"`
	Row   Row   `json:"row"`
}

// rowID is the id of a row's outcome, or with a suffix of its arrival.
func rowID(job JobID, row Row, suffix string) string {
	return string(appendRowID(make([]byte, 0, 48), job, row, suffix))
}

func appendRowID(b []byte, job JobID, row Row, suffix string) []byte {
	b = strconv.AppendUint(b, uint64(job), 10)
	b = strconv.AppendUint(append(b, '/'), uint64(row), 10)
	return append(b, suffix...)
}

// appendID appends e.ID(). For the frequent types it allocates nothing.
func appendID(b []byte, e Event) []byte {
	switch e := e.(type) {
	case *RowReceived:
		return appendRowID(b, e.JobID, e.Row, "/received")
	case *LicenseImported:
		return appendRowID(b, e.JobID, e.Row, "")
	case *LicenseExisted:
		return appendRowID(b, e.JobID, e.Row, "")
	case *RowRejected:
		return appendRowID(b, e.JobID, e.Row, "")
	case *LicenseUpdated:
		return appendRowID(b, e.JobID, e.Row, "")
	case *LicenseUpdateProposed:
		return appendRowID(b, e.JobID, e.Row, "")
	default:
		return append(b, e.ID()...)
	}
}

// ProductID is a product's id in the API: a number from 1 to 2^53 that follows from its short code alone. So
// it is the same after the product was taken out and set again, and JavaScript reads it exactly.
func ProductID(shortCode string) uint64 {
	sum := sha256.Sum256([]byte(shortCode))
	return binary.BigEndian.Uint64(sum[:])>>11 + 1
}

package events

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// The two streams.
const (
	RowsStream     = "ROWS"     // every row of every upload, as sent, for some days
	LicensesStream = "LICENSES" // every fact, for ever: the one source of truth
)

// The subjects that each stream stores.
var (
	RowsSubjects     = []string{"rows.*"}
	LicensesSubjects = append(kindSubjects(), FactsOfAllFilter, "outcomes.*.*", OperationsFilter)
)

func kindSubjects() (subjects []string) {
	for _, k := range Kinds {
		subjects = append(subjects, k.Subjects)
	}
	return subjects
}

// LifecycleSubjects are the subjects of the facts that begin, seal and end an import.
var LifecycleSubjects = []string{"imports.*.started", SealedFilter, AbortedFilter, FinishedFilter}

// Filters for readers.
const (
	FactsOfAllFilter = "imports.*.*"             // the facts of all jobs
	SealedFilter     = "imports.*.sealed"        // the jobs that a processor may claim
	AbortedFilter    = "imports.*.aborted"       // the jobs whose uploads broke off
	FinishedFilter   = "imports.*.finished"      // the jobs that a processor has ended
	LicensesFilter   = "licenses.>"              // the events of all licenses: what other services read
	UndoFilter       = "imports.*.undo_started"  // the jobs that a processor may claim to undo
	UndoneFilter     = "imports.*.undo_finished" // the jobs that a processor has undone
	SetAsideFilter   = "operations.set_aside.*"  // which messages no reader reads

	OperationsFilter = "operations.*.*" // what operators and admins did
)

// WorkFilters match the facts that give a processor work: an ImportSealed and an UndoStarted.
var WorkFilters = []string{SealedFilter, UndoFilter}

// workEnds has, for each of the WorkFilters, the last tokens of its facts and of the facts that end the work.
var workEnds = [...]struct{ begin, end string }{{".sealed", ".finished"}, {".undo_started", ".undo_finished"}}

// Source is the CloudEvents source of every event.
const Source = "licenseimport"

// RowsSubject is the subject of a job's rows.
func RowsSubject(job JobID) string { return "rows." + job.String() }

// ParseRowsSubject is the inverse of RowsSubject.
func ParseRowsSubject(subject string) (JobID, error) {
	digits, ok := strings.CutPrefix(subject, "rows.")
	if !ok {
		return 0, fmt.Errorf("%q is not a subject of rows", subject)
	}
	return ParseJobID(digits)
}

// FactsFilter matches the facts of one job. An append to a job expects the last sequence over this
// filter. A replicated stream compares the appends in flight by the literal string, so this function
// alone builds it.
func FactsFilter(job JobID) string { return "imports." + job.String() + ".*" }

// StartedSubject is the subject of a job's ImportStarted.
func StartedSubject(job JobID) string { return fact(job, "started") }

// SealedSubject is the subject of a job's ImportSealed.
func SealedSubject(job JobID) string { return fact(job, "sealed") }

// FinishedSubject is the subject of a job's ImportFinished.
func FinishedSubject(job JobID) string { return fact(job, "finished") }

// ParseWorkSubject is the job of a fact that gives a processor work, and the subject of the fact that ends
// that work.
func ParseWorkSubject(subject string) (job JobID, end string, err error) {
	for _, work := range workEnds {
		if digits, ok := strings.CutSuffix(subject, work.begin); ok {
			digits, _ = strings.CutPrefix(digits, "imports.")
			if job, err = ParseJobID(digits); err == nil && subject == fact(job, work.begin[1:]) {
				return job, fact(job, work.end[1:]), nil
			}
		}
	}
	return 0, "", fmt.Errorf("%q is not the subject of a fact that gives a processor work", subject)
}

// SetAsideSubject is the subject of the EventSetAside about the message with a sequence.
func SetAsideSubject(seq Seq) string {
	return "operations.set_aside." + strconv.FormatUint(uint64(seq), 10)
}

// OutcomesFilter matches those outcomes of one job that are no events of a license.
func OutcomesFilter(job JobID) string { return outcome(job, "*") }

// RejectedSubject is the subject of one job's RowRejected.
func RejectedSubject(job JobID) string { return outcome(job, "rejected") }

// LicenseSubject is the subject of one license: of all its events. The first one is the LicenseImported that
// made it, and the last one says what the license is now: see [StateAfter].
func LicenseSubject(product, key string) string {
	var buf [128]byte // long enough for nearly all subjects
	return string(appendLicenseSubject(buf[:0], product, key))
}

func appendLicenseSubject(b []byte, product, key string) []byte {
	b = append(b, "licenses."...)
	b = appendToken(b, product)
	b = append(b, '.')
	return appendToken(b, key)
}

// FeatureSubject is the subject of one feature of a license: of all its events. The last one says what the
// feature is now.
func FeatureSubject(product, key, code string) string {
	var buf [160]byte // long enough for nearly all subjects
	b := append(buf[:0], "features."...)
	b = append(appendToken(b, product), '.')
	b = append(appendToken(b, key), '.')
	return string(appendToken(b, code))
}

// FeatureFilter matches the subjects of the features that a license's key and a code name: of one product, or
// without one, of all.
func FeatureFilter(product, key, code string) string {
	if product != "" {
		return FeatureSubject(product, key, code)
	}
	return "features.*." + Token(key) + "." + Token(code)
}

// LicenseFilter matches the subjects of the licenses with a key: of one product, or without one, of all.
func LicenseFilter(product, key string) string {
	if product != "" {
		return LicenseSubject(product, key)
	}
	return "licenses.*." + Token(key)
}

// CustomerSubject is the subject of one customer. It names no person: its token is the first half of the
// SHA-256 of the e-mail's [EmailKey], in hex.
func CustomerSubject(email string) string {
	sum := sha256.Sum256([]byte(EmailKey(email)))
	return "customers." + hex.EncodeToString(sum[:16])
}

// IsAt reports whether subject is the event's own. It allocates nothing for the frequent types.
func IsAt(e Event, subject string) bool {
	var buf [128]byte // long enough for nearly all subjects
	b := buf[:0]
	switch e := e.(type) {
	case *RowReceived:
		b = strconv.AppendUint(append(b, "rows."...), uint64(e.JobID), 10)
	case *LicenseImported:
		b = appendLicenseSubject(b, e.Product.ShortCode, e.License.Key)
	case *LicenseUpdated:
		b = appendLicenseSubject(b, e.Product.ShortCode, e.License.Key)
	case *LicenseRestored:
		b = appendLicenseSubject(b, e.Product.ShortCode, e.License.Key)
	case *LicenseRevoked:
		b = appendLicenseSubject(b, e.Product.ShortCode, e.LicenseKey)
	case *LicenseExisted:
		b = append(strconv.AppendUint(append(b, "outcomes."...), uint64(e.JobID), 10), ".existed"...)
	case *RowRejected:
		b = append(strconv.AppendUint(append(b, "outcomes."...), uint64(e.JobID), 10), ".rejected"...)
	default:
		return e.Subject() == subject
	}
	return string(b) == subject
}

func fact(job JobID, name string) string    { return "imports." + job.String() + "." + name }
func outcome(job JobID, kind string) string { return "outcomes." + job.String() + "." + kind }

const upperHex = "0123456789ABCDEF"

// Token writes any text as one subject token: each byte outside A-Z a-z 0-9 - _ becomes =XX, in
// upper-case hex.
func Token(s string) string { return string(appendToken(nil, s)) }

func appendToken(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; isTokenByte(c) {
			b = append(b, c)
		} else {
			b = append(b, '=', upperHex[c>>4], upperHex[c&15])
		}
	}
	return b
}

// tokenLen is the length of Token(s) in bytes.
func tokenLen(s string) int {
	n := len(s)
	for i := range len(s) {
		if !isTokenByte(s[i]) {
			n += len("=XX") - 1
		}
	}
	return n
}

func isTokenByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_'
}

var errToken = errors.New("not a token that events.Token writes")

// ParseToken is the inverse of Token. It refuses what Token does not write.
func ParseToken(token string) (string, error) {
	if token == "" {
		return "", errToken
	}
	b := make([]byte, 0, len(token))
	for i := 0; i < len(token); i++ {
		c := token[i]
		if c == '=' {
			if i+2 >= len(token) {
				return "", errToken
			}
			high := strings.IndexByte(upperHex, token[i+1])
			low := strings.IndexByte(upperHex, token[i+2])
			c = byte(high<<4 | low)
			if high < 0 || low < 0 || isTokenByte(c) {
				return "", errToken
			}
			i += 2
		} else if !isTokenByte(c) {
			return "", errToken
		}
		b = append(b, c)
	}
	return string(b), nil
}

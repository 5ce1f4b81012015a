package events

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// The two streams.
const (
	RowsStream     = "ROWS"     // every row of every upload, as it came, for some days
	LicensesStream = "LICENSES" // every fact, for ever: the one source of truth
)

// The subjects that each stream takes.
var (
	RowsSubjects     = []string{"rows.*"}
	LicensesSubjects = []string{"licenses.*.*", "imports.*.*", "outcomes.*.*"}
)

// TurningPoints are the subjects of the facts with which an import begins, is sealed and ends.
var TurningPoints = []string{"imports.*.started", SealedFilter, AbortedFilter, "imports.*.finished"}

// Filters for readers.
const (
	SealedFilter   = "imports.*.sealed"  // the jobs that a processor may claim
	AbortedFilter  = "imports.*.aborted" // those whose uploads broke off
	LicensesFilter = "licenses.>"        // each license once: what other services read
)

// Source is the CloudEvents source of every event.
const Source = "licenseimport"

// RowsSubject is where a job's rows are published.
func RowsSubject(job JobID) string { return "rows." + job.String() }

// ParseRowsSubject is the inverse of RowsSubject.
func ParseRowsSubject(subject string) (JobID, error) {
	digits, ok := strings.CutPrefix(subject, "rows.")
	if !ok {
		return 0, fmt.Errorf("%q is not a subject of rows", subject)
	}
	return ParseJobID(digits)
}

// FactsFilter matches the facts of one job. Appends to a job are expected to
// follow its last fact over this very string: a replicated stream compares what
// is in flight by the literal filter, so there is no second place that builds it.
func FactsFilter(job JobID) string { return "imports." + job.String() + ".*" }

// StartedSubject is where a job's ImportStarted stands.
func StartedSubject(job JobID) string { return fact(job, "started") }

// SealedSubject is where a job's ImportSealed stands.
func SealedSubject(job JobID) string { return fact(job, "sealed") }

// ParseSealedSubject is the inverse of SealedSubject.
func ParseSealedSubject(subject string) (JobID, error) {
	digits, ok1 := strings.CutPrefix(subject, "imports.")
	digits, ok2 := strings.CutSuffix(digits, ".sealed")
	if !ok1 || !ok2 {
		return 0, fmt.Errorf("%q is not the subject of a sealed job", subject)
	}
	return ParseJobID(digits)
}

// OutcomesFilter matches the outcomes of one job that made no license.
func OutcomesFilter(job JobID) string { return outcome(job, "*") }

// LicenseSubject is the subject of one license. Its first message, the only one
// that an import writes, is the LicenseImported that made it.
func LicenseSubject(product, key string) string {
	var room [128]byte // for nearly all
	b := append(room[:0], "licenses."...)
	b = appendToken(b, product)
	b = append(b, '.')
	return string(appendToken(b, key))
}

// ParseLicenseSubject is the inverse of LicenseSubject.
func ParseLicenseSubject(subject string) (product, key string, err error) {
	rest, ok := strings.CutPrefix(subject, "licenses.")
	first, second, two := strings.Cut(rest, ".")
	if !ok || !two {
		return "", "", fmt.Errorf("%q is not a license's subject", subject)
	}
	if product, err = ParseToken(first); err != nil {
		return "", "", err
	}
	key, err = ParseToken(second)
	return product, key, err
}

func fact(job JobID, name string) string    { return "imports." + job.String() + "." + name }
func outcome(job JobID, kind string) string { return "outcomes." + job.String() + "." + kind }

const upperHex = "0123456789ABCDEF"

// Token writes any text as one subject token: bytes outside A-Z a-z 0-9 - _
// become =XX, the upper-case hex of UTF-8.
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

func isTokenByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_'
}

var errToken = errors.New("not a subject token of ours")

// ParseToken is the inverse of Token; it takes only what Token writes.
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

// rowID is the id of a row's outcome, or with a suffix of its arrival.
func rowID(job JobID, row Row, suffix string) string {
	return string(appendRowID(make([]byte, 0, 48), job, row, suffix))
}

func appendRowID(b []byte, job JobID, row Row, suffix string) []byte {
	b = strconv.AppendUint(b, uint64(job), 10)
	b = strconv.AppendUint(append(b, '/'), uint64(row), 10)
	return append(b, suffix...)
}

// appendID writes the event's id, of a row without making it a string first.
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
	default:
		return append(b, e.ID()...)
	}
}

// ParseOutcomeID reads the job and row from the id of a row's outcome.
func ParseOutcomeID(id string) (Origin, error) {
	first, second, _ := strings.Cut(id, "/")
	job, err := ParseJobID(first)
	row, err2 := ParseJobID(second) // written alike
	if err != nil || err2 != nil {
		return Origin{}, fmt.Errorf("%q is not the id of a row's outcome", id)
	}
	return Origin{JobID: job, Row: Row(row)}, nil
}

// What each type is called, where it stands and to which job it belongs.

func (e *RowReceived) Type() string      { return "RowReceived" }
func (e *ImportStarted) Type() string    { return "ImportStarted" }
func (e *ImportSealed) Type() string     { return "ImportSealed" }
func (e *ImportAborted) Type() string    { return "ImportAborted" }
func (e *ImportCancelled) Type() string  { return "ImportCancelled" }
func (e *LicenseImported) Type() string  { return "LicenseImported" }
func (e *LicenseExisted) Type() string   { return "LicenseExisted" }
func (e *RowRejected) Type() string      { return "RowRejected" }
func (e *ImportProgressed) Type() string { return "ImportProgressed" }
func (e *ImportFinished) Type() string   { return "ImportFinished" }

func (e *RowReceived) ID() string     { return rowID(e.JobID, e.Row, "/received") }
func (e *ImportStarted) ID() string   { return e.JobID.String() + "/started" }
func (e *ImportSealed) ID() string    { return e.JobID.String() + "/sealed" }
func (e *ImportAborted) ID() string   { return e.JobID.String() + "/aborted" }
func (e *ImportCancelled) ID() string { return e.JobID.String() + "/cancelled" }
func (e *LicenseImported) ID() string { return rowID(e.JobID, e.Row, "") }
func (e *LicenseExisted) ID() string  { return rowID(e.JobID, e.Row, "") }
func (e *RowRejected) ID() string     { return rowID(e.JobID, e.Row, "") }
func (e *ImportFinished) ID() string  { return e.JobID.String() + "/finished" }

// ID has the phase in it while validating, since the import phase of an
// all_or_nothing import passes the same rows again.
func (e *ImportProgressed) ID() string {
	infix := "/progressed/"
	if e.Phase == Validate {
		infix += "validate/"
	}
	return e.JobID.String() + infix + strconv.FormatUint(uint64(e.Row), 10)
}

func (e *RowReceived) Subject() string      { return RowsSubject(e.JobID) }
func (e *ImportStarted) Subject() string    { return StartedSubject(e.JobID) }
func (e *ImportSealed) Subject() string     { return SealedSubject(e.JobID) }
func (e *ImportAborted) Subject() string    { return fact(e.JobID, "aborted") }
func (e *ImportCancelled) Subject() string  { return fact(e.JobID, "cancelled") }
func (e *LicenseImported) Subject() string  { return LicenseSubject(e.Product.ShortCode, e.License.Key) }
func (e *LicenseExisted) Subject() string   { return outcome(e.JobID, "existed") }
func (e *RowRejected) Subject() string      { return outcome(e.JobID, "rejected") }
func (e *ImportProgressed) Subject() string { return fact(e.JobID, "progressed") }
func (e *ImportFinished) Subject() string   { return fact(e.JobID, "finished") }

func (e *RowReceived) Job() JobID      { return e.JobID }
func (e *ImportStarted) Job() JobID    { return e.JobID }
func (e *ImportSealed) Job() JobID     { return e.JobID }
func (e *ImportAborted) Job() JobID    { return e.JobID }
func (e *ImportCancelled) Job() JobID  { return e.JobID }
func (e *LicenseImported) Job() JobID  { return e.JobID }
func (e *LicenseExisted) Job() JobID   { return e.JobID }
func (e *RowRejected) Job() JobID      { return e.JobID }
func (e *ImportProgressed) Job() JobID { return e.JobID }
func (e *ImportFinished) Job() JobID   { return e.JobID }

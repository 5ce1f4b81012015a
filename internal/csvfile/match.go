package csvfile

import (
	"fmt"
	"slices"
	"strings"
)

// ErrorPrefix begins the names of the columns that an invalid_rows.csv has beside those of the import. They are ignored
// on upload.
const ErrorPrefix = "error__"

// ProblemKind says in a word what is wrong with a header name.
type ProblemKind string

// The kinds of header problems.
const (
	MissingColumn   ProblemKind = "missing_column"
	DuplicateColumn ProblemKind = "duplicate_column"
	UnknownColumn   ProblemKind = "unknown_column"
)

// HeaderProblem is one reason to refuse a header.
type HeaderProblem struct {
	Kind       ProblemKind
	Name       string // as sent, trimmed; of a missing column the known name
	Position   int    // of the field, from 0; -1 for a missing column
	Suggestion string // the known name that was probably meant; for a missing column the header that probably means it; or empty
	Message    string // what was found, and what to do
	Parameter  string // a query parameter to copy that would solve it, such as map=Serial:license__license_key; or empty
}

// MatchHeader finds for each header field its index in known, or -1 for one that is ignored: an empty one, one whose
// name begins with ErrorPrefix, and an unknown one where ignoreUnknown is set. Names are compared without regard to
// case and surrounding white space. A field that has a problem is -1 too. Known and required names are in lower case,
// and every required name is among the known.
func MatchHeader(fields, known, required []string, ignoreUnknown bool) (columns []int, problems []HeaderProblem) {
	m := matcher{known: known, required: required, meant: make(map[string]string), first: make(map[int]int)}
	columns = make([]int, len(fields))
	for i, field := range fields {
		columns[i] = m.match(i, field, ignoreUnknown)
	}
	for _, name := range required {
		if i := slices.Index(known, name); i >= 0 {
			if _, found := m.first[i]; found {
				continue
			}
		}
		m.problems = append(m.problems, Missing(name, m.meant[name]))
	}
	return columns, m.problems
}

// IsErrorColumn says whether a header field is one of an invalid_rows.csv.
func IsErrorColumn(field string) bool {
	return strings.HasPrefix(NormalName(field), ErrorPrefix)
}

// IsGuardedColumn says whether a header field tells that the cells of the file were guarded; see Unguard.
func IsGuardedColumn(field string) bool { return NormalName(field) == GuardedRawColumn }

// IsMappingColumn says whether a header field names the mapping of the file's rows.
func IsMappingColumn(field string) bool { return NormalName(field) == MappingColumn }

// IsRawColumn says whether a header field names the texts of rows that could not be read.
func IsRawColumn(field string) bool { return NormalName(field) == RawColumn || IsGuardedColumn(field) }

type matcher struct {
	known    []string
	required []string
	first    map[int]int       // index in known → position of the field that has it
	meant    map[string]string // known name → the unknown header that was probably meant to be it
	problems []HeaderProblem
}

func (m *matcher) match(position int, field string, ignoreUnknown bool) int {
	name := NormalName(field)
	if name == "" || IsErrorColumn(name) {
		return -1
	}
	i := slices.Index(m.known, name)
	if i < 0 {
		m.unknown(position, field, ignoreUnknown)
		return -1
	}
	if first, found := m.first[i]; found {
		m.problems = append(m.problems, HeaderProblem{Kind: DuplicateColumn, Name: TrimName(field), Position: position,
			Message: fmt.Sprintf("columns %d and %d are both named %s: take one of them out", first+1, position+1, m.known[i])})
		return -1
	}
	m.first[i] = position
	return i
}

func (m *matcher) unknown(position int, field string, ignored bool) {
	p := HeaderProblem{Kind: UnknownColumn, Name: ShortName(TrimName(field)), Position: position, Suggestion: suggest(NormalName(field), m.known, m.required)}
	if p.Suggestion != "" && m.meant[p.Suggestion] == "" {
		m.meant[p.Suggestion] = p.Name
	}
	if ignored {
		return
	}
	p.Message = fmt.Sprintf("column %d, %q, is not known: ", position+1, p.Name)
	if p.Suggestion != "" {
		p.Message += "did you mean " + p.Suggestion + "? If not, "
	}
	p.Message += "take it out, or upload with unknown_columns=ignore"
	m.problems = append(m.problems, p)
}

// Missing is the problem of a required column that the header lacks. The suggestion is the header that probably
// means it; or empty.
func Missing(name, suggestion string) HeaderProblem {
	p := HeaderProblem{Kind: MissingColumn, Name: name, Position: -1, Suggestion: suggestion}
	p.Message = "the required column " + name + " is missing: "
	if suggestion != "" {
		p.Message += fmt.Sprintf("rename the column %q, if that is it, or add one", suggestion)
	} else {
		p.Message += "add it"
	}
	return p
}

// NormalName is the form in which headers are compared: in lower case, without white space around them. Line ends
// within them are LF: a terminal and a form do not keep CR.
func NormalName(field string) string {
	return strings.ReplaceAll(strings.ReplaceAll(strings.ToLower(TrimName(field)), "\r\n", "\n"), "\r", "\n")
}

// TrimName takes off white space, and the byte order mark that joining files leaves before a name.
func TrimName(field string) string {
	return strings.TrimSpace(strings.TrimPrefix(field, "\uFEFF"))
}

// ShortName shortens a name that is too long to be shown.
func ShortName(name string) string {
	if runes := []rune(name); len(runes) > 80 {
		return string(runes[:80]) + "…"
	}
	return name
}

package mapping

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"licenseimport/events"
	"licenseimport/internal/csvfile"

	"github.com/agnivade/levenshtein"
)

// A Source is one column of a file: its header and some of its cells.
type Source struct {
	Header string
	Cells  []string
}

// A Suggestion is what one column of a file seems to be.
type Suggestion struct {
	Column     string  // empty: none
	Confidence float64 // from 0 to 1; of a column by its own name 1
	Why        string  // for people; without a full stop
	Unlike     string  // the column that the header names and the cells do not match; Column is empty then
}

// How sure the other grounds of a suggestion are by themselves.
const (
	exact      = 1.0
	unprefixed = 0.97 // the column's name without its prefix
	vendors    = 0.96 // a header of a vendor whose export the file is
	misspelt   = 0.7  // nearly a known header
	disabled   = 0.69 // a header that says that licenses are disabled: more than a status if some are, else less
	byForm     = 0.6  // its cells only
	supported  = 0.05 // is added where the cells have the form that the header promises
	margin     = 0.03 // of two columns that are as sure neither is suggested for a required one
)

// Suggest says what each column of a kind's file seems to be. No two have the same column.
func Suggest(kind *events.Kind, sources []Source) []Suggestion {
	s := suggester{
		vocabulary: vocabularyOf(kind), sources: sources, found: make([]Suggestion, len(sources)),
		vendor: vendorOfSources(kind, sources),
	}
	for i := range sources {
		s.consider(i)
	}
	s.assign()
	s.considerForms()
	for i := range s.found {
		s.found[i].Confidence = math.Round(s.found[i].Confidence*100) / 100
	}
	return s.found
}

// candidate is one column that a source may be.
type candidate struct {
	source, column int
	rank           int // of the header in the vendor's table: of two that are as sure the first has the column
	confidence     float64
	why            string
	disables       bool // some of its cells disable licenses
}

type suggester struct {
	*vocabulary
	sources    []Source
	vendor     *Vendor // whose export the file seems to be; nil: none is known
	candidates []candidate
	found      []Suggestion
	settled    map[int]bool // sources that a vendor's table leaves out
}

// consider adds the candidates of one source by its header, where its cells do not speak against them.
func (s *suggester) consider(i int) {
	name := compact(s.sources[i].Header)
	if name == "" || csvfile.IsErrorColumn(s.sources[i].Header) {
		s.found[i].Why = "it has no header of an import"
		return
	}
	c, ok := s.byName(i, name)
	if !ok {
		if s.found[i].Why == "" {
			s.found[i].Why = "no column has such a name"
		}
		return
	}
	cells := judged(s.sources[i].Cells)
	c.source = i
	own := meaning(s.vendor, s.sources[i].Header, events.Columns[c.column].Name)
	c.disables = slices.ContainsFunc(cells, func(cell string) bool {
		return own[normalCell(cell)] == "false" || isEnabled(c.column) && disabling[compact(cell)]
	})
	if own != nil && !c.disables {
		c.confidence -= supported // of two columns that disable licenses, one that disables some
	}
	switch {
	case c.confidence == exact:
	case isEnabled(c.column) && c.confidence <= perhaps && own == nil:
		if !sayEnabled(cells) {
			s.found[i].Why = fmt.Sprintf("it may be %s, but the cells do not say whether a license is enabled", enabledColumn)
			return
		}
		c.why = "its cells say whether a license is enabled"
	case !fits(c.column, cells, c.confidence, own) || isState(c.column) && share(cells, isStatus) > 1-most:
		s.found[i].Unlike = events.Columns[c.column].Name
		s.found[i].Why = fmt.Sprintf("the header is like that of %s, but the cells do not match it", s.found[i].Unlike)
		return
	case s.kind.Requires(c.column) && c.confidence <= perhaps && !hasForm(c.column, cells):
		s.found[i].Why = fmt.Sprintf("it may be %s, but neither the header nor the cells are clear", events.Columns[c.column].Name)
		return
	case c.column != events.ColumnProduct && hasForm(c.column, cells):
		c.confidence = min(c.confidence+supported, 0.99)
	}
	s.candidates = append(s.candidates, c)
}

// needed is the share of the cells that must fit a column that a header names so surely.
func needed(confidence float64) float64 {
	if confidence >= sure {
		return half
	}
	return most
}

// byName finds the column that a header names.
func (s *suggester) byName(i int, name string) (candidate, bool) {
	if column, known := s.kind.ColumnIndex(csvfile.NormalName(s.sources[i].Header)); known {
		return candidate{column: column, confidence: exact, why: "the column's own name"}, true
	}
	if s.vendor != nil {
		if column, known := s.vendor.column(name); known {
			return s.byVendor(i, column)
		}
	}
	if column, known := s.names[name]; known {
		return candidate{column: column, confidence: unprefixed, why: "the column's name without its prefix"}, true
	}
	if column, known := s.kind.ColumnIndex(enabledColumn); known && disabling[name] {
		return candidate{column: column, confidence: disabled, why: "it says that a license is disabled"}, true
	}
	for _, form := range []string{name, compact(withoutBrackets(s.sources[i].Header))} {
		if known, ok := s.synonyms[form]; ok {
			return candidate{column: known.column, confidence: known.how, why: "a usual name of the column"}, true
		}
	}
	for _, prefix := range licensePrefixes { // License Expiry Date
		rest, has := strings.CutPrefix(name, prefix)
		if known, ok := s.synonyms[rest]; has && ok && !s.kind.Requires(known.column) &&
			strings.HasPrefix(events.Columns[known.column].Name, "license__") {
			return candidate{column: known.column, confidence: known.how, why: "a usual name of the column"}, true
		}
	}
	if near, known := s.nearest(s.sources[i].Header); near != "" &&
		(len(name) >= longEnough || !s.kind.Requires(known.column)) {
		return candidate{column: known.column, confidence: misspelt, why: fmt.Sprintf("nearly %q", near)}, true
	}
	return candidate{}, false
}

func (s *suggester) byVendor(i int, column string) (candidate, bool) {
	if column == "" {
		s.found[i].Why = s.vendor.Title + " exports it; an import has no column for it"
		if s.settled == nil {
			s.settled = map[int]bool{}
		}
		s.settled[i] = !slices.Contains(s.vendor.byForm, compact(s.sources[i].Header))
		return candidate{}, false
	}
	index, ok := s.kind.ColumnIndex(column)
	return candidate{
		column: index, rank: s.vendor.rank(compact(s.sources[i].Header)), confidence: vendors,
		why: "as " + s.vendor.Title + " exports it",
	}, ok
}

// licensePrefixes are what a header may begin with that is about a license, compacted.
var licensePrefixes = []string{"license", "licence", "licensekey", "licencekey", "lizenz"}

// longEnough is the length from which a header of a required column may be misspelt: a short word with
// another letter is often another word.
const longEnough = 9

// withoutBrackets removes what stands in brackets: Expires (UTC).
func withoutBrackets(header string) string {
	before, rest, found := strings.Cut(header, "(")
	_, after, _ := strings.Cut(rest, ")")
	if !found {
		return header
	}
	return before + after
}

// nearest finds the synonym that a header misspells: word by word, as people do.
func (v *vocabulary) nearest(header string) (string, synonym) {
	name, given := compact(header), wordsOf(header)
	best, bestSlips := "", 3
	if strings.ContainsAny(name, "0123456789") { // Notes 2 is not a misspelt Notes
		return "", synonym{}
	}
	for known, s := range v.synonyms {
		if s.how < likely || len(s.words) != len(given) {
			continue
		}
		d := slips(given, s.words)
		if d > 0 && (d < bestSlips || d == bestSlips && known < best) {
			best, bestSlips = known, d
		}
	}
	return best, v.synonyms[best]
}

// slips is by how many letters words misspell other words; -1: they are other words. Short words are no
// misspelt ones, but for a plural: an end is not an id, and a status not a state. In scripts such as Japanese one
// letter is a word.
func slips(given, known []string) int {
	sum, length := 0, 0
	for i := range given {
		n := min(utf8.RuneCountInString(given[i]), utf8.RuneCountInString(known[i]))
		length += n
		d := distance(given[i], known[i])
		plural := given[i] == known[i]+"s" || known[i] == given[i]+"s"
		if d > n/5 && !plural || d > 0 && strings.ContainsFunc(given[i], isNotLatin) {
			return -1
		}
		sum += d
	}
	if length < 6 || sum > 1 && length < 11 || sum > 2 {
		return -1
	}
	return sum
}

func isNotLatin(r rune) bool { return !unicode.Is(unicode.Latin, r) }

// distance is by how many letters two words differ. Two that changed places count once.
func distance(a, b string) int {
	d := levenshtein.ComputeDistance(a, b)
	for i := 0; d == 2 && len(a) == len(b) && i < len(a)-1; i++ {
		if a[:i] == b[:i] && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:] {
			return 1
		}
	}
	return d
}

const enabledColumn = "license__enabled"

// isEnabled reports whether a column says that a license is enabled.
func isEnabled(column int) bool { return events.Columns[column].Name == enabledColumn }

// sayEnabled reports whether the cells are words for how a license stands, and some of them have one meaning.
// Numbers and yes or no do not say what of.
func sayEnabled(cells []string) bool {
	clear := share(cells, func(cell string) bool { return standing[compact(cell)] == meansOne })
	known := share(cells, func(cell string) bool { return standing[compact(cell)] != "" })
	return clear > 0 && known >= most
}

// isState reports whether a column is the state of an address.
func isState(column int) bool {
	name := events.Columns[column].Name
	return name == "customer__state" || name == "state"
}

// isStatus reports whether a cell says how a license stands: State is more often that than a region.
func isStatus(cell string) bool {
	return standing[compact(cell)] != "" || slices.Contains([]string{"pending", "valid", "invalid", "sold", "delivered",
		"deployed", "draft", "obsolete", "issued", "activated", "unused", "used", "available", "completed", "paid",
		"shipped", "closed"}, strings.ToLower(cell))
}

// hasForm reports whether the cells have the form of a column's values, where they have one by which
// they can be told from others.
func hasForm(column int, cells []string) bool {
	switch of := &events.Columns[column]; {
	case isKey(column):
		return share(cells, isKeyLike) >= most
	case column == events.ColumnProduct:
		return len(cells) > 0 && !distinct(cells) || len(cells) == 1
	case of.Type == events.Email:
		return share(cells, isEmail) >= most
	case of.Type == events.Date:
		return share(cells, isDate) >= most
	}
	return false
}

// assign gives each column to the source that is most surely it.
func (s *suggester) assign() {
	slices.SortStableFunc(s.candidates, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.confidence, a.confidence), cmp.Compare(a.rank, b.rank))
	})
	taken := map[int]candidate{}
	for _, c := range s.candidates {
		name := events.Columns[c.column].Name
		if first, is := taken[c.column]; is {
			s.found[c.source] = Suggestion{Why: fmt.Sprintf("%q is more surely %s", csvfile.ShortName(s.sources[first.source].Header), name)}
			if c.disables { // their licenses would be enabled without a word
				s.found[c.source].Why = fmt.Sprintf(
					"it disables licenses, too, and only %q is read: disable them there in the file", csvfile.ShortName(s.sources[first.source].Header))
			}
			if s.kind.Requires(c.column) && first.confidence < exact && first.confidence-c.confidence < margin {
				why := fmt.Sprintf("%q and %q may both be %s", csvfile.ShortName(s.sources[first.source].Header),
					csvfile.ShortName(s.sources[c.source].Header), name)
				s.found[first.source], s.found[c.source] = Suggestion{Why: why}, Suggestion{Why: why}
			}
			continue
		}
		taken[c.column] = c
		s.found[c.source] = Suggestion{Column: name, Confidence: c.confidence, Why: c.why}
	}
}

// considerForms suggests columns by their cells only, where the headers named none. A header of the same form is a
// cell: the file does not name its columns, and its first row would be lost.
func (s *suggester) considerForms() {
	for _, column := range s.kind.Columns() {
		switch {
		case events.Columns[column].Type == events.Email:
			s.byForm(column, "its cells are e-mail addresses", func(i int, cells []string) bool {
				header := s.sources[i].Header
				return share(cells, isEmail) >= most && !namesSomebodyElse(header) && !isEmail(header)
			})
		case isKey(column):
			s.byForm(column, "its cells look like license keys", func(i int, cells []string) bool {
				return len(cells) > 1 && !isGroupedKey(s.sources[i].Header) && share(cells, isGroupedKey) > 0.95 && (distinct(cells) || column != events.ColumnKey)
			})
		}
	}
}

// byForm suggests a column for the one source whose cells are of its form. Of two neither is suggested.
func (s *suggester) byForm(column int, why string, is func(i int, cells []string) bool) {
	found := -1
	for i := range s.sources {
		if s.found[i].Column == events.Columns[column].Name {
			return
		}
		if s.found[i].Column != "" || s.settled[i] || !is(i, judged(s.sources[i].Cells)) {
			continue
		}
		if found >= 0 {
			return
		}
		found = i
	}
	if found >= 0 {
		s.found[found] = Suggestion{Column: events.Columns[column].Name, Confidence: byForm, Why: why}
	}
}

// namesSomebodyElse reports whether a header names a person who is not the customer.
func namesSomebodyElse(header string) bool {
	name := compact(header)
	for _, word := range []string{"reseller", "partner", "manager", "sales", "vendor", "seller", "admin", "creat", "gift", "affiliate", "agent", "handler", "vertrieb", "revendeur"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}

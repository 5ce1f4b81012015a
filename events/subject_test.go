package events

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestSubjectsAndIDs(t *testing.T) {
	const job = 10
	for _, test := range []struct {
		event       Event
		id, subject string
	}{
		{&RowReceived{JobID: job, Row: 17}, "10/17/received", "rows.10"},
		{&ImportStarted{JobID: job}, "10/started", "imports.10.started"},
		{&ImportSealed{JobID: job}, "10/sealed", "imports.10.sealed"},
		{&ImportAborted{JobID: job}, "10/aborted", "imports.10.aborted"},
		{&ImportCancelled{JobID: job}, "10/cancelled", "imports.10.cancelled"},
		{&LicenseImported{JobID: job, Row: 17, License: License{Key: "A.b*ü"}, Product: Product{ShortCode: "p c"}}, "10/17", "licenses.p=20c.A=2Eb=2A=C3=BC"},
		{&LicenseExisted{JobID: job, Row: 18}, "10/18", "outcomes.10.existed"},
		{&RowRejected{JobID: job, Row: 19}, "10/19", "outcomes.10.rejected"},
		{&ImportProgressed{JobID: job, Phase: Import, Row: 999}, "10/progressed/999", "imports.10.progressed"},
		{&ImportProgressed{JobID: job, Phase: Validate, Row: 999}, "10/progressed/validate/999", "imports.10.progressed"},
		{&ImportFinished{JobID: job}, "10/finished", "imports.10.finished"},
		{&EventSetAside{Sequence: 7}, "set_aside/7", "operations.set_aside.7"},
		{&ManagerKeyCreated{OperationChange: OperationChange{Revision: 7}}, "manager_key_created/7", "operations.manager_key_created.7"},
		{&ManagerKeyRevoked{OperationChange: OperationChange{Revision: 7}}, "manager_key_revoked/7", "operations.manager_key_revoked.7"},
		{&ProductSet{OperationChange: OperationChange{Revision: 7}}, "product_set/7", "operations.product_set.7"},
		{&ProductRemoved{OperationChange: OperationChange{Revision: 7}}, "product_removed/7", "operations.product_removed.7"},
		{&MappingSaved{OperationChange: OperationChange{Revision: 7}}, "mapping_saved/7", "operations.mapping_saved.7"},
		{&MappingRemoved{OperationChange: OperationChange{Revision: 7}}, "mapping_removed/7", "operations.mapping_removed.7"},
	} {
		job := JobID(job)
		if OfNoImport(test.event) {
			job = 0
		}
		if test.event.ID() != test.id || test.event.Subject() != test.subject || test.event.Job() != job {
			t.Errorf("%s: id %s, subject %s, job %d; want %s, %s, %d", test.event.Type(), test.event.ID(), test.event.Subject(), test.event.Job(), test.id, test.subject, job)
		}
	}
}

// shared reports whether events of other types have this one's subject and id, too: an import has one kind.
func shared(e Event) bool { return RowOf(e) != Origin{} }

// Each stream stores the subjects of its types. A subject belongs to one type only, but for those that a
// license, a feature or the outcomes of rows of each kind share; an id, too, but for those of a row.
func TestSubjectsAreUniqueAndInTheirStream(t *testing.T) {
	subjects, ids := map[string]string{}, map[string]string{}
	for _, name := range Types() {
		event := fullEvents()[name]
		if other, taken := subjects[event.Subject()]; taken && !shared(event) {
			t.Errorf("%s and %s share the subject %s", name, other, event.Subject())
		}
		if other, taken := ids[event.ID()]; taken && !shared(event) {
			t.Errorf("%s and %s share the id %s", name, other, event.ID())
		}
		subjects[event.Subject()], ids[event.ID()] = name, name
		filters := LicensesSubjects
		if name == "RowReceived" {
			filters = RowsSubjects
		}
		if n := countMatches(event.Subject(), append(append([]string{}, RowsSubjects...), LicensesSubjects...)); n != 1 {
			t.Errorf("%s is taken by %d filters of the two streams", event.Subject(), n)
		}
		if !IsAt(event, event.Subject()) || IsAt(event, event.Subject()+"0") || IsAt(event, "") {
			t.Errorf("IsAt does not know the subject of %s", name)
		}
		if countMatches(event.Subject(), filters) != 1 {
			t.Errorf("%s has the subject %s, which its stream does not store", name, event.Subject())
		}
	}
	if !matches(SealedSubject(10), FactsFilter(10)) || !matches(StartedSubject(10), FactsFilter(10)) || matches(SealedSubject(101), FactsFilter(10)) {
		t.Error("FactsFilter takes not exactly the facts of its job")
	}
	if !matches(SealedSubject(10), SealedFilter) || matches(StartedSubject(10), SealedFilter) {
		t.Error("SealedFilter takes not exactly the seals")
	}
	if aborted := (&ImportAborted{JobID: 10}).Subject(); !matches(aborted, AbortedFilter) || matches(SealedSubject(10), AbortedFilter) {
		t.Error("AbortedFilter takes not exactly the aborts")
	}
	if !matches(LicenseSubject("a", "b"), LicensesFilter) {
		t.Error("LicensesFilter does not take licenses")
	}
}

func countMatches(subject string, filters []string) (n int) {
	for _, filter := range filters {
		if matches(subject, filter) {
			n++
		}
	}
	return n
}

// matches is NATS' rule: * stands for one token, > for one or more at the end.
func matches(subject, filter string) bool {
	tokens, pattern := strings.Split(subject, "."), strings.Split(filter, ".")
	for i, p := range pattern {
		if i >= len(tokens) {
			return false
		}
		if p == ">" {
			return true
		}
		if p != "*" && p != tokens[i] {
			return false
		}
	}
	return len(tokens) == len(pattern)
}

func TestToken(t *testing.T) {
	for text, token := range map[string]string{
		"psc":          "psc",
		"AZaz09-_":     "AZaz09-_",
		"a.b":          "a=2Eb",
		"*":            "=2A",
		">":            "=3E",
		" ":            "=20",
		"=":            "=3D",
		"=2E":          "=3D2E",
		"ä":            "=C3=A4",
		"🔑":            "=F0=9F=94=91",
		"\x00\t\r\n":   "=00=09=0D=0A",
		"a\xffb":       "a=FFb",
		"~/+$[]{}\"\\": "=7E=2F=2B=24=5B=5D=7B=7D=22=5C",
	} {
		if got := Token(text); got != token {
			t.Errorf("Token(%q) = %s, want %s", text, got, token)
		}
		if got, err := ParseToken(token); err != nil || got != text {
			t.Errorf("ParseToken(%s) = %q, %v; want %q", token, got, err, text)
		}
	}
}

func TestParseTokenTakesOnlyWhatTokenWrites(t *testing.T) {
	for _, token := range []string{"", "a.b", "a b", "*", ">", "ä", "=", "=2", "a=", "=2e", "=c3=a4", "=41", "=2D", "=5F", "=GG", "==3D", "=-1", "%41", "a=3"} {
		if got, err := ParseToken(token); err == nil {
			t.Errorf("ParseToken(%q) = %q, want an error", token, got)
		}
	}
}

// parseLicenseSubject is the inverse of LicenseSubject.
func parseLicenseSubject(subject string) (product, key string, err error) {
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

func TestLicenseSubjectsCanBeParsed(t *testing.T) {
	for _, pair := range [][2]string{{"psc", "AAAA-0001"}, {"p.c", "licenses.x.y"}, {"产品", "ключ №1"}, {"=", "=="}} {
		subject := LicenseSubject(pair[0], pair[1])
		product, key, err := parseLicenseSubject(subject)
		if err != nil || product != pair[0] || key != pair[1] {
			t.Errorf("%s: %q, %q, %v; want %q", subject, product, key, err, pair)
		}
	}
	for _, subject := range []string{"", "licenses", "licenses.", "licenses.a", "licenses.a.", "licenses..b", "licenses.a.b.c", "license.a.b", "rows.10", "xlicenses.a.b", "licenses.*.b", "licenses.a.>"} {
		if product, key, err := parseLicenseSubject(subject); err == nil {
			t.Errorf("parseLicenseSubject(%q) = %q, %q, want an error", subject, product, key)
		}
	}
}

func TestParseIDs(t *testing.T) {
	for _, id := range []string{"1", "10", "18446744073709551615"} {
		job, err := ParseJobID(id)
		if err != nil || job.String() != id {
			t.Errorf("ParseJobID(%s) = %d, %v", id, job, err)
		}
		if back, err := ParseRowsSubject(RowsSubject(job)); err != nil || back != job {
			t.Errorf("ParseRowsSubject(%s) = %d, %v", RowsSubject(job), back, err)
		}
		if back, _, err := ParseWorkSubject(SealedSubject(job)); err != nil || back != job {
			t.Errorf("ParseWorkSubject(%s) = %d, %v", SealedSubject(job), back, err)
		}
		if existed := (&LicenseExisted{JobID: job}).Subject(); !matches(existed, OutcomesFilter(job)) || matches(existed, OutcomesFilter(job+1)) {
			t.Errorf("the outcomes of job %d are not those at %s", job, OutcomesFilter(job))
		}
	}
	for _, id := range []string{"", "0", "00", "01", "+1", "-1", " 1", "1 ", "1.0", "x", "0x1", "1_0", "18446744073709551616", "١"} {
		if job, err := ParseJobID(id); err == nil {
			t.Errorf("ParseJobID(%q) = %d, want an error", id, job)
		}
	}
	for _, subject := range []string{"", "rows", "rows.", "rows.0", "rows.x", "rows.1.2", "row.1", "imports.1"} {
		if job, err := ParseRowsSubject(subject); err == nil {
			t.Errorf("ParseRowsSubject(%q) = %d, want an error", subject, job)
		}
	}
}

// TestWorkSubjects: each fact that gives a processor work is of one filter, and has the fact that ends it.
func TestWorkSubjects(t *testing.T) {
	for _, work := range []struct {
		filter     string
		begin, end Event
	}{
		{SealedFilter, &ImportSealed{JobID: 10}, &ImportFinished{JobID: 10}},
		{UndoFilter, &UndoStarted{JobID: 10}, &UndoFinished{JobID: 10}},
	} {
		if !slices.Contains(WorkFilters, work.filter) || !matches(work.begin.Subject(), work.filter) {
			t.Errorf("%s is not of the filter %s", work.begin.Subject(), work.filter)
		}
		job, end, err := ParseWorkSubject(work.begin.Subject())
		if job != 10 || end != work.end.Subject() || err != nil {
			t.Errorf("%s: job %d, %s, %v", work.begin.Subject(), job, end, err)
		}
	}
	for _, other := range []string{"imports.10.finished", "imports.x.sealed", "rows.10.sealed", "10.sealed", "imports.10.undo_progressed", ""} {
		if job, _, err := ParseWorkSubject(other); err == nil {
			t.Errorf("%q gives work of job %d", other, job)
		}
	}
}

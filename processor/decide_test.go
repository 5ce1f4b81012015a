package processor

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"licenseimport/events"
)

var update = flag.Bool("update", false, "rewrite the outcomes of the scenarios")

// TestScenarios decides the rows of each testdata/*.txtar and compares the events with the
// scenario's. With -update it rewrites the outcomes. A scenario has the sections
//
//	policy    lines "kind <name>", "catalogue <product as JSON>", "features <short code> <feature as JSON>",
//	          "limited-to <short code>", "update" (what exists),
//	          "feature <license's sequence> <product> <key> <code> <job> <row> [<its columns as JSON>]",
//	          "feature-revoked <license's sequence> <product> <key> <code> <job> <row>",
//	          "exists <product> <key> <job> <row> [<more of LicenseImported as JSON>]",
//	          "revoked <product> <key>", "only-validate", "preview", "validated", "returned",
//	          "malformed <row> <RowReceived.malformed as JSON>"
//	rows.csv  the rows
//	outcomes  one event a line: id, type, data; a line "batch" where a new one begins
//
// The licenses that exist have the sequences 1, 2 and so on; outcomes have those from 1001, in order.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d scenarios: %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { runScenario(t, file) })
	}
}

func runScenario(t *testing.T, file string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	section := func(name string) *txtar.File {
		for i := range archive.Files {
			if archive.Files[i].Name == name {
				return &archive.Files[i]
			}
		}
		t.Fatalf("%s has no section %s", file, name)
		return nil
	}
	s := parseScenario(t, string(section("policy").Data))
	got := s.decide(t, section("rows.csv").Data)
	want := section("outcomes")
	if *update {
		want.Data = []byte(got)
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got != string(want.Data) {
		t.Errorf("outcomes are\n%s\nand should be\n%s", got, want.Data)
	}
}

type scenario struct {
	policy       Policy
	licenses     Aggregates
	onlyValidate bool
	malformed    map[events.Row]*events.Malformed
}

func parseScenario(t *testing.T, text string) *scenario {
	s := &scenario{policy: Policy{Catalogue: map[string]events.CatalogueProduct{}}, licenses: Aggregates{},
		malformed: map[events.Row]*events.Malformed{}}
	for line := range strings.Lines(text) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch word {
		case "":
		case "catalogue":
			var p events.CatalogueProduct
			if err := json.Unmarshal([]byte(rest), &p); err != nil {
				t.Fatal(err)
			}
			s.policy.Catalogue[p.ShortCode] = p
		case "kind":
			s.policy.Kind = events.KindNamed(rest)
		case "features":
			product, feature, _ := strings.Cut(rest, " ")
			var f events.ProductFeature
			if err := json.Unmarshal([]byte(feature), &f); err != nil {
				t.Fatal(err)
			}
			listed := s.policy.Catalogue[product]
			listed.ShortCode, listed.Features = product, append(listed.Features, f)
			s.policy.Catalogue[product] = listed
		case "feature", "feature-revoked":
			s.addFeature(t, word, rest)
		case "limited-to":
			s.policy.Products = append(s.policy.Products, rest)
		case "returned":
			s.policy.Returned = true
		case "update":
			s.policy.Existing = events.UpdateExisting
		case "preview":
			s.policy.Preview = true
		case "validated":
			s.policy.Validated = true
		case "revoked":
			product, key, _ := strings.Cut(rest, " ")
			s.add(events.LicenseSubject(product, key), &events.LicenseRevoked{JobID: 7, Row: 3, LicenseKey: key, Product: events.Product{ShortCode: product}})
		case "only-validate":
			s.onlyValidate = true
		case "malformed":
			number, body, _ := strings.Cut(rest, " ")
			row, err := strconv.ParseUint(number, 10, 64)
			m := new(events.Malformed)
			if err != nil || json.Unmarshal([]byte(body), m) != nil {
				t.Fatalf("policy: %q is not understood", line)
			}
			s.malformed[events.Row(row)] = m
		case "exists":
			var product, key string
			by := new(events.LicenseImported)
			if _, err := fmt.Sscan(rest, &product, &key, &by.JobID, &by.Row); err != nil {
				t.Fatal(err)
			}
			if i := strings.IndexByte(rest, '{'); i >= 0 {
				if err := json.Unmarshal([]byte(rest[i:]), by); err != nil {
					t.Fatal(err)
				}
			}
			by.License.Key, by.Product.ShortCode = key, product
			s.add(events.LicenseSubject(product, key), by)
		default:
			t.Fatalf("policy: %q is not understood", line)
		}
	}
	return s
}

func (s *scenario) add(subject string, last events.Event) {
	s.licenses[subject] = Aggregate{Last: last, Seq: events.Seq(len(s.licenses) + 1)}
}

func (s *scenario) addFeature(t *testing.T, word, text string) {
	made := new(events.LicenseFeatureImported)
	if _, err := fmt.Sscan(text, &made.LicenseID, &made.Product.ShortCode, &made.LicenseKey, &made.Feature.Code,
		&made.JobID, &made.Row); err != nil {
		t.Fatal(err)
	}
	if i := strings.IndexByte(text, '{'); i >= 0 {
		if err := json.Unmarshal([]byte(text[i:]), &made.Feature); err != nil {
			t.Fatal(err)
		}
	}
	if word == "feature" {
		s.add(made.Subject(), made)
		return
	}
	revoked := &events.LicenseFeatureRevoked{
		JobID: made.JobID, Row: made.Row, LicenseKey: made.LicenseKey, LicenseID: made.LicenseID, Product: made.Product,
		Code: made.Feature.Code,
	}
	s.add(revoked.Subject(), revoked)
}

// resolve finds the licenses of features among what exists.
func (s *scenario) resolve(verdicts []Verdict) {
	if s.policy.decider().resolve == nil {
		return
	}
	search := &licenseSearch{policy: &s.policy, keys: map[string]*licensesOfKey{}}
	var rows []*Verdict
	for i := range verdicts {
		if v := &verdicts[i]; s.policy.decider().resolves(v) {
			rows = append(rows, v)
			search.add(v)
		}
	}
	for subject, a := range s.licenses {
		if licenses := search.keys[keyToken(subject)]; licenses != nil && strings.HasPrefix(subject, "licenses.") {
			_, exists := events.StateAfter(a.Last)
			licenses.found = append(licenses.found, foundLicense{subject: subject, Aggregate: a, exists: exists, id: a.Seq})
		}
	}
	for _, v := range rows {
		search.settle(v)
	}
}

func (s *scenario) decide(t *testing.T, file []byte) (text string) {
	records, err := csv.NewReader(bytes.NewReader(file)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var verdicts []Verdict
	for i, record := range records[1:] {
		row := &events.RowReceived{JobID: 10, Row: events.Row(i + 1), Line: uint64(i + 2), Malformed: s.malformed[events.Row(i+1)]}
		for c, value := range record {
			column, ok := s.policy.kind().ColumnIndex(records[0][c])
			if !ok {
				t.Fatalf("no column %q", records[0][c])
			}
			row.Values[column] = value
		}
		verdicts = append(verdicts, s.policy.Judge(row))
	}
	s.resolve(verdicts)
	var outcomes []events.Outcome
	if s.onlyValidate {
		outcomes = Rejections(verdicts)
		text = describe(t, outcomes)
	} else {
		text, outcomes = s.outcomes(t, verdicts)
	}
	recycle(verdicts)
	if left := describe(t, outcomes); left != strings.ReplaceAll(text, "batch\n", "") {
		t.Errorf("once the memory of the rows was recycled, the outcomes are\n%s\nand should stay\n%s", left, text)
	}
	return text
}

// outcomes decides the rows as a processor does that stores each batch before the next one.
func (s *scenario) outcomes(t *testing.T, verdicts []Verdict) (text string, all []events.Outcome) {
	for seq := events.Seq(1000); len(verdicts) > 0; {
		outcomes := s.policy.Outcomes(verdicts, s.licenses)
		if len(outcomes) == 0 {
			t.Fatalf("row %d is not decided", verdicts[0].Row.Row)
		}
		if text != "" {
			text += "batch\n"
		}
		text += describe(t, outcomes)
		all = append(all, outcomes...)
		for _, outcome := range outcomes {
			seq++
			if s.policy.leaves(outcome) {
				s.licenses[outcome.Subject()] = Aggregate{Last: outcome, Seq: seq}
			}
		}
		verdicts = verdicts[len(outcomes):]
	}
	return text, all
}

func describe(t *testing.T, outcomes []events.Outcome) string {
	var b strings.Builder
	for i, e := range outcomes {
		if e == nil {
			fmt.Fprintf(&b, "%d valid\n", i+1)
			continue
		}
		data, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s %s %s\n", e.ID(), e.Type(), data)
	}
	return b.String()
}

// every_error.txtar and feature_errors.txtar show each code of a rejected row.
func TestEveryErrorCodeIsDecided(t *testing.T) {
	var outcomes string
	for _, file := range []string{"testdata/every_error.txtar", "testdata/feature_errors.txtar"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, of, _ := strings.Cut(string(text), "-- outcomes --")
		outcomes += of
	}
	for _, code := range events.Codes {
		if !strings.Contains(outcomes, `"code":"`+string(code)+`"`) {
			t.Errorf("no row of them is rejected with %s", code)
		}
	}
}

// TestRawTextIsCarriedOn: the text of a row that an earlier import could not read stays with the row
// while it is rejected, whatever for.
func TestRawTextIsCarriedOn(t *testing.T) {
	const first = `K1,p"sc`
	row := &events.RowReceived{JobID: 10, Row: 1, Line: 2, Raw: first}
	row.Values[events.ColumnKey] = "K1"
	v := (&Policy{}).Judge(row)
	if got := v.rejected(v.Errors); got.Raw != first || got.Errors[0].Code != events.Required {
		t.Errorf("a row without a product: %+v", got)
	}
	row.Malformed = &events.Malformed{Code: events.InvalidEncoding, Column: "license__license_key", Raw: "K1,,another text"}
	v = (&Policy{}).Judge(row)
	if got := v.rejected(v.Errors); got.Raw != first {
		t.Errorf("a row that is damaged again holds the text %q", got.Raw)
	}
}

func TestRowWithBadEncodingReportsAllErrors(t *testing.T) {
	row := &events.RowReceived{JobID: 10, Row: 1, Line: 2, Malformed: &events.Malformed{
		Code: events.InvalidEncoding, Message: "is not UTF-8", Column: "customer__city", MoreColumns: []string{"customer__email"},
		Raw: "K,psc,K\uFFFDln,\uFFFD",
	}}
	city, _ := events.ColumnIndex("customer__city")
	email, _ := events.ColumnIndex("customer__email")
	row.Values[city], row.Values[email] = "K\uFFFDln", "\uFFFD"
	row.Values[events.ColumnKey] = "K"
	v := (&Policy{}).Judge(row)
	want := []events.FieldError{
		{Column: "customer__city", Code: events.InvalidEncoding, Message: "is not UTF-8", Value: "K\uFFFDln"},
		{Column: "customer__email", Code: events.InvalidEncoding, Message: "is not UTF-8", Value: "\uFFFD"},
		{Column: "product__short_code", Code: events.Required, Message: "must not be empty"},
	}
	if !slices.Equal(v.Errors, want) {
		t.Errorf("errors are %+v, want %+v", v.Errors, want)
	}
	if rejected := v.rejected(v.Errors); rejected.Raw != row.Malformed.Raw {
		t.Errorf("the rejection holds the text %q, want %q", rejected.Raw, row.Malformed.Raw)
	}
}

// TestDecidingIsPure: deciding a row twice gives the same event twice.
func TestDecidingIsPure(t *testing.T) {
	row := &events.RowReceived{JobID: 10, Row: 1, Line: 2}
	row.Values[events.ColumnKey] = "K1"
	row.Values[events.ColumnProduct] = "psc"
	activations := 7
	policy := &Policy{Catalogue: map[string]events.CatalogueProduct{"psc": {Product: events.Product{ShortCode: "psc",
		MaxActivations: &activations}}}}
	decide := func() string {
		return describe(t, policy.Outcomes([]Verdict{policy.Judge(row)}, Aggregates{}))
	}
	if first, second := decide(), decide(); first != second {
		t.Errorf("first %s\nthen %s", first, second)
	}
}

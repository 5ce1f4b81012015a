//go:build unix

package crashtest

import (
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"licenseimport/events"
)

// TestFeaturesAndKills imports four rows for each of FEATURE_LICENSES (1,500) licenses and kills the server
// while it decides them. Each row has one outcome, each feature is imported once, and views from nothing give
// the same answers.
func TestFeaturesAndKills(t *testing.T) {
	t.Parallel()
	licenses := number(t, "FEATURE_LICENSES", 1500) / 25 * 25
	s := newServer(t)
	base := linesFile("licenses.csv", events.Licenses, "license__license_key,product__short_code", licenses,
		func(i int) string {
			return fmt.Sprintf("lic-%06d,psc", i)
		})
	must(t, s.client.send(t.Context(), base, attempt{}))
	s.waitOf(t, base)
	f := linesFile("features.csv", events.Features, "license_key,code,max_consumption", 4*licenses, func(i int) string {
		license, most := i/4, "10"
		if license%25 == 0 && i%4 == 3 {
			most = "many" // rejected; the others' fourth row repeats the first
		}
		return fmt.Sprintf("lic-%06d,%s,%s", license, []string{"a", "b", "c", "a"}[i%4], most)
	})
	must(t, s.client.send(t.Context(), f, attempt{}))
	const kills = 2
	for kill := range kills {
		must(t, decidedOf(s.nats, f.Job, (kill+1)*licenses))
		at, err := position(s.nats, f.Job)
		must(t, err)
		t.Logf("killed when %d of %d rows had an outcome", at, 4*licenses)
		must(t, s.restartByKill())
	}
	rejected := licenses / 25
	want := map[string]int{
		"total_row_count": 4 * licenses, "invalid_row_count": rejected, "created_license_features_count": 3 * licenses,
		"existed_license_features_count": licenses - rejected, "updated_license_features_count": 0,
	}
	if got := s.waitOf(t, f); !contains(got, want) {
		t.Errorf("the result is %v, want %v", got, want)
	}
	eachFeatureOnce(t, s.nats, f.Job, 4*licenses, 3*licenses)
	before := kindAnswers(t, s.client, base, f)
	must(t, s.withoutViews())
	same(t, before, kindAnswers(t, s.client, base, f))
}

// eachFeatureOnce checks the stream: each row of the import has one outcome, and that many features are imported,
// each once.
func eachFeatureOnce(t *testing.T, nats string, job events.JobID, rows, features int) {
	t.Helper()
	outcomes, imported := map[events.Row]int{}, map[string]int{}
	must(t, follow(nats, false, func(s Stored) error {
		if o, ok := s.Event.(events.Outcome); ok && s.Event.Job() == job {
			outcomes[o.Origin().Row]++
		}
		if e, ok := s.Event.(*events.LicenseFeatureImported); ok {
			imported[e.Subject()]++
		}
		return nil
	}))
	for row, n := range outcomes {
		if n != 1 {
			t.Errorf("row %d has %d outcomes", row, n)
		}
	}
	for subject, n := range imported {
		if n != 1 {
			t.Errorf("%s is imported %d times", subject, n)
		}
	}
	if len(outcomes) != rows || len(imported) != features {
		t.Errorf("%d rows have an outcome and %d features are imported, want %d and %d", len(outcomes), len(imported), rows,
			features)
	}
}

// TestKindsAtOnce imports customers and licenses with the same e-mail addresses at the same time, while
// processors and the projector are killed. Each customer is created once, by one of them; views from nothing
// give the same answers.
func TestKindsAtOnce(t *testing.T) {
	t.Parallel()
	const rows, people = 3000, 1000
	s := newSystem(t, time.Minute)
	files := []*file{
		linesFile("customers.csv", events.Customers, "email,company_name", rows, func(i int) string {
			return fmt.Sprintf("customer%d@example.com,company %d", i%people, i)
		}),
		linesFile("licenses.csv", events.Licenses,
			"license__license_key,product__short_code,customer__email,customer__company_name", rows, func(i int) string {
				return fmt.Sprintf("lic-%06d,psc,customer%d@example.com,shop %d", i, people-1-i%people, i)
			}),
	}
	var uploads sync.WaitGroup
	for _, f := range files {
		uploads.Go(func() {
			if err := s.client.send(t.Context(), f, attempt{query: "?existing=update"}); err != nil {
				t.Error(err)
			}
		})
	}
	uploads.Wait()
	for _, p := range []*process{s.processors[0], s.projector, s.processors[1]} {
		must(t, p.restartByKill())
	}
	must(t, s.ready())
	customers, licenses := s.client.waitOf(t, files[0]), s.client.waitOf(t, files[1])
	if created := customers["created_customers_count"] + licenses["created_customers_count"]; created != people {
		t.Errorf("%d customers are created, want %d", created, people)
	}
	if !contains(customers, map[string]int{"total_row_count": rows, "invalid_row_count": 0}) ||
		!contains(licenses, map[string]int{"total_row_count": rows, "invalid_row_count": 0, "created_licenses_count": rows}) {
		t.Errorf("the results are %v and %v", customers, licenses)
	}
	all := customers["created_customers_count"] + customers["updated_customers_count"] + customers["existed_customers_count"]
	if all != rows {
		t.Errorf("%d rows of customers have an outcome, want %d", all, rows)
	}
	before := kindAnswers(t, s.client, files...)
	must(t, s.withoutViews())
	same(t, before, kindAnswers(t, s.client, files...))
}

// linesFile is a file of a kind with n rows.
func linesFile(name string, kind *events.Kind, header string, n int, line func(int) string) *file {
	var b strings.Builder
	b.WriteString(header + "\n")
	for i := range n {
		b.WriteString(line(i) + "\n")
	}
	return &file{Upload: Upload{Name: name}, kind: kind, text: b.String()}
}

// resultPath is where the result of a file's import is.
func (f *file) resultPath() string { return fmt.Sprintf("/api/v1/%s%d/", f.kind.Results, f.Job) }

func (s *server) waitOf(t *testing.T, f *file) map[string]int {
	t.Helper()
	return s.client.waitOf(t, f)
}

// waitOf waits until the import of a file has ended, and gives the counts of its result.
func (c *client) waitOf(t *testing.T, f *file) map[string]int {
	t.Helper()
	var shown struct {
		Status string
		Result map[string]any
	}
	must(t, waitFor("the end of "+f.Name, func() error {
		err := c.getJSON(f.resultPath(), &shown)
		if err == nil && shown.Status != string(events.Success) {
			err = fmt.Errorf("its status is %s", shown.Status)
		}
		return err
	}))
	counts := map[string]int{}
	for name, value := range shown.Result {
		if n, ok := value.(float64); ok {
			counts[name] = int(n)
		}
	}
	return counts
}

func contains(got, want map[string]int) bool {
	both := maps.Clone(got)
	maps.Copy(both, want)
	return maps.Equal(both, got)
}

// decidedOf is decided for an import of any kind.
func decidedOf(url string, job events.JobID, rows int) error {
	return follow(url, true, func(s Stored) error {
		if _, outcome := s.Event.(events.Outcome); outcome && s.Event.Job() == job {
			rows--
		}
		if _, ended := s.Event.(*events.ImportFinished); rows <= 0 || ended && s.Event.Job() == job {
			return errEnough
		}
		return nil
	})
}

// kindAnswers is answers, with what is told of the imports of some files.
func kindAnswers(t *testing.T, c *client, files ...*file) map[string]answer {
	t.Helper()
	all := answers(t, c)
	for _, f := range files {
		for _, below := range []string{"", "events/", "invalid_rows.csv", "imported_rows.csv"} {
			readThrough(t, c, all, f.resultPath()+below)
		}
		for _, list := range []string{"invalid_rows/", "existed_rows/", "updated_rows/", "warnings/"} {
			pages(t, c, all, f.resultPath()+list)
		}
	}
	return all
}

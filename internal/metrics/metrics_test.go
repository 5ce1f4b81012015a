package metrics

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"licenseimport/events"
	"licenseimport/processor"
)

// views and fakeUploads are components with fixed numbers.
type views struct{ err error }

func (views) Lag() (uint64, time.Duration) { return 7, 1500 * time.Millisecond }
func (v views) Usage() (size, free int64)  { return 4096, 1024 }

func (v views) CountImports() (byStatus, byKind map[string]int, err error) {
	return map[string]int{"pending": 0, "success": 3}, map[string]int{"licenses": 2, "features": 1}, v.err
}

type fakeUploads struct{}

func (fakeUploads) Uploads() int    { return 2 }
func (fakeUploads) MaxUploads() int { return 16 }

// everything is a process with all parts, in which something happened.
func everything(v views) *Set {
	s := New("v1.2.3")
	in, decided := s.Ingest(), s.Processor()
	s.Uploads(fakeUploads{})
	s.Views(v)
	s.Watch(func() []Component {
		return []Component{
			{"processor", func(context.Context) error { return errors.New("an event that cannot be read") }},
			{"streams", func(context.Context) error { return nil }},
		}
	})
	in.Received(100)
	in.Stored(12, time.Millisecond)
	in.Ended(true)
	in.Ended(false)
	decided.Committed(processor.BatchStats{
		Kind: events.Licenses, Phase: events.Import, Rows: 12,
		Counts: events.Counts{Imported: 8, Existed: 1, Rejected: 3, Warnings: 2},
		Errors: map[events.Code]events.Row{events.InvalidInt: 2, events.Required: 1}, Took: time.Second,
	})
	decided.Committed(processor.BatchStats{Kind: events.Features, Phase: events.Import, Counts: events.Counts{Updated: 4}})
	decided.Refused("moved")
	decided.UndoCommitted(processor.UndoStats{Kind: events.Features,
		Counts: events.UndoCounts{Revoked: 5, Restored: 1, Kept: 2}, Took: time.Second})
	s.HTTP("/api/v1/licenses/:id/", "GET", 404, time.Millisecond)
	return s
}

// scrape is what Prometheus gets.
func scrape(t *testing.T, s *Set) string {
	t.Helper()
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func TestScrape(t *testing.T) {
	text := "\n" + scrape(t, everything(views{}))
	for _, line := range []string{
		`licenseimport_rows_received_total 12`,
		`licenseimport_upload_bytes_total 100`,
		`licenseimport_uploads_total{outcome="sealed"} 1`,
		`licenseimport_uploads_total{outcome="failed"} 1`,
		`licenseimport_uploads_in_flight 2`,
		`licenseimport_uploads_limit 16`,
		`licenseimport_row_outcomes_total{kind="imported"} 8`,
		`licenseimport_row_outcomes_total{kind="existed"} 1`,
		`licenseimport_row_outcomes_total{kind="updated"} 4`,
		`licenseimport_row_outcomes_total{kind="rejected"} 3`,
		`licenseimport_import_rows_total{kind="licenses",outcome="imported"} 8`,
		`licenseimport_import_rows_total{kind="licenses",outcome="updated"} 0`,
		`licenseimport_import_rows_total{kind="licenses",outcome="revoked"} 0`,
		`licenseimport_import_rows_total{kind="features",outcome="updated"} 4`,
		`licenseimport_import_rows_total{kind="features",outcome="revoked"} 5`,
		`licenseimport_import_rows_total{kind="customers",outcome="rejected"} 0`,
		`licenseimport_imports{kind="features"} 1`,
		`licenseimport_row_warnings_total 2`,
		`licenseimport_row_errors_total{code="invalid_int"} 2`,
		`licenseimport_row_errors_total{code="no_access"} 0`,
		`licenseimport_batches_refused_total{reason="moved"} 1`,
		`licenseimport_batches_refused_total{reason="conflict"} 0`,
		`licenseimport_undo_outcomes_total{kind="revoked"} 5`,
		`licenseimport_undo_outcomes_total{kind="restored"} 1`,
		`licenseimport_undo_outcomes_total{kind="kept"} 2`,
		`licenseimport_batch_rows_sum{stage="ingest"} 12`,
		`licenseimport_batch_rows_sum{stage="processor"} 20`,
		`licenseimport_batch_duration_seconds_sum{stage="processor"} 2`,
		`licenseimport_views_lag_events 7`,
		`licenseimport_views_lag_seconds 1.5`,
		`licenseimport_views_bytes 4096`,
		`licenseimport_views_free_bytes 1024`,
		`licenseimport_jobs{status="success"} 3`,
		`licenseimport_part_ready{part="processor"} 0`,
		`licenseimport_part_ready{part="streams"} 1`,
		`licenseimport_http_requests_total{method="GET",route="/api/v1/licenses/:id/",status="404"} 1`,
	} {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("no line %s", line)
		}
	}
	if !strings.Contains(text, `version="v1.2.3"`) || !strings.Contains(text, "\ngo_goroutines ") {
		t.Error("nothing of the build, or of the runtime")
	}
}

// TestLint: names, units and help as Prometheus' own linter wants them.
func TestLint(t *testing.T) {
	families, err := everything(views{}).registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// TestOneMetricFails: the others are still given.
func TestOneMetricFails(t *testing.T) {
	text := scrape(t, everything(views{errors.New("the file is damaged")}))
	if strings.Contains(text, "licenseimport_jobs{") || !strings.Contains(text, "licenseimport_views_lag_events 7") {
		t.Error(text)
	}
}

// TestTwoSets: no registry is shared by the processes of one test.
func TestTwoSets(t *testing.T) {
	everything(views{})
	if text := scrape(t, New("other")); strings.Contains(text, "uploads") {
		t.Error(text)
	}
}

// TestLabels: what may be a label is a closed list.
func TestLabels(t *testing.T) {
	families, err := everything(views{}).registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{"route": true, "method": true, "status": true, "stage": true, "outcome": true, "kind": true, "code": true,
		"reason": true, "part": true, "version": true, "go_version": true}
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), prefix) {
			continue
		}
		if n := len(f.GetMetric()); n > 40 {
			t.Errorf("%s has %d series", f.GetName(), n)
		}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if !known[l.GetName()] {
					t.Errorf("%s has a label %s", f.GetName(), l.GetName())
				}
			}
		}
	}
}

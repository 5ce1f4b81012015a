package contracttest

import (
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"licenseimport/internal/openapi/openapitest"
)

// scrape asks for the metrics, as Prometheus does.
func (s *system) scrape(t *testing.T) (map[string]*dto.MetricFamily, string) {
	t.Helper()
	res, err := http.Get(s.url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s %v", res.Status, err)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return families, string(text)
}

// valueOf is a counter's or gauge's value, or the number of a histogram's
// observations; labels are name=value. It adds up what has these labels.
func valueOf(families map[string]*dto.MetricFamily, name string, labels ...string) float64 {
	sum := 0.0
	for _, m := range families[name].GetMetric() {
		if hasLabels(m, labels) {
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return sum
}

func hasLabels(m *dto.Metric, wanted []string) bool {
	found := 0
	for _, l := range m.GetLabel() {
		for _, w := range wanted {
			if w == l.GetName()+"="+l.GetValue() {
				found++
			}
		}
	}
	return found == len(wanted)
}

// TestMetrics: two imports and what a scrape tells of them, and what it never tells.
func TestMetrics(t *testing.T) {
	t.Parallel()
	s := serve(t)
	file, err := os.ReadFile("../../examples/licenses.csv")
	if err != nil {
		t.Fatal(err)
	}
	m := &management{T: t, base: s.url, key: s.admin, http: openapitest.Client(t, nil), slash: "/"}
	m.finish(m.importFromCSV("licenses.csv", file))
	m.finish(m.importFromCSV("licenses.csv", file))
	if res, err := http.Get(s.url + "/api/v1/licenses/?license_key=somebodys-key-0001"); err != nil || res.StatusCode != http.StatusUnauthorized {
		t.Fatal(res, err)
	}
	if res, err := http.Get(s.url + "/some/path/of/a/scanner"); err != nil || res.StatusCode != http.StatusNotFound {
		t.Fatal(res, err)
	}
	eventually(t, "the views to be at the end", func() bool {
		families, _ := s.scrape(t)
		return valueOf(families, "licenseimport_jobs", "status=success") == 2 && valueOf(families, "licenseimport_views_lag_events") == 0
	})
	families, text := s.scrape(t)
	checkMetrics(t, families, 2*len(file))
	first := strings.Split(strings.Split(string(file), "\n")[1], ",")[0]
	for _, secret := range []string{s.admin, "somebodys-key", "scanner", "admin\"", first, "@"} {
		if strings.Contains(text, secret) {
			t.Errorf("the metrics tell %q", secret)
		}
	}
}

func checkMetrics(t *testing.T, families map[string]*dto.MetricFamily, bytes int) {
	t.Helper()
	const route = "route=/api/v1/licenses/import_from_csv/"
	for _, want := range []struct {
		value  float64
		name   string
		labels []string
	}{
		{80, "licenseimport_rows_received_total", nil},
		{34, "licenseimport_row_outcomes_total", []string{"kind=imported"}},
		{36, "licenseimport_row_outcomes_total", []string{"kind=existed"}},
		{10, "licenseimport_row_outcomes_total", []string{"kind=rejected"}},
		{34, "licenseimport_import_rows_total", []string{"kind=licenses", "outcome=imported"}},
		{0, "licenseimport_import_rows_total", []string{"kind=features"}},
		{2, "licenseimport_imports", []string{"kind=licenses"}},
		{2, "licenseimport_uploads_total", []string{"outcome=sealed"}},
		{0, "licenseimport_uploads_total", []string{"outcome=failed"}},
		{0, "licenseimport_uploads_in_flight", nil},
		{2, "licenseimport_batch_rows", []string{"stage=processor"}},
		{2, "licenseimport_batch_duration_seconds", []string{"stage=ingest"}},
		{0, "licenseimport_batches_refused_total", nil},
		{0, "licenseimport_jobs", []string{"status=running"}},
		{5, "licenseimport_part_ready", nil},
		{1, "licenseimport_build_info", nil},
		{2, "licenseimport_http_requests_total", []string{route, "method=POST", "status=200"}},
		{2, "licenseimport_http_request_duration_seconds", []string{route}},
		{1, "licenseimport_http_requests_total", []string{"route=/api/v1/licenses/", "status=401"}},
		{1, "licenseimport_http_requests_total", []string{"route=none", "status=404"}},
	} {
		if got := valueOf(families, want.name, want.labels...); got != want.value {
			t.Errorf("%s %v is %v, want %v", want.name, want.labels, got, want.value)
		}
	}
	if got := valueOf(families, "licenseimport_upload_bytes_total"); got < float64(bytes) {
		t.Errorf("%v bytes received, of files with %d", got, bytes)
	}
	if got := valueOf(families, "licenseimport_row_errors_total"); got < 10 {
		t.Errorf("%v errors of 10 rejected rows", got)
	}
}

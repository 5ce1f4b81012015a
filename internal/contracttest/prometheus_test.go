//go:build tools

package contracttest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"licenseimport/internal/freeport"
	"licenseimport/internal/openapi/openapitest"
)

// promtool runs Prometheus' own checker in the directory of its files.
func promtool(t *testing.T, stdin string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c := exec.CommandContext(ctx, "promtool", args...)
	c.Dir, c.Stdin = "../../deploy/prometheus", strings.NewReader(stdin)
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("promtool %q: %v (Debian: apt-get install prometheus)\n%s", args, err, out)
	}
}

// TestAlerts: the files can be read, and each alert fires when it should.
func TestAlerts(t *testing.T) {
	t.Parallel()
	promtool(t, "", "check", "config", "prometheus.yaml")
	promtool(t, "", "test", "rules", "alerts_test.yaml")
	names := expressions(deployYAML(t, "prometheus/alerts.yaml"), "alert")
	tested := deployFile(t, "prometheus/alerts_test.yaml")
	for _, name := range names {
		if strings.Count(tested, "alertname: "+name) < 2 {
			t.Errorf("%s is not tried both ways", name)
		}
	}
}

// prometheus is a running one that scrapes a server.
type prometheus struct{ url string }

// watch starts Prometheus on a server, with the alerts of deploy.
func watch(t *testing.T, s *system) *prometheus {
	t.Helper()
	dir := t.TempDir()
	rules, err := filepath.Abs("../../deploy/prometheus/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "prometheus.yaml")
	err = os.WriteFile(config, fmt.Appendf(nil, `
global: {scrape_interval: 200ms, evaluation_interval: 200ms}
rule_files: [%q]
scrape_configs: [{job_name: licenseimport, static_configs: [{targets: [%q]}]}]
`, rules, strings.TrimPrefix(s.url, "http://")), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	address := freeport.Address()
	c := exec.Command("prometheus", "--config.file="+config, "--web.listen-address="+address, "--storage.tsdb.path="+filepath.Join(dir, "tsdb"))
	c.Stderr = t.Output()
	if err := c.Start(); err != nil {
		t.Fatalf("%v (Debian: apt-get install prometheus)", err)
	}
	t.Cleanup(func() {
		_ = c.Process.Signal(os.Interrupt)
		_ = c.Wait() // what it says about its end is not ours
	})
	return &prometheus{"http://" + address}
}

// ask gets the data of an answer.
func (p *prometheus) ask(path string, data any) error {
	client := http.Client{Timeout: 5 * time.Second}
	res, err := client.Get(p.url + path)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	var a struct {
		Status, Error string
		Data          any
	}
	a.Data = data
	if err := json.NewDecoder(res.Body).Decode(&a); err != nil {
		return err
	}
	if a.Status != "success" {
		return fmt.Errorf("%s: %s", path, a.Error)
	}
	return nil
}

// series evaluates an expression, and is the number of series that it gives.
func (p *prometheus) series(expression string) (int, error) {
	var data struct{ Result []any }
	err := p.ask("/api/v1/query?query="+url.QueryEscape(expression), &data)
	return len(data.Result), err
}

// TestPrometheus: a real Prometheus scrapes a server that imports, evaluates the alerts, and has
// something to show for each expression of the dashboard.
func TestPrometheus(t *testing.T) {
	t.Parallel()
	s := serve(t)
	p := watch(t, s)
	eventually(t, "a scrape", func() bool { n, err := p.series(`up == 1`); return err == nil && n == 1 })
	file, err := os.ReadFile("../../examples/licenses.csv")
	if err != nil {
		t.Fatal(err)
	}
	m := &management{T: t, base: s.url, key: s.admin, http: openapitest.Client(t, nil), slash: "/"}
	for i := range 2 { // what is new at the first scrape has no rate yet
		m.finish(m.importFromCSV("licenses.csv", file))
		seen := fmt.Sprintf("sum(licenseimport_row_outcomes_total) == %d", 40*(i+1))
		eventually(t, seen, func() bool { n, err := p.series(seen); return err == nil && n == 1 })
	}
	_, text := s.scrape(t)
	promtool(t, text, "check", "metrics")
	p.checkDashboard(t)
	p.checkRules(t)
}

func (p *prometheus) checkDashboard(t *testing.T) {
	t.Helper()
	concrete := strings.NewReplacer("$job", "licenseimport", "$__rate_interval", "1m")
	for _, expression := range dashboardExpressions(t) {
		var n int
		var err error
		eventually(t, expression, func() bool {
			n, err = p.series(concrete.Replace(expression))
			return n > 0 || err != nil || strings.Contains(expression, "5..")
		})
		if err != nil {
			t.Errorf("%s: %v", expression, err)
		}
	}
}

func (p *prometheus) checkRules(t *testing.T) {
	t.Helper()
	var data struct {
		Groups []struct {
			Rules []struct{ Name, State, Health, LastError string }
		}
	}
	eventually(t, "the alerts to be evaluated", func() bool {
		err := p.ask("/api/v1/rules", &data)
		return err == nil && len(data.Groups) == 1 && data.Groups[0].Rules[0].Health == "ok"
	})
	for _, r := range data.Groups[0].Rules {
		if r.Health != "ok" || r.State != "inactive" {
			t.Errorf("%s: %s, %s: %s", r.Name, r.Health, r.State, r.LastError)
		}
	}
}

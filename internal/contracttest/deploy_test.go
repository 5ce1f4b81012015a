package contracttest

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"

	yaml "github.com/oasdiff/yaml3"
)

// deployFile reads a file of the directory deploy.
func deployFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../deploy", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// deployYAML is the same, read.
func deployYAML(t *testing.T, name string) (document any) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(deployFile(t, name)), &document); err != nil {
		t.Fatal(err)
	}
	return document
}

// dashboardExpressions are what the dashboard asks Prometheus for.
func dashboardExpressions(t *testing.T) []string {
	t.Helper()
	var dashboard any
	if err := json.Unmarshal([]byte(deployFile(t, "grafana/licenseimport.json")), &dashboard); err != nil {
		t.Fatal(err)
	}
	return expressions(dashboard, "expr")
}

// expressions are the texts under one name, anywhere in a document.
func expressions(document any, name string) []string {
	var found []string
	switch v := document.(type) {
	case map[string]any:
		for key, value := range v {
			if text, ok := value.(string); ok && key == name {
				found = append(found, text)
			}
			found = append(found, expressions(value, name)...)
		}
	case []any:
		for _, value := range v {
			found = append(found, expressions(value, name)...)
		}
	}
	return found
}

var (
	metricName = regexp.MustCompile(`\b(?:licenseimport|process|go)_[a-z_]+`)
	quoted     = regexp.MustCompile(`"[^"]*"`)
)

// TestMetricsInDeploy: what dashboard and alerts ask for is in a scrape, and what is in
// a scrape is asked for.
func TestMetricsInDeploy(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.scrape(t) // is the first answer that the second one counts
	families, _ := s.scrape(t)
	asked := map[string]bool{}
	for what, list := range map[string][]string{"the dashboard": dashboardExpressions(t), "the alerts": expressions(deployYAML(t, "prometheus/alerts.yaml"), "expr")} {
		if len(list) < 8 {
			t.Errorf("%s: only %d expressions found", what, len(list))
		}
		for _, expression := range list {
			for _, name := range metricName.FindAllString(quoted.ReplaceAllString(expression, `""`), -1) {
				family := familyOf(families, name)
				if asked[family] = true; families[family] == nil {
					t.Errorf("%s: no metric %s: %s", what, name, expression)
				}
			}
		}
	}
	for name := range families {
		if strings.HasPrefix(name, "licenseimport_") && !asked[name] && name != "licenseimport_build_info" {
			t.Errorf("%s is neither on the dashboard nor in an alert", name)
		}
	}
}

// familyOf is the metric that a series belongs to.
func familyOf(families map[string]*dto.MetricFamily, name string) string {
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		if base, ok := strings.CutSuffix(name, suffix); ok && families[base] != nil {
			return base
		}
	}
	return name
}

// TestDeployIsRead: Docker's own readers accept the files, and the compose file wants its secrets.
func TestDeployIsRead(t *testing.T) {
	t.Parallel()
	// go run reports its downloads on standard error, too.
	check := func(secrets ...string) (found, said string) {
		var stdout, stderr strings.Builder
		c := exec.CommandContext(t.Context(), "go", "run", ".", "../Dockerfile", "../compose.yaml")
		c.Dir, c.Env = "../../deploy/check", append(environment(), secrets...)
		c.Stdout, c.Stderr = &stdout, &stderr
		_ = c.Run() // that it fails is in what it says
		return stdout.String(), stderr.String()
	}
	if found, said := check("NATS_PASSWORD=x", "LICENSEIMPORT_ADMIN_KEY=y"); found != "../Dockerfile: 2 stages\n../compose.yaml: 8 services\n" {
		t.Error(found, said)
	}
	if found, said := check("LICENSEIMPORT_ADMIN_KEY=y"); !strings.Contains(said, "choose a password for NATS") {
		t.Errorf("without a password: %s%s", found, said)
	}
}

// composeFile is what the checks read of compose.yaml.
type composeFile struct {
	Services map[string]struct {
		Image, User string
		Build       struct {
			Context, Dockerfile string
			Args                map[string]string
		}
		Command     []string
		Networks    []string
		Ports       []string
		Volumes     []string
		DependsOn   map[string]struct{ Condition string } `yaml:"depends_on"`
		Deploy      struct{ Replicas int }
		Healthcheck struct{ Test []string }
	}
	Networks map[string]any
	Volumes  map[string]any
}

func TestComposeFile(t *testing.T) {
	t.Parallel()
	var c composeFile
	if err := yaml.Unmarshal([]byte(deployFile(t, "compose.yaml")), &c); err != nil {
		t.Fatal(err)
	}
	for name, s := range c.Services {
		if line := strings.Join(s.Command, " "); regexp.MustCompile(`(?i)password|token|_KEY|\$\{`).MatchString(line) {
			t.Errorf("%s: a secret on the command line: %s", name, line)
		}
		if s.Image == "licenseimport" && s.Build.Args["COMMIT"] != "${COMMIT:-}" {
			t.Errorf("%s: the image does not know its commit: %v", name, s.Build.Args)
		}
	}
	for name, replicas := range map[string]int{"nats-1": 0, "nats-2": 0, "nats-3": 0, "ingest": 2, "processor": 2, "projector": 0} {
		if s, ok := c.Services[name]; !ok || s.Deploy.Replicas != replicas {
			t.Errorf("%s: %+v", name, s.Deploy)
		}
	}
	for name, s := range c.Services {
		for other, when := range s.DependsOn {
			if len(c.Services[other].Healthcheck.Test) == 0 || when.Condition != "service_healthy" {
				t.Errorf("%s waits for %s, which has no health", name, other)
			}
		}
		for _, network := range s.Networks {
			if _, ok := c.Networks[network]; !ok {
				t.Errorf("%s: no network %s", name, network)
			}
		}
		for _, volume := range s.Volumes {
			source, _, _ := strings.Cut(volume, ":")
			if _, ok := c.Volumes[source]; !ok {
				deployFile(t, source)
			}
		}
		for _, port := range s.Ports {
			if !strings.HasPrefix(port, "127.0.0.1:") {
				t.Errorf("%s opens %s to everybody", name, port)
			}
		}
		if s.Image == "licenseimport" {
			checkCommand(t, name, s.Command)
			deployFile(t, filepath.Join(s.Build.Context, s.Build.Dockerfile))
		}
	}
}

// checkCommand sees whether the program has the command and its flags.
func checkCommand(t *testing.T, where string, line []string) {
	t.Helper()
	if len(line) == 0 {
		t.Fatalf("%s: no command", where)
	}
	help := command(t, line[0], "--help")
	for _, word := range line[1:] {
		name, _, _ := strings.Cut(word, "=")
		if strings.HasPrefix(name, "--") && !strings.Contains(help, name+"=") {
			t.Errorf("%s: %s has no flag %s", where, line[0], name)
		}
	}
}

// dockerLines are a Dockerfile's instructions with continued lines joined.
func dockerLines(t *testing.T) []string {
	t.Helper()
	var lines []string
	for line := range strings.Lines(strings.ReplaceAll(deployFile(t, "Dockerfile"), "\\\n", " ")) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			lines = append(lines, line)
		}
	}
	return lines
}

// dockerCommand is the JSON list at the end of the last instruction that begins so.
func dockerCommand(t *testing.T, lines []string, instruction string) []string {
	t.Helper()
	var words []string
	for _, line := range lines {
		if strings.HasPrefix(line, instruction+" ") {
			if err := json.Unmarshal([]byte(line[strings.Index(line, "["):]), &words); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
		}
	}
	return words
}

// TestImageHasADirectoryForTemporaryFiles: an empty image has no /tmp, and the root of compose's containers is read only.
// The role ingest writes workbooks to a temporary file.
func TestImageHasADirectoryForTemporaryFiles(t *testing.T) {
	t.Parallel()
	lines := dockerLines(t)
	last := slices.Index(lines, "FROM scratch")
	volume := slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(line, "VOLUME ") })
	if last < 0 || volume < last || !slices.Contains(lines[last:], "ENV TMPDIR="+strings.TrimPrefix(lines[volume], "VOLUME ")) {
		t.Errorf("TMPDIR is not the image's volume: %q", lines)
	}
}

// TestDockerfile runs what it would run: the command's flags, and the health check of a server.
func TestDockerfile(t *testing.T) {
	t.Parallel()
	lines := dockerLines(t)
	gomod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(string(gomod))[1]
	last := slices.IndexFunc(lines, func(line string) bool { return line == "FROM scratch" })
	if lines[0] != "FROM golang:"+version+" AS build" || last < 0 || !slices.Contains(lines[last:], "USER 65532:65532") {
		t.Errorf("the stages: %q", lines)
	}
	release, err := os.ReadFile("../../cmd/licenseimport/VERSION")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"ARG COMMIT=", "ARG VERSION=" + strings.TrimSpace(string(release))} {
		if !slices.Contains(lines[last:], line) {
			t.Errorf("the image does not know its version: no %s", line)
		}
	}
	if entry := dockerCommand(t, lines, "ENTRYPOINT"); fmt.Sprint(entry) != "[/licenseimport]" {
		t.Errorf("the entry point: %q", entry)
	}
	checkCommand(t, "Dockerfile", dockerCommand(t, lines, "CMD"))

	health := dockerCommand(t, lines, "HEALTHCHECK")
	s := serve(t)
	if len(health) < 3 || health[0] != "/licenseimport" || health[len(health)-1] != "http://127.0.0.1:8080" {
		t.Fatalf("the health check: %q", health)
	}
	check := health[1 : len(health)-1]
	eventually(t, "the health check to pass", func() bool { return run(t, "", append(check, s.url)...).status == 0 })
	s.stop(t)
	if o := run(t, "", append(check, s.url)...); o.status == 0 {
		t.Errorf("a server that has stopped is healthy: %s", o.out)
	}
}

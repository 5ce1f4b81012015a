//go:build tools

package contracttest

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestInspectPrintsTheCommandThatImports: for each vendor's export, and sheets in seven languages, the command that inspect
// prints imports the file as it is.
func TestInspectPrintsTheCommandThatImports(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../mapping/testdata/exports/*.csv")
	if err != nil || len(files) < 15 {
		t.Fatal(files, err)
	}
	s := serve(t)
	c := s.as(t, s.admin)
	for _, file := range files {
		file, err := filepath.Abs(file)
		if err != nil {
			t.Fatal(err)
		}
		_, printed, found := strings.Cut(command(t, "inspect", file), "Import it with:\n")
		if !found {
			t.Errorf("%s: inspect prints no command", file)
			continue
		}
		sh := exec.CommandContext(t.Context(), "sh", "-ec", strings.TrimSpace(printed)+" --strict --json")
		sh.Env = append(environment(), "LICENSEIMPORT_SERVER="+s.url, "LICENSEIMPORT_KEY="+s.admin)
		var out, said bytes.Buffer
		sh.Stdout, sh.Stderr = &out, &said
		if err := sh.Run(); err != nil || !json.Valid(out.Bytes()) {
			t.Errorf("%s: %v after %s%s", printed, err, out.String(), said.String())
			continue
		}
		fields{"status": `"success"`, "result.created_licenses_count": "2"}.check(t, printed, answer{body: out.Bytes()})
	}
	for key, want := range map[string]fields{
		"D1B6DE-39A6E3-DE1529-8559A0-4AF593-V3":     {"results.0.enabled": "false", "results.0.validity_period": `"2031-01-31"`, "results.0.customer.email": `"bob@example.com"`},
		"1A2035-E8A2A3-4D31B7-8FF9C6-81A6CA-539E54": {"results.0.enabled": "false", "results.0.max_activations": "2"},
		"ORDI-CD34-EF56-7890":                       {"results.0.license_type": `"perpetual"`, "results.0.validity_period": `"2030-12-31"`},
		"DEUT-CD34-EF52":                            {"results.0.enabled": "false", "results.0.validity_period": "null"},
		"NIHO-CD34-EF51":                            {"results.0.customer.last_name": `"佐藤"`, "results.0.validity_period": `"2030-12-31"`},
	} {
		want.check(t, key, c.get(200, "/api/v1/licenses/?license_key="+key))
	}
}

package contracttest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"licenseimport/internal/openapi/openapitest"
)

// TestLogOfImports: each line about an import names it, and none names what is in it.
func TestLogOfImports(t *testing.T) {
	t.Parallel()
	s := serve(t, "--log-format", "json")
	m := &management{T: t, base: s.url, key: s.admin, http: openapitest.Client(t, nil), slash: "/"}
	file, err := os.ReadFile("../../examples/licenses.csv")
	if err != nil {
		t.Fatal(err)
	}
	m.finish(m.importFromCSV("licenses.csv", file))
	broken := "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"half.csv\"\r\n\r\n" + header2 + "half-1,psc\nhalf-2,psc\n"
	r, err := http.NewRequest(http.MethodPost, s.url+"/api/v1/licenses/import_from_csv/", strings.NewReader(broken))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Api-Key "+s.admin)
	r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
	res, err := http.DefaultClient.Do(r)
	if err != nil || res.StatusCode != http.StatusBadRequest {
		t.Fatal(res, err)
	}
	res.Body.Close()
	s.stop(t)

	var said []string
	for line := range strings.Lines(s.logs.String()) {
		var entry struct {
			Msg, Status    string
			Job            int `json:"job_id"`
			Rows, Imported int
		}
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if about := strings.Fields(entry.Msg)[0]; about == "upload" || about == "import" {
			said = append(said, fmt.Sprintf("%s %d", entry.Msg, entry.Job))
		}
		if entry.Msg == "import finished" && (entry.Status != "success" || entry.Rows != 40 || entry.Imported != 34) {
			t.Errorf("%s", line)
		}
	}
	want := "upload begun 1, upload sealed 1, import begun 1, import finished 1, upload begun 2, upload failed 2"
	if got := strings.Join(said, ", "); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	for _, secret := range []string{"half-1", "licenses.csv", "half.csv", "PPRO-", "@"} {
		if strings.Contains(s.logs.String(), secret) {
			t.Errorf("the log tells %q: %s", secret, s.logs)
		}
	}
}

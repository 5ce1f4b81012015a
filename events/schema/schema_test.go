package schema_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"licenseimport/events"
	"licenseimport/events/schema"
)

func golden(t *testing.T, eventType string) string {
	t.Helper()
	body, err := os.ReadFile("../testdata/wire/" + eventType + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestGoldenEventsAreValid(t *testing.T) {
	for _, name := range events.Types() {
		if err := schema.Validate([]byte(golden(t, name))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := schema.For(name); err != nil {
			t.Error(err)
		}
	}
}

// Optional members may be absent.
func TestSmallestEventsAreValid(t *testing.T) {
	for _, e := range []events.Event{
		&events.RowReceived{JobID: 1, Row: 1, Line: 2},
		&events.ImportStarted{JobID: 1, Mode: events.Partial, Columns: []string{}},
		&events.ImportAborted{JobID: 1},
		&events.LicenseImported{JobID: 1, Row: 1, License: events.License{Key: "k"}, Product: events.Product{ShortCode: "p"}},
		&events.LicenseExisted{JobID: 1, Row: 2, LicenseKey: "k", Product: events.Product{ShortCode: "p"}, By: events.Origin{JobID: 1, Row: 1}},
		&events.RowRejected{JobID: 1, Row: 1, Line: 2, Errors: []events.FieldError{{Code: events.FieldCount}}},
		&events.ImportProgressed{JobID: 1, Phase: events.Import},
		&events.ImportFinished{JobID: 1, Status: events.Success},
	} {
		body, err := events.Encode(e, time.Unix(0, 0))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(body); err != nil {
			t.Errorf("%s\n%v", body, err)
		}
	}
}

func TestValidateRefuses(t *testing.T) {
	for name, test := range map[string]struct{ eventType, old, new string }{
		"an id of another kind":         {"ImportSealed", `"id":"10/sealed"`, `"id":"10/started"`},
		"another source":                {"ImportSealed", `"source":"licenseimport"`, `"source":"x"`},
		"no time":                       {"ImportSealed", `"time":"2026-02-28T23:59:59.123456Z",`, ``},
		"a time that is none":           {"ImportSealed", `"time":"2026-02-28T`, `"time":"2026-02-30T`},
		"no data":                       {"ImportSealed", `"data":`, `"dato":`},
		"a required field is gone":      {"ImportSealed", `"rows":`, `"rowz":`},
		"a number as text":              {"ImportSealed", `"rows":1000000`, `"rows":"1000000"`},
		"job 0":                         {"ImportSealed", `"job_id":10`, `"job_id":0`},
		"a hash in upper case":          {"ImportSealed", `"sha256":"e`, `"sha256":"E`},
		"an unknown status":             {"ImportFinished", `"status":"error"`, `"status":"failed"`},
		"a status error that is a text": {"ImportFinished", `"error":{`, `"error":"x","x":{`},
		"a date that is none":           {"LicenseImported", `"validity_period":"2030-12-31"`, `"validity_period":"2030-02-31"`},
		"a duration of weeks":           {"LicenseImported", `"valid_duration":"1y"`, `"valid_duration":"1w"`},
		"an unknown license type":       {"LicenseImported", `"license_type":"time-limited"`, `"license_type":"eternal"`},
		"a negative int":                {"LicenseImported", `"max_activations":3`, `"max_activations":-3`},
		"a value that is no text":       {"RowReceived", `"license__enabled":"true"`, `"license__enabled":true`},
		"row 0":                         {"RowReceived", `"row":17`, `"row":0`},
		"an unknown type":               {"ImportSealed", `"type":"ImportSealed"`, `"type":"ImportSealed.v2"`},
		"a path for a type":             {"ImportSealed", `"type":"ImportSealed"`, `"type":"../schema/ImportSealed"`},
	} {
		t.Run(name, func(t *testing.T) {
			body := golden(t, test.eventType)
			changed := strings.Replace(body, test.old, test.new, 1)
			if changed == body {
				t.Fatalf("%s does not stand in %s", test.old, body)
			}
			if err := schema.Validate([]byte(changed)); err == nil {
				t.Errorf("%s is valid", changed)
			}
		})
	}
	for _, text := range []string{"", "[]", "null", `{"type":"ImportSealed"`, `{}`} {
		if err := schema.Validate([]byte(text)); err == nil {
			t.Errorf("%q is valid", text)
		}
	}
}

package main

import (
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"licenseimport/internal/failpoint"
)

// TestMisspeltVariableIsAnError: a variable that no flag knows is refused, and the nearest is named.
func TestMisspeltVariableIsAnError(t *testing.T) {
	parser, err := kong.New(&cli{}, kong.DefaultEnvars("LICENSEIMPORT"))
	if err != nil {
		t.Fatal(err)
	}
	for entry, want := range map[string]string{ // "": accepted
		"LICENSEIMPORT_MAX_FILESIZE=1GiB":         "LICENSEIMPORT_MAX_FILE_SIZE",
		"LICENSEIMPORT_ADMINKEY=secret":           "LICENSEIMPORT_ADMIN_KEY",
		"LICENSEIMPORT_=":                         "LICENSEIMPORT_",
		"LICENSEIMPORT_max_rows=1":                "LICENSEIMPORT_",
		"LICENSEIMPORT_NATS_PASWORD=secret":       "LICENSEIMPORT_NATS_PASSWORD",
		"LICENSEIMPORT_MAX_FILE_SIZE=1GiB":        "",
		"LICENSEIMPORT_ADMIN_KEY=secret":          "", // a flag of some commands; the others ignore it
		"LICENSEIMPORT_KEY=secret":                "",
		"LICENSEIMPORT_LOG_LEVEL=warn":            "",
		"LICENSEIMPORT_LONG=1":                    "", // of the tests
		"LICENSEIMPORT_PORT=tcp://10.0.0.1:8080":  "", // of Kubernetes, as the next ones
		"LICENSEIMPORT_PORT_8080_TCP_PROTO=tcp":   "",
		"LICENSEIMPORT_SERVICE_HOST=10.0.0.1":     "",
		"LICENSEIMPORT_SERVICE_PORT_HTTP=8080":    "",
		"LICENSEIMPORT_INGEST_SERVICE_PORT=8080":  "",
		"LICENSEIMPORTER=1":                       "",
		"licenseimport_max_filesize=1GiB":         "",
		"OTHER_LICENSEIMPORT_MAX_FILESIZE=secret": "",
	} {
		err := checkVariables(parser.Model.Node, []string{"PATH=/bin", entry})
		if want == "" {
			if err != nil {
				t.Errorf("%s: %v", entry, err)
			}
			continue
		}
		name, _, _ := strings.Cut(entry, "=")
		if err == nil || !strings.Contains(err.Error(), name+",") || !strings.Contains(err.Error(), "nearest is "+want) {
			t.Errorf("%s: %v", entry, err)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the value is shown: %v", entry, err)
		}
	}
	if failpoint.Variable != "" {
		if err := checkVariables(parser.Model.Node, []string{failpoint.Variable + "=fence"}); err != nil {
			t.Error(err)
		}
	}
}

package contracttest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// write makes a file.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestImportCommand: exit statuses and flags, on a directory alone and with a server.
func TestImportCommand(t *testing.T) {
	t.Parallel()
	s := serve(t)
	mixed := write(t, "mixed.csv", header2+"m-1,psc\n,psc\n")
	fine := write(t, "fine.csv", header2+"f-1,psc\n")
	empty := write(t, "empty.csv", "")
	for where, flags := range map[string][]string{
		"alone":  {"--data", filepath.Join(t.TempDir(), "data")},
		"server": {"--server", s.url, "--key", s.admin},
	} {
		t.Run(where, func(t *testing.T) {
			for _, test := range []struct {
				args   []string
				stdin  string
				status int
				want   fields // with --json
			}{
				{args: []string{fine}, status: 0},
				{args: []string{fine, "--strict"}, status: 0},
				{args: []string{mixed}, status: 0},
				{args: []string{mixed, "--strict"}, status: 2},
				{args: []string{mixed, "--mode", "all_or_nothing"}, status: 1},
				{args: []string{mixed, "--mode", "all_or_nothing", "--strict"}, status: 1},
				{args: []string{mixed, "--mode=partial", "--dry-run", "--strict"}, status: 2},
				{args: []string{empty}, status: 1},
				{args: []string{"no-such-file.csv"}, status: 1},
				{args: []string{fine, "--json"}, status: 0, want: fields{"status": `"success"`, "file_name": `"fine.csv"`, "result.existed_licenses_count": "1"}},
				{args: []string{mixed, "--json", "--strict"}, status: 2, want: fields{"result.invalid_rows.0.errors.0.code": `"required"`}},
				{args: []string{fine, "--json", "--dry-run"}, status: 0, want: fields{"dry_run": "true", "result.created_licenses_count": "0", "result.existed_licenses_count": "0"}},
				{args: []string{"-", "--json"}, stdin: header2 + "s-1,psc\n", status: 0, want: fields{"file_name": `"stdin.csv"`, "result.valid_row_count": "1"}},
			} {
				o := run(t, test.stdin, append(append([]string{"import"}, test.args...), flags...)...)
				if o.status != test.status {
					t.Errorf("%q ends with %d, want %d: %s%s", test.args, o.status, test.status, o.out, o.err)
				}
				if test.status == 1 && !strings.Contains(o.out+o.err, "import") {
					t.Errorf("%q says %s%s", test.args, o.out, o.err)
				}
				test.want.check(t, strings.Join(test.args, " "), answer{body: []byte(o.out)})
			}
			if out := command(t, append([]string{"status"}, flags...)...); !strings.Contains(out, "fine.csv") {
				t.Errorf("status prints %s", out)
			}
			if out := command(t, append([]string{"status", "1"}, flags...)...); !strings.Contains(out, "fine.csv") {
				t.Errorf("status 1 prints %s", out)
			}
		})
	}
}

// TestFlagsByEnvironment: each flag is a variable too.
func TestFlagsByEnvironment(t *testing.T) {
	s := serve(t)
	fine := write(t, "fine.csv", header2+"f-1,psc\n")
	o := runWith(t, []string{"LICENSEIMPORT_SERVER=" + s.url, "LICENSEIMPORT_KEY=" + s.admin, "LICENSEIMPORT_JSON=true", "LICENSEIMPORT_DRY_RUN=true"}, "", "import", fine)
	fields{"dry_run": "true", "status": `"success"`}.check(t, "import", answer{body: []byte(o.out)})
}

// TestHelp: every command of the contract is there and explains itself.
func TestHelp(t *testing.T) {
	t.Parallel()
	for _, words := range []string{"", "serve", "nats", "ingest", "processor", "projector", "import", "inspect",
		"mappings", "mappings list", "mappings show", "mappings save", "mappings remove", "status", "retry", "undo", "export",
		"export licenses", "export customers", "export orders", "rebuild", "keys", "keys create", "keys list", "audit",
		"keys revoke", "products", "products set", "products list", "products remove", "template", "backup", "restore", "doctor", "completion", "version"} {
		o := run(t, "", append(strings.Fields(words), "--help")...)
		if o.status != 0 || !strings.Contains(o.out, "Usage: licenseimport "+words) {
			t.Errorf("%s --help ends with %d: %s%s", words, o.status, o.out, o.err)
		}
		if _, examples, _ := strings.Cut(o.out, "\nExample"); words != "" && !strings.Contains(examples, "licenseimport "+words) {
			t.Errorf("%s --help has no example", words)
		}
	}
	if o := run(t, "", "no-such-command"); o.status == 0 || o.err == "" {
		t.Errorf("an unknown command ends with %d %s", o.status, o.err)
	}
}

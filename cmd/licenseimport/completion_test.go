package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// TestCandidates: what each beginning of a command line may become.
func TestCandidates(t *testing.T) {
	parser, err := kong.New(&cli{}, kong.Vars{"version": ""})
	if err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"im":                            "import",
		"keys ":                         "create list revoke",
		"keys create --role ":           "admin importer viewer",
		"keys create --role=v":          "--role=viewer",
		"keys create --role = v":        "viewer", // as bash cuts it
		"keys create --role =":          "admin importer viewer",
		"import --mo":                   "--mode",
		"import --mode partial --mo":    "--mode",
		"import --dry-run ":             wantsFile,
		"import x.csv --delimiter ":     "comma semicolon tab pipe",
		"import - --rejected ":          wantsFile,
		"import --data ":                wantsDir,
		"import --data=":                wantsDir,
		"backup ":                       wantsDir,
		"completion ":                   "bash zsh fish",
		"--log-level debug tem":         "template",
		"--log-level ":                  "auto debug info warn error",
		"import --key ":                 "",
		"import -- --mo":                wantsFile,
		"import x.csv -- ":              "",
		"nothing like it ":              "",
		"complete ":                     "",
		"serve --nats-port -1 --nats-h": "--nats-host",
	} {
		got := candidates(parser.Model.Node, strings.Split(line, " "))
		for i, candidate := range got {
			got[i], _, _ = strings.Cut(candidate, "\t")
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}

// TestCandidatesAfterEverything: where only flags can follow, they are offered,
// the command's own before those of every command.
func TestCandidatesAfterEverything(t *testing.T) {
	parser, err := kong.New(&cli{}, kong.Vars{"version": ""})
	if err != nil {
		t.Fatal(err)
	}
	got := candidates(parser.Model.Node, []string{"import", "x.csv", ""})
	own := slices.IndexFunc(got, func(c string) bool { return c == "--dry-run\tCheck every row and count, but import nothing" })
	common := slices.IndexFunc(got, func(c string) bool { return strings.HasPrefix(c, "--log-level\t") })
	if own < 0 || common < own {
		t.Errorf("%q", got)
	}
}

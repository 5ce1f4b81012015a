// Package layering tests which package may import which.
package layering

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "licenseimport/"

// allowed lists the parts of the project that each part may import. It does not apply to
// tests. A part is a directory with everything below it; the longest row counts.
var allowed = map[string]struct {
	parts  string
	reason string
}{
	"events":                  {"", "the vocabulary is pure: everything imports it, it imports the standard library only"},
	"events/schema":           {"", "schemas are files: checking a message needs no program"},
	"events/importjob":        {"events", "the state machine of an import is pure: it knows events and the standard library"},
	"events/eventlog":         {"events internal/failpoint internal/fairshare internal/freeport internal/fsx internal/natstuning internal/retry", "the log knows events and JetStream, not what is made of them"},
	"internal/httpx":          {"", "HTTP helpers know no events"},
	"internal/csvfile":        {"", "reading CSV needs no events: the columns come as a parameter"},
	"internal/mapping":        {"events internal/csvfile", "what a file's columns mean is pure: it follows from the table of columns and the file"},
	"internal/workbook":       {"internal/csvfile internal/fsx", "a workbook gives the rows that a CSV gives, and needs no events either"},
	"internal/access":         {"events events/eventlog internal/fsx internal/httpx", "keys live in a bucket of the log"},
	"internal/admin":          {"events events/eventlog internal/access internal/httpx", "the API of what admins manage knows the catalogue by an interface"},
	"internal/backup":         {"events events/eventlog internal/fsx", "a backup is snapshots of the log, whatever they hold"},
	"internal/openapi":        {"internal/httpx", "the document knows no program: only its tests compare it with one"},
	"internal/failpoint":      {"", "what is broken on purpose knows nothing of what it breaks"},
	"internal/metrics":        {"events events/eventlog ingest processor projector internal/httpx", "metrics observe the services through the interfaces that these define"},
	"ingest":                  {"events events/eventlog events/importjob internal/access internal/csvfile internal/failpoint internal/fairshare internal/fsx internal/httpx internal/mapping internal/retry internal/workbook", "the services meet in the streams only, never by import"},
	"processor":               {"events events/eventlog events/importjob internal/failpoint internal/mapping internal/retry", "the services meet in the streams only, and the processor has no HTTP"},
	"projector":               {"events events/eventlog events/importjob internal/fsx projector/viewstore", "the services meet in the streams only, and the projector has no HTTP"},
	"projector/readapi":       {"events projector internal/access internal/csvfile internal/httpx internal/mapping internal/workbook", "the API of all reads asks the projector, and knows neither the stream nor the views' file"},
	"projector/viewstore":     {"", "the storage engine knows neither events nor what its views mean"},
	"internal/fairshare":      {"", "how places are shared does not depend on what they are for"},
	"internal/retry":          {"", "how to pause between attempts does not depend on what is attempted"},
	"internal/fsx":            {"", "files and disks know nothing of what is stored"},
	"internal/natstuning":     {"", "the server's private settings know no stream of ours"},
	"internal/gctuner":        {"", "the heap is the process's, whatever it does"},
	"internal/profiling":      {"", "profiles are of the process, whatever it does"},
	"web":                     {"docs internal/httpx", "the page is static files: it knows the API, not the program"},
	"docs":                    {"", "the guides are files"},
	"cmd/licenseimport":       {"events events/eventlog ingest processor projector projector/readapi web internal/access internal/admin internal/backup internal/csvfile internal/failpoint internal/fsx internal/gctuner internal/httpx internal/mapping internal/metrics internal/openapi internal/profiling internal/retry internal/workbook", "cmd wires"},
	"cmd/benchmark":           {"events internal/freeport internal/profiling", "the benchmark sees the program from outside, and knows the columns of its files"},
	"examples":                {"", "other services: they know the events on the wire, and nothing of ours"},
	"deploy/check":            {"", "a separate module: it reads files with libraries that the program does not have"},
	"internal/crashtest":      {"events", "the checker is pure: its tests see the program from outside"},
	"internal/contracttest":   {"", "only tests, and these know the program from outside"},
	"internal/robustnesstest": {"", "only tests, and these know the program from outside"},
	"internal/freeport":       {"", "a port is free whatever listens there"},
	"internal/buildtest":      {"", "it builds the program, and imports none of it"},
	"internal/layering":       {"", "only a test"},
}

// confined restricts libraries, by the prefix of their path, to some parts.
var confined = []struct {
	library, parts, reason string
}{
	{"github.com/nats-io/", "events/eventlog internal/natstuning cmd/benchmark examples", "only the event log knows JetStream (and the tuning of the server's private fields, the floor that it is measured against, and services of others)"},
	{"github.com/synadia-io/", "events/eventlog cmd/benchmark examples", "only the event log knows JetStream (and the floor that it is measured against, and services of others)"},
	{"go.etcd.io/bbolt", "projector/viewstore", "only the storage engine knows how the views are stored"},
	{"github.com/alecthomas/kong", "cmd/licenseimport", "flags and the environment are read in cmd only"},
	{"flag", "cmd/licenseimport cmd/benchmark", "flags and the environment are read in cmd only"},
	{"github.com/julienschmidt/httprouter", "internal/httpx", "one router, wrapped once"},
}

func TestLayering(t *testing.T) {
	root := filepath.Join("..", "..")
	seen := map[string]bool{}
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".") && file != root) {
			return fs.SkipDir
		}
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		name, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		part := partOf(path.Dir(filepath.ToSlash(name)))
		if part == "" {
			t.Errorf("%s: its directory is in no row of the table: add one with a reason", name)
			return nil
		}
		seen[part] = true
		checkImports(t, part, name, file)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"events", "events/eventlog", "ingest", "processor", "projector", "cmd/licenseimport"} {
		if !seen[part] {
			t.Errorf("%s: no file found: is the test looking at the right directory?", part)
		}
	}
}

func checkImports(t *testing.T, part, name, file string) {
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), name, source, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	for _, spec := range parsed.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		if ours, ok := strings.CutPrefix(imported, module); ok {
			checkPart(t, part, name, partOf(ours))
		} else {
			checkLibrary(t, part, name, imported)
		}
	}
}

func checkPart(t *testing.T, part, name, imported string) {
	rule := allowed[part]
	if imported != part && !has(rule.parts, imported) {
		t.Errorf("%s imports %s: %s", name, imported, rule.reason)
	}
}

func checkLibrary(t *testing.T, part, name, imported string) {
	if (part == "events" || part == "events/importjob") && strings.Contains(imported, ".") {
		t.Errorf("%s imports %s: %s", name, imported, allowed[part].reason)
	}
	for _, rule := range confined {
		matches := imported == rule.library || strings.Contains(rule.library, ".") && strings.HasPrefix(imported, rule.library)
		if matches && !has(rule.parts, part) {
			t.Errorf("%s imports %s: %s", name, imported, rule.reason)
		}
	}
}

// partOf returns the longest row of the table that holds a directory.
func partOf(dir string) string {
	for ; dir != "."; dir = path.Dir(dir) {
		if _, ok := allowed[dir]; ok {
			return dir
		}
	}
	return ""
}

func has(list, word string) bool {
	for field := range strings.FieldsSeq(list) {
		if field == word {
			return true
		}
	}
	return false
}

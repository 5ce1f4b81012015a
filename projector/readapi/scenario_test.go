package readapi

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"licenseimport/events"

	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "rewrite the answers in testdata/*.txtar")

// TestScenarios folds the events of each testdata/*.txtar, one a second, and compares the answers.
// One file is one scenario. It reads from top to bottom.
func TestScenarios(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txtar")
	check(t, err)
	if len(paths) == 0 {
		t.Fatal("no scenarios in testdata")
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) { scenario(t, path) })
	}
}

func scenario(t *testing.T, path string) {
	archive, err := txtar.ParseFile(path)
	check(t, err)
	log := newMemLog()
	var r *harness
	for i := range archive.Files {
		file := &archive.Files[i]
		address, isGet := strings.CutPrefix(file.Name, "GET ")
		if !isGet {
			log.Add(parseEvents(t, file.Data)...)
			continue
		}
		if r == nil {
			r = newHarness(t, t.TempDir(), log)
		}
		r.catchUp()
		address, _, _ = strings.Cut(address, " ") // a word behind it says at which moment
		got := pretty(t, r.get(address))
		if *update {
			file.Data = got
		} else if !bytes.Equal(got, file.Data) {
			t.Errorf("GET %s:\n%s\nwant:\n%s", address, got, file.Data)
		}
	}
	if *update {
		check(t, os.WriteFile(path, txtar.Format(archive), 0o600))
	}
}

// parseEvents reads lines of a type and its data.
func parseEvents(t *testing.T, lines []byte) (all []events.Event) {
	for line := range strings.Lines(string(lines)) {
		name, data, _ := strings.Cut(strings.TrimSpace(line), " ")
		if name == "" || name == "#" {
			continue
		}
		e, err := events.New(name)
		check(t, err)
		check(t, json.Unmarshal([]byte(data), e))
		all = append(all, e)
	}
	return all
}

func pretty(t *testing.T, a answer) []byte {
	var b bytes.Buffer
	if a.status != http.StatusOK {
		fmt.Fprintln(&b, a.status)
	}
	if !strings.Contains(a.header.Get("Content-Type"), "json") {
		b.WriteString(strings.ReplaceAll(a.body, "\r\n", "\n"))
		return b.Bytes()
	}
	check(t, json.Indent(&b, []byte(strings.TrimSpace(a.body)), "", "  "))
	b.WriteByte('\n')
	return b.Bytes()
}

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"licenseimport/events"
)

const root = "../../.."

func TestGeneratedFilesAreUpToDate(t *testing.T) {
	files, err := generate(root)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(root, name))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is out of date (%v): make generate; %s", name, err, firstDifference(got, want))
		}
	}
	schemas, err := filepath.Glob(filepath.Join(root, "events/schema/*.json"))
	if err != nil || len(schemas) != len(events.Types()) {
		t.Errorf("%d schemas for %d types (%v): a published schema stays with its type", len(schemas), len(events.Types()), err)
	}
}

// firstDifference is the first line that is wanted and absent at its place.
func firstDifference(got, want []byte) string {
	lines := bytes.Split(got, []byte("\n"))
	for i, line := range bytes.Split(want, []byte("\n")) {
		if i >= len(lines) || !bytes.Equal(lines[i], line) {
			return "missing: " + string(bytes.TrimSpace(line))
		}
	}
	return "it has too many lines"
}

func TestRunWritesEverything(t *testing.T) {
	dir := t.TempDir()
	copySource(t, dir)
	want, err := generate(root)
	if err != nil {
		t.Fatal(err)
	}
	if err := run(dir); err != nil {
		t.Fatal(err)
	}
	for name, text := range want {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !bytes.Equal(got, text) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := run(t.TempDir()); err == nil {
		t.Error("run in a directory without the source gives no error")
	}
	if err := os.WriteFile(filepath.Join(dir, openAPIFile), []byte("openapi: 3.1.0\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := run(dir); err == nil {
		t.Error("run with a document that does not say where its generated part begins gives no error")
	}
}

// copySource copies what generate reads into another module's root.
func copySource(t *testing.T, dir string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(root, "events", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range append(paths, filepath.Join(root, openAPIFile)) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			t.Fatal(err)
		}
		copied := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(copied), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(copied, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

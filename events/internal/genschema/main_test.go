package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
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
			t.Errorf("%s is out of date (%v): go run ./events/internal/genschema", name, err)
		}
	}
	schemas, err := filepath.Glob(filepath.Join(root, "events/schema/*.json"))
	if err != nil || len(schemas) != len(files)-1 {
		t.Errorf("%d schemas for %d types (%v): one that was published stays with its type", len(schemas), len(files)-1, err)
	}
}

func TestRunWritesEverything(t *testing.T) {
	folder := t.TempDir()
	copySource(t, folder)
	want, err := generate(root)
	if err != nil {
		t.Fatal(err)
	}
	if err := run(folder); err != nil {
		t.Fatal(err)
	}
	for name, text := range want {
		if got, err := os.ReadFile(filepath.Join(folder, name)); err != nil || !bytes.Equal(got, text) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := run(t.TempDir()); err == nil {
		t.Error("run in a folder without the source gives no error")
	}
}

// copySource lays package events into another module's root.
func copySource(t *testing.T, folder string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(root, "events", "*.go"))
	if err != nil || os.Mkdir(filepath.Join(folder, "events"), 0o755) != nil {
		t.Fatal("cannot list or make a folder", err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, "events", filepath.Base(path)), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

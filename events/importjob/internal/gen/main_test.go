package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDiagramIsUpToDate(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "..", document))
	if err != nil {
		t.Fatal(err)
	}
	want, err := replaceDiagram(text)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(text, want) {
		t.Errorf("%s has another state diagram than the table: run go generate ./events/importjob", document)
	}
}

func TestDiagramReplacesOnlyItself(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, document)
	if err := os.WriteFile(path, []byte("before\n"+begin+"old\n"+end+"after\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run([]string{dir}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if want := "before\n" + begin + diagram() + end + "after\n"; string(text) != want {
		t.Errorf("%s\nwant %s", text, want)
	}
	if !strings.Contains(diagram(), "    Cancelled --> Finished: ImportFinished\n") {
		t.Errorf("an arrow is missing:\n%s", diagram())
	}
}

func TestDiagramNeedsItsMarkers(t *testing.T) {
	for name, text := range map[string]string{"none": "text\n", "no end": begin, "end first": end + begin} {
		if _, err := replaceDiagram([]byte(text)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

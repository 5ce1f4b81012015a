package fsx

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
)

func TestTempFileIsGoneWhenItIsClosed(t *testing.T) {
	dir := t.TempDir()
	f, err := CreateTemp(dir, "part-", 0)
	if err != nil {
		t.Fatal(err)
	}
	if named, _ := os.ReadDir(dir); runtime.GOOS != "windows" && len(named) > 0 {
		t.Errorf("a killed process would leave %v", named)
	}
	if _, err := f.Write([]byte("text")); err != nil {
		t.Fatal(err)
	}
	text := make([]byte, 4)
	if _, err := f.ReadAt(text, 0); err != nil || string(text) != "text" {
		t.Errorf("%q, %v", text, err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if _, err := CreateTemp(filepath.Join(dir, "missing"), "part-", 0); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("into a missing directory: %v", err)
	}
}

func TestTempFileLeavesSpace(t *testing.T) {
	if _, known := FreeSpace(t.TempDir()); !known {
		return // the system does not tell
	}
	f, err := CreateTemp(t.TempDir(), "part-", 1<<62)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write([]byte("text")); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("%v", err)
	}
}

func TestRemoveTempLeavesOtherFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data[1]") // no pattern
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"part-1", "part-2", "other"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(RemoveTemp(dir, "part-"), RemoveTemp(filepath.Join(dir, "missing"), "part-")); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 || left[0].Name() != "other" {
		t.Errorf("left: %v", left)
	}
}

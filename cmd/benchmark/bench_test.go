package main

import (
	"os"
	"strings"
	"sync"
	"testing"

	"licenseimport/internal/buildtest"
)

// TestMain makes the test binary the program that the benchmark starts for its
// internal commands.
func TestMain(m *testing.M) {
	for name, command := range map[string]func([]string) error{"floor": baselineCommand, "read": readCommand} {
		if len(os.Args) > 1 && os.Args[1] == name {
			if err := command(os.Args[2:]); err != nil {
				panic(err)
			}
			return
		}
	}
	code := m.Run()
	removeProgram()
	os.Exit(code)
}

var (
	removeProgram = func() {}
	buildOnce     = sync.OnceValues(func() (string, error) {
		program, remove, err := buildtest.Build()
		if err == nil {
			removeProgram = remove
		}
		return program, err
	})
)

// built returns the program, which all tests share.
func built(t *testing.T) string {
	t.Helper()
	program, err := buildOnce()
	if err != nil {
		t.Fatal(err)
	}
	return program
}

// TestEverySection runs each section of the benchmark with very few rows. The values mean
// nothing then, but every line must have one.
func TestEverySection(t *testing.T) {
	program := built(t)
	for _, s := range sections {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			b := &bench{program: program, runs: 1, scale: 0.001, dir: t.TempDir()}
			lines, err := b.run(t.Context(), []string{s.name})
			if err != nil || len(lines) == 0 {
				t.Fatalf("%d lines, %v", len(lines), err)
			}
			for _, l := range lines {
				if l.value == "" || strings.Contains(l.value, "NaN") || strings.Contains(l.value, "Inf") {
					t.Errorf("%s, %s: %q", l.what, l.measure, l.value)
				}
			}
		})
	}
}

func TestProfile(t *testing.T) {
	t.Parallel()
	b := &bench{program: built(t), dir: t.TempDir()}
	took, rows, err := b.profileImport(t.Context(), shape{rows: 1000, seed: 9}, b.dir, false)
	if err != nil || rows != 1000 || took.wall <= 0 {
		t.Fatalf("%+v, %d, %v", took, rows, err)
	}
	if all, err := costs(b.dir); err != nil || all[stageActivity{"NATS server", "store"}].memory == 0 {
		t.Errorf("the profiles show no allocation in the server's store: %v", err)
	}
}

// TestLarge runs the command with few rows, and checks the lines that it reports.
func TestLarge(t *testing.T) {
	t.Parallel()
	reported := map[string]string{}
	b := &bench{program: built(t), dir: t.TempDir()}
	if err := b.large(t.Context(), shape{rows: 2000, seed: 1}, func(what, took string) { reported[what] = took }); err != nil {
		t.Fatal(err)
	}
	for what, found := range map[string]string{
		"licenses: the newest": ", 2000 found", "licenses: by key": ", 1 found", "licenses: of an import": ", 2000 found",
		"again: all of it": " rows", "disk: ROWS, LICENSES, views": " MB",
	} {
		if !strings.Contains(reported[what], found) {
			t.Errorf("%s: %q, want %q", what, reported[what], found)
		}
	}
}

func TestUnknownSectionsAreNamed(t *testing.T) {
	if err := checkNames([]string{"floor", "flour"}); err == nil || !strings.Contains(err.Error(), `"flour"`) {
		t.Error(err)
	}
}

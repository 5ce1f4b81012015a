package main

import (
	"context"
	"os"
	"strings"
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
	os.Exit(m.Run())
}

// TestEverySection runs the whole benchmark with very few rows. The values mean
// nothing then, but every line must have one.
func TestEverySection(t *testing.T) {
	program, remove, err := buildtest.Build()
	if err != nil {
		t.Fatal(err)
	}
	defer remove()
	b := &bench{program: program, runs: 1, scale: 0.001, dir: t.TempDir()}
	lines, err := b.run(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := 25; len(lines) != want {
		t.Errorf("%d lines, want %d", len(lines), want)
	}
	for _, l := range lines {
		if l.value == "" || strings.Contains(l.value, "NaN") || strings.Contains(l.value, "Inf") {
			t.Errorf("%s, %s: %q", l.what, l.measure, l.value)
		}
	}
	took, rows, err := b.profileImport(context.Background(), shape{rows: 1000, seed: 9}, b.dir, false)
	if err != nil || rows != 1000 || took.wall <= 0 {
		t.Fatalf("%+v, %d, %v", took, rows, err)
	}
	if all, err := costs(b.dir); err != nil || all[stageActivity{"NATS server", "store"}].memory == 0 {
		t.Errorf("the profiles show no allocation in the server's store: %v", err)
	}
}

// TestLarge runs the command with few rows, and checks the lines that it reports.
func TestLarge(t *testing.T) {
	program, remove, err := buildtest.Build()
	if err != nil {
		t.Fatal(err)
	}
	defer remove()
	reported := map[string]string{}
	b := &bench{program: program, dir: t.TempDir()}
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

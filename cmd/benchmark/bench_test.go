package main

import (
	"context"
	"os"
	"strings"
	"testing"

	"licenseimport/internal/buildtest"
)

// TestMain lets this program be what the benchmark calls in a process of its own.
func TestMain(m *testing.M) {
	for name, command := range map[string]func([]string) error{"floor": floorCommand, "read": readCommand} {
		if len(os.Args) > 1 && os.Args[1] == name {
			if err := command(os.Args[2:]); err != nil {
				panic(err)
			}
			return
		}
	}
	os.Exit(m.Run())
}

// TestEveryPart runs the whole benchmark with very few rows: the numbers mean
// nothing then, but each has to be there.
func TestEveryPart(t *testing.T) {
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
	if want := 15; len(lines) != want {
		t.Errorf("%d lines, want %d", len(lines), want)
	}
	for _, l := range lines {
		if l.value == "" || strings.Contains(l.value, "NaN") || strings.Contains(l.value, "Inf") {
			t.Errorf("%s, %s: %q", l.what, l.measure, l.value)
		}
	}
	took, rows, err := b.profiled(context.Background(), shape{rows: 1000, seed: 9}, b.dir, false)
	if err != nil || rows != 1000 || took.wall <= 0 {
		t.Fatalf("%+v, %d, %v", took, rows, err)
	}
	if all, err := costs(b.dir); err != nil || all[stagePart{"NATS server", "store"}].memory == 0 {
		t.Errorf("the profiles know of no allocation in the server's store: %v", err)
	}
}

// TestLarge: with few rows, but all that is told about.
func TestLarge(t *testing.T) {
	program, remove, err := buildtest.Build()
	if err != nil {
		t.Fatal(err)
	}
	defer remove()
	told := map[string]string{}
	b := &bench{program: program, dir: t.TempDir()}
	if err := b.large(t.Context(), shape{rows: 2000, seed: 1}, func(what, took string) { told[what] = took }); err != nil {
		t.Fatal(err)
	}
	for what, found := range map[string]string{
		"licenses: the newest": ", 2000 found", "licenses: by key": ", 1 found", "licenses: of an import": ", 2000 found",
		"again: all of it": " rows", "disk: ROWS, LICENSES, views": " MB",
	} {
		if !strings.Contains(told[what], found) {
			t.Errorf("%s: %q, want %q", what, told[what], found)
		}
	}
}

func TestUnknownPartsAreNamed(t *testing.T) {
	if err := checkNames([]string{"floor", "flour"}); err == nil || !strings.Contains(err.Error(), `"flour"`) {
		t.Error(err)
	}
}

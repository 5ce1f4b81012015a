package main

import (
	"bytes"
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"licenseimport/events"
)

func TestOnlyTheTableIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "B.md")
	text := "# by hand\n" + tableBegins + "old\n" + tableEnds + "by hand, too\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	lines := []line{atLeast(0.85, 0.9, "good", "m", ""), atMost(25, 30, " ms", "bad", "m", ""), {what: "disk", value: "7"}}
	for range 2 {
		if err := replaceTable(path, &bench{runs: 3, dir: t.TempDir()}, lines, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| good | m | ≥ 0.85 | 0.90 | reached |", "| bad | m | ≤ 25 ms | 30 ms | **missed** |", "| disk |  | stated | 7 |", "NATS server v"} {
		if strings.Count(string(got), want) != 1 {
			t.Errorf("%q is not there once:\n%s", want, got)
		}
	}
	if !strings.HasPrefix(string(got), "# by hand\n") || !strings.HasSuffix(string(got), "by hand, too\n") || strings.Contains(string(got), "old") {
		t.Errorf("not what it should be:\n%s", got)
	}
}

func TestMarkersStandInTheDocument(t *testing.T) {
	text, err := os.ReadFile("../../BENCHMARKS.md")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Count(text, []byte(tableBegins)) != 1 || bytes.Count(text, []byte(tableEnds)) != 1 {
		t.Error("BENCHMARKS.md does not hold each marker once")
	}
}

func TestMedian(t *testing.T) {
	value := func(n float64) float64 { return n }
	for _, test := range []struct {
		name string
		all  []float64
		want float64
	}{{"one", []float64{3}, 3}, {"odd", []float64{9, 1, 5}, 5}, {"even", []float64{4, 1, 9, 2}, 3}} {
		if got := median(test.all, value); got != test.want {
			t.Errorf("%s: %g, want %g", test.name, got, test.want)
		}
	}
}

func TestReadRebuilt(t *testing.T) {
	events, took, err := parseRebuild("Folded 1,001,004 events in 7.25 s (138,069 events/s)\nDigest of the views: x\n")
	if events != 1001004 || took != 7250*time.Millisecond || err != nil {
		t.Errorf("%d, %v, %v", events, took, err)
	}
	if _, _, err := parseRebuild("Nothing to fold"); err == nil {
		t.Error("no error")
	}
}

func TestShapes(t *testing.T) {
	for _, test := range []struct {
		name                  string
		shape                 shape
		columns, rows, filled int // filled: values of each row at least
		repeats               bool
	}{
		{"ordinary", shape{rows: 300, seed: 1}, 12, 300, 12, false},
		{"full", shape{rows: 300, seed: 1, full: true}, len(events.Licenses.Columns()), 300, len(events.Licenses.Columns()) - 1, false},
		{"repeats", shape{rows: 300, seed: 1, repeat: 0.2}, 12, 300, 12, true},
	} {
		var text, same bytes.Buffer
		if err := test.shape.write(&text); err != nil {
			t.Fatal(err)
		}
		if err := test.shape.write(&same); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(text.Bytes(), same.Bytes()) {
			t.Errorf("%s: two files of one shape differ", test.name)
		}
		records, err := csv.NewReader(&text).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		keys := map[string]bool{}
		for _, record := range records[1:] {
			filled := 0
			for _, value := range record {
				if value != "" {
					filled++
				}
			}
			if filled < test.filled {
				t.Errorf("%s: a row has only %d values", test.name, filled)
			}
			keys[record[0]] = true
		}
		if len(records[0]) != test.columns || len(records)-1 != test.rows || (len(keys) < test.rows) != test.repeats {
			t.Errorf("%s: %d columns, %d rows, %d keys", test.name, len(records[0]), len(records)-1, len(keys))
		}
	}
}

func TestFileEndsAtItsSize(t *testing.T) {
	var text bytes.Buffer
	if err := (shape{rows: 1 << 30, seed: 1, bytes: 3 << 20}).write(&text); err != nil {
		t.Fatal(err)
	}
	if n := text.Len(); n < 3<<20 || n > 5<<20 {
		t.Errorf("%d bytes", n)
	}
}

// TestSizes: each number of licenses is a row of the table.
func TestSizes(t *testing.T) {
	t.Parallel()
	var rows []string
	b := &bench{program: built(t), dir: t.TempDir()}
	if err := b.sizes(t.Context(), []string{"200", "300"}, func(row string) { rows = append(rows, row) }); err != nil {
		t.Fatal(err)
	}
	if len(rows) != 2 || !strings.HasPrefix(rows[1], "| 300 | 0 MB |") ||
		strings.Count(rows[1], " | ") != strings.Count(sizesHead, " | ") {
		t.Errorf("%q", rows)
	}
}

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A bench is one run of the benchmark.
type bench struct {
	program string
	runs    int     // of each side; medians are printed
	scale   float64 // factor of all numbers of rows
	dir     string  // holds all files
	dirs    int     // directories made so far
}

// A section measures one or more lines of the table.
type section struct {
	name    string
	about   string
	measure func(*bench, context.Context) ([]line, error)
}

// sections stand in the order of the table.
var sections = []section{
	{"floor", "end to end beside JetStream's floor; again; answers meanwhile", (*bench).endToEnd},
	{"postgres", "end to end beside PostgreSQL, which must be there already", (*bench).postgres},
	{"replicated", "end to end on three NATS nodes, beside the floor on three", (*bench).replicated},
	{"repeats", "1 % of the rows repeat a key of the file", (*bench).repeats},
	{"full", "44 columns, all filled", (*bench).full},
	{"rejected", "20 % rejected rows beside a clean file", (*bench).rejected},
	{"changes", "update none, some and all of the licenses; undo a million", (*bench).changes},
	{"mapped", "a file with other headers, which a mapping names", (*bench).mapped},
	{"growth", "from nothing to 4 million licenses; rebuild; small beside large; memory of serve", (*bench).growth},
	{"memory", "ingest and a 2 GB file", (*bench).memory},
	{"workbook", "ingest and an Excel workbook", (*bench).workbook},
	{"disk", "bytes on the disk", (*bench).disk},
	{"processes", "four processors and two ingests beside one of each", (*bench).multiprocess},
}

// A line is one row of the table.
type line struct {
	what, measure string
	reach         string // as text; empty: the value is only stated
	value         string
	reached       bool
	details       string
}

// atLeast is a line whose value has a lower bound.
func atLeast(bound, value float64, what, measure, details string) line {
	return line{what, measure, fmt.Sprintf("≥ %g", bound), fmt.Sprintf("%.2f", value), value >= bound, details}
}

// atMost is a line whose value has an upper bound.
func atMost(bound, value float64, unit, what, measure, details string) line {
	format := "%.2f%s"
	if unit != "" {
		format = "%.0f%s"
	}
	return line{what, measure, fmt.Sprintf("≤ %g%s", bound, unit), fmt.Sprintf(format, value, unit), value <= bound, details}
}

// run measures the sections named by only (none: all) and prints each line at once.
func (b *bench) run(ctx context.Context, only []string) ([]line, error) {
	var lines []line
	for _, p := range sections {
		if len(only) > 0 && !slices.Contains(only, p.name) {
			continue
		}
		began := time.Now()
		measured, err := p.measure(b, ctx)
		if err != nil {
			return lines, fmt.Errorf("%s: %w", p.name, err)
		}
		for _, l := range measured {
			fmt.Println(l.markdown())
		}
		fmt.Fprintf(os.Stderr, "(%s: %.0f s)\n", p.name, time.Since(began).Seconds())
		lines = append(lines, measured...)
	}
	return lines, nil
}

func checkNames(only []string) error {
	for _, name := range only {
		if !slices.ContainsFunc(sections, func(p section) bool { return p.name == name }) {
			var all []string
			for _, p := range sections {
				all = append(all, fmt.Sprintf("  %-10s %s", p.name, p.about))
			}
			return fmt.Errorf("there is no section %q; there are\n%s", name, strings.Join(all, "\n"))
		}
	}
	return nil
}

// rows scales a number of rows.
func (b *bench) rows(n int) int { return max(int(float64(n)*b.scale), 100) }

// newDir makes an empty directory.
func (b *bench) newDir() (string, error) {
	b.dirs++
	dir := filepath.Join(b.dir, fmt.Sprint(b.dirs))
	return dir, os.Mkdir(dir, 0o755)
}

// file returns the path of a shape's file, and generates it at the first call.
func (b *bench) file(s shape) (string, error) {
	path := filepath.Join(b.dir, s.String()+".csv")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	f, err := os.Create(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	return path, s.write(f)
}

// A sample holds the figures of all runs of one side.
type sample []figures

func (s sample) wall() time.Duration {
	return median(s, func(f figures) time.Duration { return f.wall })
}
func (s sample) cpu() time.Duration { return median(s, func(f figures) time.Duration { return f.cpu }) }

func median[T any, N int64 | float64 | time.Duration](all []T, value func(T) N) N {
	var values []N
	for _, v := range all {
		values = append(values, value(v))
	}
	slices.Sort(values)
	if n := len(values); n%2 == 0 && n > 0 {
		return (values[n/2-1] + values[n/2]) / 2
	}
	return values[len(values)/2]
}

// rate is the throughput at the median wall time, in rows/s.
func (s sample) rate(rows int) float64 { return float64(rows) / s.wall().Seconds() }

// String is the median wall time and its range.
func (s sample) String() string {
	low, high := s[0].wall, s[0].wall
	for _, f := range s {
		low, high = min(low, f.wall), max(high, f.wall)
	}
	return fmt.Sprintf("%.2f s (%.2f–%.2f)", s.wall().Seconds(), low.Seconds(), high.Seconds())
}

func thousands(rate float64) string { return fmt.Sprintf("%.1f", rate/1000) }

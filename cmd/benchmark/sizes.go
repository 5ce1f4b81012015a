package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// The table of docs/operating.md stands between these markers.
const (
	sizesBegin = "<!-- written by make sizes: from here -->\n"
	sizesEnd   = "<!-- written by make sizes: to here -->\n"
)

const sizesHead = "| licenses | their CSV | rows, for a week: at first, compressed | events, for ever: at first, compressed | views | memory, peak of the import | memory after a start | ready after a stop | ready after a kill | rebuild |\n" +
	"|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"

// sizesCommand measures what an operator plans with: disk, memory and time to ready of serve, by
// the number of licenses.
func sizesCommand(args []string) error {
	b := &bench{}
	flags := flag.NewFlagSet("sizes", flag.ExitOnError)
	flags.StringVar(&b.program, "program", "bin/licenseimport", "the program to measure")
	steps := flags.String("licenses", "100000,1000000,4000000", "numbers of licenses, ascending")
	dir := flags.String("dir", os.TempDir(), "where to write: some 2 GB for each million")
	write := flags.String("write", "", "Markdown file whose table is replaced")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var err error
	if b.dir, err = os.MkdirTemp(*dir, "sizes-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	began := time.Now()
	table := []string{sizesHead}
	fmt.Println(sizesHead)
	err = b.sizes(context.Background(), strings.Split(*steps, ","), func(row string) {
		fmt.Println(row)
		table = append(table, row)
	})
	if err != nil || *write == "" {
		return err
	}
	return replaceBetween(*write, sizesBegin, sizesEnd, fmt.Sprintf("%s\n\n%s, one run. %s.\n", strings.Join(table, "\n"),
		began.UTC().Format("2 January 2006"), machine(b.dir)))
}

// sizes fills one data directory up to each number of licenses, and reports one row of the table for each.
func (b *bench) sizes(ctx context.Context, steps []string, report func(row string)) error {
	dir, err := b.newDir()
	if err != nil {
		return err
	}
	var before int
	var csv int64
	for i, step := range steps {
		licenses, err := strconv.Atoi(step)
		if err != nil || licenses <= before {
			return fmt.Errorf("%q licenses after %d", step, before)
		}
		file, err := b.file(shape{rows: licenses - before, seed: uint64(i + 1)})
		if err != nil {
			return err
		}
		size, err := sizeOf(file)
		if err != nil {
			return err
		}
		csv, before = csv+size, licenses
		s, err := b.sizesAfter(ctx, dir, file)
		if err := errors.Join(err, os.Remove(file)); err != nil {
			return err
		}
		report(s.row(licenses, csv))
	}
	return nil
}

// sizesRow is what was measured with one number of licenses.
type sizesRow struct {
	disk, rest                diskUse
	peak, started             int64 // bytes of memory
	stopped, killed, rebuilds time.Duration
}

func (s sizesRow) row(licenses int, csv int64) string {
	megabytes := func(n int64) string { return fmt.Sprintf("%.0f MB", float64(n)/1e6) }
	seconds := func(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
	cells := []string{
		strconv.Itoa(licenses), megabytes(csv), megabytes(s.disk.rows) + ", " + megabytes(s.rest.rows),
		megabytes(s.disk.licenses) + ", " + megabytes(s.rest.licenses), megabytes(s.disk.views),
		megabytes(s.peak), megabytes(s.started), seconds(s.stopped), seconds(s.killed), seconds(s.rebuilds),
	}
	return "| " + strings.Join(cells, " | ") + " |"
}

// sizesAfter imports a file, and stops, kills, starts and rebuilds on the directory.
func (b *bench) sizesAfter(ctx context.Context, dir, file string) (s sizesRow, err error) {
	p, err := serve(ctx, b.program, dir)
	if err != nil {
		return s, err
	}
	defer func() { p.kill() }()
	if _, err = p.importFile(ctx, file); err != nil {
		return s, err
	}
	if s.peak, err = p.peak(); err != nil {
		return s, err
	}
	if s.disk, err = diskUseOf(dir); err != nil {
		return s, err
	}
	if s.rest, err = atRest(ctx, dir); err != nil {
		return s, err
	}
	if err = p.stop(); err != nil {
		return s, err
	}
	for _, ready := range []*time.Duration{&s.stopped, &s.killed} {
		began := time.Now()
		if p, err = serve(ctx, b.program, dir); err != nil {
			return s, err
		}
		*ready = time.Since(began)
		if s.started, err = p.peak(); err != nil {
			return s, err
		}
		p.kill() // the next start follows a kill
	}
	out, err := exec.CommandContext(ctx, b.program, "rebuild", "--data", dir).Output()
	if err != nil {
		return s, fmt.Errorf("rebuild: %w", err)
	}
	_, s.rebuilds, err = parseRebuild(string(out))
	return s, err
}

package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/pprof/profile"
)

// pgoCommand profiles a typical workload and writes a profile for the compiler: an
// ordinary file, one with repeated and rejected rows and one with all columns, each
// imported twice.
func pgoCommand(args []string) error {
	flags := flag.NewFlagSet("pgo", flag.ExitOnError)
	program := flags.String("program", "bin/licenseimport", "the program to measure")
	to := flags.String("o", "cmd/licenseimport/default.pgo", "file to write")
	rows := flags.Int("rows", 300_000, "rows of the ordinary file")
	if err := flags.Parse(args); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "benchmark-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{program: *program, dir: dir}
	var all []*profile.Profile
	for _, s := range []shape{
		{rows: *rows, seed: 1},
		{rows: *rows / 3, seed: 2, repeat: 0.01, invalid: 0.1},
		{rows: *rows / 6, seed: 3, full: true},
	} {
		profiles, err := b.newDir()
		if err != nil {
			return err
		}
		if _, _, err := b.profileImport(context.Background(), s, profiles, true); err != nil {
			return err
		}
		p, err := readProfile(filepath.Join(profiles, "cpu.pprof"))
		if err != nil {
			return err
		}
		all = append(all, p)
	}
	merged, err := profile.Merge(all)
	if err != nil {
		return err
	}
	f, err := os.Create(*to)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := merged.Write(f); err != nil {
		return err
	}
	fmt.Printf("%s: rebuild the program to use it\n", *to)
	return f.Close()
}

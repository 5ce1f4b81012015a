package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// profileCommand imports one file under Go's profiler and prints what a row costs
// at each stage; with -floor, what it costs the floor.
func profileCommand(args []string) error {
	flags := flag.NewFlagSet("profile", flag.ExitOnError)
	program := flags.String("program", "bin/licenseimport", "the program to measure")
	keep := flags.String("keep", "", "folder to keep the profiles in, for go tool pprof")
	onFloor := flags.Bool("floor", false, "the floor instead of the program")
	again := flags.Bool("again", false, "import the file a second time, too")
	s := shapeFlags(flags, 300_000)
	if err := flags.Parse(args); err != nil {
		return err
	}
	dir, remove, err := folder(*keep)
	if err != nil {
		return err
	}
	defer remove()
	file, err := generated(*s)
	if err != nil {
		return err
	}
	defer os.Remove(file)
	ctx := context.Background()
	var took figures
	rows := s.rows
	if *onFloor {
		rowBytes, outcomeBytes, err := bodySizes(file)
		if err != nil {
			return err
		}
		took, err = runFloor(ctx, s.rows, rowBytes, outcomeBytes, "-profile="+dir)
		if err != nil {
			return err
		}
	} else {
		imports := 1
		if *again {
			imports = 2
		}
		rows *= imports
		if took, err = runImport(ctx, *program, file, imports, "--profile", dir); err != nil {
			return err
		}
	}
	all, err := costs(dir)
	if err != nil {
		return err
	}
	fmt.Printf("%d rows in %.2f s, %.2f CPU seconds from start to end of the process: %.1f µs a row\n\n",
		rows, took.wall.Seconds(), took.cpu.Seconds(), took.cpu.Seconds()/float64(rows)*1e6)
	printCosts(all, rows)
	return nil
}

// folder is the named one, made where it is missing, or a temporary one.
func folder(name string) (dir string, remove func(), err error) {
	if name != "" {
		dir, err = filepath.Abs(name)
		if err == nil {
			err = os.MkdirAll(dir, 0o755)
		}
		return dir, func() {}, err
	}
	dir, err = os.MkdirTemp("", "profile-")
	return dir, func() { os.RemoveAll(dir) }, err
}

// printCosts prints a Markdown table in the order of the stages, the dearest part
// of each first.
func printCosts(all map[stagePart]cost, rows int) {
	var total cost
	for _, c := range all {
		total.add(c)
	}
	line := func(name string, c cost) {
		n := float64(rows)
		fmt.Printf("| %-42s | %6.2f | %4.1f | %6.2f | %6.0f | %6.2f |\n", name,
			float64(c.cpu)/n/1e3, 100*float64(c.cpu)/float64(max(total.cpu, 1)), float64(c.allocations)/n, float64(c.memory)/n, float64(c.waiting)/n/1e3)
	}
	fmt.Printf("| %-42s | CPU µs |    %% | allocs |  bytes | waits µs |\n|---|--:|--:|--:|--:|--:|\n", "a row, by stage")
	for _, name := range append(stageNames(), rest) {
		var sum cost
		var parts []stagePart
		for p, c := range all {
			if p.stage == name {
				sum.add(c)
				parts = append(parts, p)
			}
		}
		if sum == (cost{}) {
			continue
		}
		line("**"+name+"**", sum)
		slices.SortFunc(parts, func(a, b stagePart) int {
			if all[a].cpu != all[b].cpu {
				return int(all[b].cpu - all[a].cpu)
			}
			return strings.Compare(a.part, b.part)
		})
		for _, p := range parts {
			if p.part != "" {
				line("· "+p.part, all[p])
			}
		}
	}
	line("**all**", total)
}

func stageNames() []string {
	var names []string
	for _, s := range stages {
		names = append(names, s.name)
	}
	return names
}

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

// profileCommand imports one file under Go's profiler and prints the cost of a row by
// stage; with -floor, that of the baseline; with -undo, that of the import's undo.
func profileCommand(args []string) error {
	flags := flag.NewFlagSet("profile", flag.ExitOnError)
	program := flags.String("program", "bin/licenseimport", "the program to measure")
	keep := flags.String("keep", "", "directory to keep the profiles in, for go tool pprof")
	onBaseline := flags.Bool("floor", false, "profile the baseline instead of the program, with bodies as large as the program's")
	again := flags.Bool("again", false, "profile the second import of the same file, too")
	undo := flags.Bool("undo", false, "profile the undo of the import instead of the import")
	s := shapeFlags(flags, 300_000)
	if err := flags.Parse(args); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "benchmark-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	profiles := dir
	if *keep != "" {
		if profiles, err = filepath.Abs(*keep); err != nil {
			return err
		}
		if err := os.MkdirAll(profiles, 0o755); err != nil {
			return err
		}
	}
	b := &bench{program: *program, dir: dir, runs: 1, scale: 1}
	measure := b.profileImport
	switch {
	case *onBaseline:
		measure = b.profileBaseline
	case *undo:
		measure = b.profileUndo
	}
	took, rows, err := measure(context.Background(), *s, profiles, *again)
	if err != nil {
		return err
	}
	all, err := costs(profiles)
	if err != nil {
		return err
	}
	fmt.Printf("%d rows in %.2f s, with %.2f CPU seconds: %.1f µs a row\n\n",
		rows, took.wall.Seconds(), took.cpu.Seconds(), took.cpu.Seconds()/float64(rows)*1e6)
	printCosts(all, rows)
	return nil
}

// profileImport imports a file of the shape under the profiler, once or twice.
func (b *bench) profileImport(ctx context.Context, s shape, profiles string, again bool) (took figures, rows int, err error) {
	file, err := b.file(s)
	if err != nil {
		return took, 0, err
	}
	imports := 1
	if again {
		imports = 2
	}
	err = b.withServer(ctx, func(p *process, _ string) error {
		took, err = p.measure(func() error {
			for range imports {
				if err := importFile(ctx, p.http, "", file); err != nil {
					return err
				}
			}
			return nil
		})
		return err
	}, "--profile", profiles)
	return took, imports * s.rows, err
}

// profileUndo undoes the import of a file of the shape under the profiler. A server without it imports the file.
func (b *bench) profileUndo(ctx context.Context, s shape, profiles string, _ bool) (took figures, rows int, err error) {
	file, err := b.file(s)
	if err != nil {
		return took, 0, err
	}
	err = b.withServer(ctx, func(p *process, dir string) error {
		if err := importFile(ctx, p.http, "", file); err != nil {
			return err
		}
		if err := p.stop(); err != nil {
			return err
		}
		profiled, err := serve(ctx, b.program, dir, "--profile", profiles)
		if err != nil {
			return err
		}
		defer profiled.kill()
		if took, err = profiled.measure(func() error { return undoImport(ctx, profiled.http, 1) }); err != nil {
			return err
		}
		return profiled.stop()
	})
	return took, s.rows, err
}

// profileBaseline runs the baseline with bodies as large as those of such a file.
func (b *bench) profileBaseline(ctx context.Context, s shape, profiles string, _ bool) (figures, int, error) {
	var size sizes
	few := s
	few.rows = min(s.rows, 10_000)
	file, err := b.file(few)
	if err != nil {
		return figures{}, 0, err
	}
	err = b.withServer(ctx, func(p *process, _ string) error {
		if err := importFile(ctx, p.http, "", file); err != nil {
			return err
		}
		size, err = bodySizes(ctx, p.nats, few.rows)
		return err
	})
	if err != nil {
		return figures{}, 0, err
	}
	took, err := runBaseline(ctx, s.rows, size, "-profile", profiles)
	return took, s.rows, err
}

// printCosts prints a Markdown table in the order of the stages, the most expensive
// activity of each first.
func printCosts(all map[stageActivity]cost, rows int) {
	var total cost
	for _, c := range all {
		total.add(c)
	}
	line := func(name string, c cost) {
		n := float64(rows)
		fmt.Printf("| %-42s | %6.2f | %4.1f | %6.2f | %6.0f | %8.2f |\n", name,
			float64(c.cpu)/n/1e3, 100*float64(c.cpu)/float64(max(total.cpu, 1)), float64(c.allocations)/n, float64(c.memory)/n, float64(c.waiting)/n/1e3)
	}
	fmt.Printf("| %-42s | CPU µs |    %% | allocs |  bytes | waits µs |\n|---|--:|--:|--:|--:|--:|\n", "a row, by stage")
	for _, name := range append(stageNames(), rest) {
		sum, activities := ofStage(all, name)
		if sum == (cost{}) {
			continue
		}
		line("**"+name+"**", sum)
		for _, p := range activities {
			line("· "+p.activity, all[p])
		}
	}
	line("**all**", total)
}

// ofStage returns the cost of a stage, and its activities, the most expensive first.
func ofStage(all map[stageActivity]cost, name string) (sum cost, activities []stageActivity) {
	for p, c := range all {
		if p.stage != name {
			continue
		}
		sum.add(c)
		if p.activity != "" {
			activities = append(activities, p)
		}
	}
	slices.SortFunc(activities, func(a, b stageActivity) int {
		if all[a].cpu != all[b].cpu {
			return int(all[b].cpu - all[a].cpu)
		}
		return strings.Compare(a.activity, b.activity)
	})
	return sum, activities
}

func stageNames() []string {
	var names []string
	for _, s := range stages {
		names = append(names, s.name)
	}
	return names
}

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// compareCommand imports one file into two builds of the program in turn, many times, each time into an empty
// directory. With -undo it measures the import's undo, once the import has left nothing to do. The ratio within each
// pair shows changes that are smaller than the machine's noise from minute to minute. Each build goes first in half of
// the pairs: the second import of a pair may find the machine busy with what the first one has left.
//
// With -together both builds run at the same time. Then the wall times say little, and the ratio of the CPU times is
// free of the noise of a machine that is faster in one minute than in the next.
func compareCommand(args []string) error {
	flags := flag.NewFlagSet("compare", flag.ExitOnError)
	runs := flags.Int("runs", 10, "pairs")
	undo := flags.Bool("undo", false, "measure the undo of the import, instead of the import")
	together := flags.Bool("together", false, "run both at the same time, to compare their CPU")
	latency := flags.Bool("latency", false, "also the latency of polls, and of small imports beside a large one")
	s := shapeFlags(flags, 150_000)
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 2 {
		return errors.New("compare takes two programs: the old one and the new one")
	}
	if *together && *latency {
		return errors.New("latency is measured in turn: leave -together or -latency out")
	}
	dir, err := os.MkdirTemp("", "benchmark-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{dir: dir, scale: 1}
	file, err := b.file(*s)
	if err != nil {
		return err
	}
	var sides [2][]measurement
	for pair := range *runs {
		if *together {
			both, err := b.importBoth(context.Background(), flags.Args(), file, *undo)
			if err != nil {
				return err
			}
			for i := range sides {
				sides[i] = append(sides[i], both[i])
				printRun(pair, flags.Arg(i), both[i])
			}
			continue
		}
		for turn := range sides {
			i := (pair + turn) % 2
			b.program = flags.Arg(i)
			m, err := b.importOnce(context.Background(), file, *undo, func() {})
			if err == nil && *latency {
				err = b.addLatencies(context.Background(), &m)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", b.program, err)
			}
			sides[i] = append(sides[i], m)
			printRun(pair, b.program, m)
		}
	}
	printPairs(sides)
	return nil
}

func printRun(pair int, program string, m measurement) {
	fmt.Fprintf(os.Stderr, "pair %d, %s: %.2f s, %.2f s of CPU\n", pair+1, program, m.wall.Seconds(), m.cpu.Seconds())
}

// measurement holds the figures of one import.
type measurement struct {
	figures
	peak  int64         // RSS, in bytes
	poll  time.Duration // p99 of the polls during an import; 0: not measured
	small time.Duration // median of the small imports beside a large one
}

// importBoth imports a file by two programs at the same time. What it measures begins when both are ready for it.
func (b *bench) importBoth(
	ctx context.Context, programs []string, file string, undo bool,
) (both [2]measurement, err error) {
	running, ctx := errgroup.WithContext(ctx)
	var ready sync.WaitGroup
	ready.Add(len(both))
	for i := range both {
		one := *b
		one.program, one.dir = programs[i], filepath.Join(b.dir, strconv.Itoa(i))
		running.Go(func() error {
			once := sync.OnceFunc(ready.Done)
			defer once() // the other one must not wait for this one's error
			if err := os.MkdirAll(one.dir, 0o750); err != nil {
				return err
			}
			m, err := one.importOnce(ctx, file, undo, func() {
				once()
				ready.Wait()
			})
			if err != nil {
				return fmt.Errorf("%s: %w", one.program, err)
			}
			both[i] = m
			return nil
		})
	}
	err = running.Wait()
	return both, err
}

// importOnce imports a file into a new, empty server, and measures that or, with undo, the import's undo. It calls
// ready before what it measures begins.
func (b *bench) importOnce(ctx context.Context, file string, undo bool, ready func()) (m measurement, err error) {
	err = b.withServer(ctx, func(p *process, _ string) (err error) {
		if !undo {
			ready()
		}
		if m.figures, err = p.importFile(ctx, file); err != nil {
			return err
		}
		if undo {
			if err = p.settle(ctx); err != nil {
				return err
			}
			ready()
			if m.figures, err = p.measure(func() error { return undoImport(ctx, p.http, 1) }); err != nil {
				return err
			}
		}
		m.peak, err = p.peak()
		return err
	})
	return m, err
}

// Rows of the imports that latencies are measured during.
const (
	polledRows = 150_000
	largeRows  = 300_000
)

// addLatencies measures, on another new server, polls during one import and small imports
// beside a large one.
func (b *bench) addLatencies(ctx context.Context, m *measurement) error {
	file, err := b.file(shape{rows: polledRows, seed: 3})
	if err != nil {
		return err
	}
	return b.withServer(ctx, func(p *process, _ string) (err error) {
		if m.poll, err = pollP99(ctx, p.http, file); err != nil {
			return err
		}
		var g growthResult
		if err = b.smallDuringLarge(ctx, &g, p, largeRows); err != nil {
			return err
		}
		m.small = median(g.loaded, func(d time.Duration) time.Duration { return d })
		return nil
	})
}

// printPairs prints the medians of both sides, and median and quartiles of the pairs'
// ratios.
func printPairs(sides [2][]measurement) {
	fmt.Printf("%-16s %9s %9s   %s\n", "", "old", "new", "new ÷ old: median (quartiles)")
	show := func(name, format string, value func(measurement) float64) {
		var ratios []float64
		for i := range sides[0] {
			ratios = append(ratios, value(sides[1][i])/value(sides[0][i]))
		}
		slices.Sort(ratios)
		n := len(ratios)
		fmt.Printf("%-16s "+format+" "+format+"   %.3f (%.3f–%.3f)\n", name, median(sides[0], value), median(sides[1], value),
			median(ratios, func(r float64) float64 { return r }), ratios[n/4], ratios[(3*n-1)/4])
	}
	show("wall, s", "%9.2f", func(m measurement) float64 { return m.wall.Seconds() })
	show("CPU, s", "%9.2f", func(m measurement) float64 { return m.cpu.Seconds() })
	show("peak memory, MB", "%9.0f", func(m measurement) float64 { return float64(m.peak) / 1e6 })
	if sides[0][0].poll > 0 {
		show("p99 poll, ms", "%9.1f", func(m measurement) float64 { return m.poll.Seconds() * 1000 })
		show("small import, ms", "%9.1f", func(m measurement) float64 { return m.small.Seconds() * 1000 })
	}
}

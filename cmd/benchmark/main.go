// Benchmark measures licenseimport, above all against a baseline: what JetStream alone
// can do with the same messages, also called JetStream's floor. Each side runs in a
// separate process, in turn, several times. The ratios of the medians count, since
// absolute times differ from machine to machine and from hour to hour.
//
//	go run ./cmd/benchmark                              all of it: make bench
//	go run ./cmd/benchmark -only floor,repeats          some sections; an unknown name lists them
//	go run ./cmd/benchmark -only growth -scale 0.1      with a tenth of the rows
//	go run ./cmd/benchmark profile                      what a row costs at each stage
//	go run ./cmd/benchmark profile -floor               the same of the baseline
//	go run ./cmd/benchmark compare OLD NEW              two builds of the program, in turn
//	go run ./cmd/benchmark large                        ten million rows at once: make large
//	go run ./cmd/benchmark sizes                        what docs/operating.md plans with: make sizes
//	go run ./cmd/benchmark scale                        what docs/scaling-out.md plans with: make scale
//	go run ./cmd/benchmark pgo                          a profile for the compiler
//	go run ./cmd/benchmark generate -rows 1000          a file to import
//
// It runs the built program as a black box: it uses the HTTP API, the streams, the
// files and /proc. It writes to -dir, which should be on the disk to be measured.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"time"
)

func main() {
	commands := map[string]func([]string) error{
		"floor": baselineCommand, "read": readCommand, // internal: the benchmark starts itself with these
		"generate": generateCommand, "profile": profileCommand, "pgo": pgoCommand, "compare": compareCommand, "large": largeCommand,
		"scale": scaleCommand, "sizes": sizesCommand,
	}
	run, args := benchCommand, os.Args[1:]
	if len(args) > 0 && commands[args[0]] != nil {
		run, args = commands[args[0]], args[1:]
	}
	if err := run(args); err != nil {
		fmt.Fprintln(os.Stderr, "benchmark:", err)
		os.Exit(1)
	}
}

// benchCommand measures the table.
func benchCommand(args []string) error {
	b := &bench{}
	flags := flag.NewFlagSet("benchmark", flag.ExitOnError)
	flags.StringVar(&b.program, "program", "bin/licenseimport", "the program to measure")
	flags.IntVar(&b.runs, "runs", 3, "how often each side runs; medians are printed")
	flags.Float64Var(&b.scale, "scale", 1, "share of the rows, for a quick look")
	only := flags.String("only", "", "sections, separated by commas; an unknown name lists them")
	dir := flags.String("dir", os.TempDir(), "where to write; up to 15 GB at full scale")
	write := flags.String("write", "", "Markdown file whose table is replaced")
	if err := flags.Parse(args); err != nil {
		return err
	}
	names := strings.FieldsFunc(*only, func(r rune) bool { return r == ',' })
	if err := checkNames(names); err != nil {
		return err
	}
	if *write != "" && (len(names) > 0 || b.scale != 1) {
		return errors.New("only a whole run at full scale is written to a file")
	}
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	var err error
	if b.dir, err = os.MkdirTemp(*dir, "benchmark-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	began := time.Now()
	fmt.Println(tableHead)
	lines, err := b.run(ctx, names)
	if err != nil {
		return err
	}
	fmt.Printf("\n%s\n", machine(b.dir))
	if *write == "" {
		return nil
	}
	return replaceTable(*write, b, lines, began)
}

func generateCommand(args []string) error {
	flags := flag.NewFlagSet("generate", flag.ExitOnError)
	s := shapeFlags(flags, 100_000)
	if err := flags.Parse(args); err != nil {
		return err
	}
	return s.write(os.Stdout)
}

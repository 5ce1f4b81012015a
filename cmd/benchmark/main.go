// Benchmark measures licenseimport against what JetStream alone can do with the
// same messages, in the same run: the floor. Each side runs in a process of its
// own, one after the other, several times.
//
//	go run ./cmd/benchmark -rows 100000 -runs 3
//
// Other words after it: "generate" writes a file to import, "memory" shows what the
// role ingest needs for files of growing size, "floor" is the floor alone.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"licenseimport/internal/profiling"
)

func main() {
	commands := map[string]func([]string) error{"floor": floorCommand, "generate": generateCommand, "memory": memoryCommand, "profile": profileCommand}
	if len(os.Args) > 1 && commands[os.Args[1]] != nil {
		check(commands[os.Args[1]](os.Args[2:]))
		return
	}
	runs := flag.Int("runs", 3, "how often each side runs; medians are printed")
	program := flag.String("program", "bin/licenseimport", "the program to measure")
	s := shapeFlags(flag.CommandLine, 100_000)
	flag.Parse()
	check(compare(context.Background(), *program, *runs, *s))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "benchmark:", err)
		os.Exit(1)
	}
}

// compare runs both sides in turn and prints the medians and their ratio.
func compare(ctx context.Context, program string, runs int, s shape) error {
	file, err := generated(s)
	if err != nil {
		return err
	}
	defer os.Remove(file)
	rowBytes, outcomeBytes, err := bodySizes(file)
	if err != nil {
		return err
	}
	fmt.Printf("%d rows; bodies of %d bytes (rows) and %d bytes (outcomes)\n", s.rows, rowBytes, outcomeBytes)
	var floors, ours []figures
	for range runs {
		f, err := runFloor(ctx, s.rows, rowBytes, outcomeBytes)
		if err != nil {
			return fmt.Errorf("floor: %w", err)
		}
		o, err := runImport(ctx, program, file, 1)
		if err != nil {
			return fmt.Errorf("import: %w", err)
		}
		floors, ours = append(floors, f), append(ours, o)
	}
	report(s.rows, median(floors), median(ours))
	return nil
}

func report(rows int, floor, ours figures) {
	row := func(name string, f figures) {
		fmt.Printf("%-16s %10.0f %10.2f %16.1f %10d\n", name,
			float64(rows)/f.wall.Seconds(), f.wall.Seconds(), f.cpu.Seconds()/float64(rows)*1e6, f.peak>>20)
	}
	fmt.Printf("%-16s %10s %10s %16s %10s\n", "", "rows/s", "seconds", "CPU s/million", "peak MB")
	row("JetStream alone", floor)
	row("licenseimport", ours)
	fmt.Printf("ratio            %10.2f of the floor's rows/s; %.2f of its CPU\n",
		floor.wall.Seconds()/ours.wall.Seconds(), ours.cpu.Seconds()/floor.cpu.Seconds())
}

// median takes each figure's median on its own.
func median(all []figures) figures {
	pick := func(value func(figures) int64) int64 {
		values := make([]int64, len(all))
		for i, f := range all {
			values[i] = value(f)
		}
		slices.Sort(values)
		return values[len(values)/2]
	}
	return figures{
		wall: time.Duration(pick(func(f figures) int64 { return int64(f.wall) })),
		cpu:  time.Duration(pick(func(f figures) int64 { return int64(f.cpu) })),
		peak: pick(func(f figures) int64 { return f.peak }),
	}
}

// generated writes the file of a shape to a temporary place.
func generated(s shape) (string, error) {
	f, err := os.CreateTemp("", "licenses-*.csv")
	if err != nil {
		return "", err
	}
	defer f.Close()
	return f.Name(), s.write(f)
}

func generateCommand(args []string) error {
	flags := flag.NewFlagSet("generate", flag.ExitOnError)
	s := shapeFlags(flags, 100_000)
	if err := flags.Parse(args); err != nil {
		return err
	}
	return s.write(os.Stdout)
}

func floorCommand(args []string) error {
	flags := flag.NewFlagSet("floor", flag.ExitOnError)
	rows := flags.Int("rows", 100_000, "rows")
	rowBytes := flags.Int("row-bytes", 500, "size of a row's message")
	outcomeBytes := flags.Int("outcome-bytes", 500, "size of an outcome's message")
	profile := flags.String("profile", "", "folder for profiles")
	if err := flags.Parse(args); err != nil {
		return err
	}
	stopProfile, err := profiling.Start(*profile)
	if err != nil {
		return err
	}
	took, err := floor(context.Background(), *rows, *rowBytes, *outcomeBytes)
	if err != nil {
		return err
	}
	fmt.Println(took)
	return stopProfile()
}

// runFloor runs the floor in a process of its own.
func runFloor(ctx context.Context, rows, rowBytes, outcomeBytes int, more ...string) (figures, error) {
	self, err := os.Executable()
	if err != nil {
		return figures{}, err
	}
	cmd := exec.CommandContext(ctx, self, append([]string{"floor",
		fmt.Sprint("-rows=", rows), fmt.Sprint("-row-bytes=", rowBytes), fmt.Sprint("-outcome-bytes=", outcomeBytes)}, more...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return figures{}, err
	}
	wall, err := time.ParseDuration(strings.TrimSpace(string(out)))
	return usage(cmd, wall), err
}

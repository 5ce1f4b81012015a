package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

// The benchmark writes between these markers. The rest of the file is written by hand.
const (
	tableBegins = "<!-- written by make bench: from here -->\n"
	tableEnds   = "<!-- written by make bench: to here -->\n"
)

const tableHead = "| what | measure | reach | measured | | |\n|---|---|---|---|---|---|"

// markdown is the line as a row of the table.
func (l line) markdown() string {
	verdict := ""
	switch {
	case l.reach == "":
		l.reach = "stated"
	case l.reached:
		verdict = "reached"
	default:
		verdict = "**missed**"
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %s | %s |", l.what, l.measure, l.reach, l.value, verdict, l.details)
}

// replaceTable writes the lines and where they were measured into a Markdown file.
func replaceTable(path string, b *bench, lines []line, began time.Time) error {
	var out strings.Builder
	out.WriteString(tableHead + "\n")
	for _, l := range lines {
		out.WriteString(l.markdown() + "\n")
	}
	fmt.Fprintf(&out, "\n%s; medians of %d runs in turn, %.0f minutes in all. %s.\n",
		began.UTC().Format("2 January 2006, 15:04 UTC"), b.runs, time.Since(began).Minutes(), machine(b.dir))
	return replaceBetween(path, tableBegins, tableEnds, out.String())
}

// replaceBetween replaces what stands between two lines of a file.
func replaceBetween(path, begins, ends, with string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, found := strings.Cut(string(text), begins)
	_, after, ended := strings.Cut(rest, ends)
	if !found || !ended {
		return fmt.Errorf("%s does not hold the lines %q and %q", path, begins, ends)
	}
	return os.WriteFile(path, []byte(before+begins+"\n"+with+"\n"+ends+after), 0o644)
}

// machine describes the hardware and the versions of a measurement.
func machine(dir string) string {
	parts := []string{
		fmt.Sprintf("%s, %d cores", field("/proc/cpuinfo", "model name"), runtime.NumCPU()),
		"memory " + field("/proc/meminfo", "MemTotal"),
	}
	if fs, err := exec.Command("stat", "-f", "-c", "%T", dir).Output(); err == nil {
		parts = append(parts, "disk "+strings.TrimSpace(string(fs)))
	}
	if kernel, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		parts = append(parts, "Linux "+strings.TrimSpace(string(kernel)))
	}
	parts = append(parts, runtime.Version())
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range info.Deps {
			if module.Path == "github.com/nats-io/nats-server/v2" {
				parts = append(parts, "NATS server "+module.Version)
			}
		}
	}
	return strings.Join(parts, ", ")
}

// field is the first value of a name in a file of "name: value" lines.
func field(path, name string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(line, ":")
		if strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

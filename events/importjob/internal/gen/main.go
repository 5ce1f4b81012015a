// Command gen writes the state diagram of an import into ARCHITECTURE.md, between two marker
// comments. It takes the module's root as its argument. A test fails while the diagram is out of
// date.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"licenseimport/events/importjob"
)

// The diagram stands between these lines.
const (
	begin = "<!-- states of an import: written by go generate ./events/importjob -->\n"
	end   = "<!-- end of the states of an import -->\n"
)

const document = "ARCHITECTURE.md"

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return errors.New("usage: gen ROOT")
	}
	path := filepath.Join(args[0], document)
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if text, err = replaceDiagram(text); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, text, 0o644)
}

// replaceDiagram is the document with the diagram as the table has it now.
func replaceDiagram(text []byte) ([]byte, error) {
	before, rest, found := bytes.Cut(text, []byte(begin))
	_, after, closed := bytes.Cut(rest, []byte(end))
	if !found || !closed {
		return nil, fmt.Errorf("the markers are missing:\n%s%s", begin, end)
	}
	return bytes.Join([][]byte{before, []byte(begin + diagram() + end), after}, nil), nil
}

// diagram is the table of transitions in Mermaid's language, with one arrow for each pair of
// phases.
func diagram() string {
	var b strings.Builder
	b.WriteString("```mermaid\nstateDiagram-v2\n")
	arrow := func(from, to importjob.Phase) string {
		if from == importjob.None {
			return "[*] --> " + to.String()
		}
		return from.String() + " --> " + to.String()
	}
	labels := map[string][]string{}
	left := map[importjob.Phase]bool{}
	var arrows []string
	for _, t := range importjob.Transitions() {
		left[t.From] = true
		a := arrow(t.From, t.To)
		if labels[a] == nil {
			arrows = append(arrows, a)
		}
		labels[a] = append(labels[a], t.On)
	}
	for _, a := range arrows {
		fmt.Fprintf(&b, "    %s: %s\n", a, strings.Join(labels[a], ", "))
	}
	for _, p := range importjob.Phases() {
		if !left[p] {
			fmt.Fprintf(&b, "    %s --> [*]\n", p)
		}
	}
	b.WriteString("```\n")
	return b.String()
}

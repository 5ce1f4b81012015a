// Command check parses the files of this directory as Docker does, without an engine:
//
//	go run -C deploy/check . ../Dockerfile ../compose.yaml
//
// It is a separate module: the program's go.mod stays free of Docker's modules.
package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

func main() {
	for _, err := range []error{dockerfile(os.Args[1]), compose(os.Args[2])} {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// dockerfile parses every instruction; a warning is an error.
func dockerfile(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	tree, err := parser.Parse(bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for _, w := range tree.Warnings {
		return fmt.Errorf("%s: %s", path, w.Short)
	}
	stages, _, err := instructions.Parse(tree.AST, nil)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := checkCopies(stages, filepath.Join(filepath.Dir(path), "..")); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	fmt.Printf("%s: %d stages\n", path, len(stages))
	return nil
}

// checkCopies fails where a COPY names a stage that is not defined before it, or a
// file that the build context does not have.
func checkCopies(stages []instructions.Stage, context string) error {
	known := map[string]bool{}
	for _, stage := range stages {
		for _, command := range stage.Commands {
			c, ok := command.(*instructions.CopyCommand)
			if !ok {
				continue
			}
			if c.From != "" && !known[c.From] {
				return fmt.Errorf("COPY --from=%s: there is no such stage before it", c.From)
			}
			for _, source := range c.SourcePaths {
				if _, err := os.Stat(filepath.Join(context, source)); c.From == "" && err != nil {
					return fmt.Errorf("COPY: %w", err)
				}
			}
		}
		known[stage.Name] = true
	}
	return nil
}

// compose loads the file as `docker compose config` does: its schema, its
// references, and the variables that it wants.
func compose(path string) error {
	options, err := cli.NewProjectOptions([]string{path}, cli.WithOsEnv, cli.WithProfiles([]string{"*"}))
	if err != nil {
		return err
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	fmt.Printf("%s: %d services\n", path, len(project.Services))
	return nil
}

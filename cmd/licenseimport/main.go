package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"licenseimport/internal/profiling"

	"github.com/alecthomas/kong"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // so that a second signal ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// exitStatus is an error that the command has already printed.
type exitStatus int

func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// terminal holds a command's standard streams.
type terminal struct {
	in       io.Reader
	out, err io.Writer
}

// run runs the program and returns the exit status.
func run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	if len(args) == 0 {
		args = []string{"--help"}
	}
	err := parseAndRun(ctx, args, &terminal{in: in, out: out, err: errOut})
	var status exitStatus
	switch {
	case err == nil:
		return 0
	case errors.As(err, &status):
		return int(status)
	default:
		fmt.Fprintf(errOut, "licenseimport: %v\n", err)
		return 1
	}
}

func parseAndRun(ctx context.Context, args []string, t *terminal) error {
	var commands cli
	answered := false // --help and --version answer while parsing
	parser, err := kong.New(&commands,
		kong.Name("licenseimport"),
		kong.Description(description),
		kong.DefaultEnvars("LICENSEIMPORT"),
		kong.Vars{"version": buildInfo().String()},
		kong.Writers(t.out, t.err),
		kong.Exit(func(int) { answered = true }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 110}),
		kong.WithHyphenPrefixedParameters(true),                           // --nats-port -1
		kong.ValueFormatter(func(v *kong.Value) string { return v.Help }), // without the variable's name, which the description tells
		kong.ExplicitGroups(groups),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(t),
	)
	if err != nil {
		return err
	}
	parsed, err := parser.Parse(args)
	if answered {
		return nil
	}
	if err != nil {
		return explainUsage(err)
	}
	if err := checkVariables(parser.Model.Node, os.Environ()); err != nil {
		return err
	}
	slog.SetDefault(commands.logger(t.err, parsed.Selected()))
	stopProfile, err := profiling.Start(commands.Profile)
	if err != nil {
		return err
	}
	return errors.Join(explainLoss(parsed.Run()), stopProfile())
}

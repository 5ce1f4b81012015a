package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"licenseimport/internal/profiling"

	"github.com/alecthomas/kong"
)

// errInterrupted is the cause of a context that Ctrl-C has ended.
var errInterrupted = errors.New("interrupted")

// statusInterrupted is the exit status of a command that Ctrl-C ended before its end, as shells have it.
const statusInterrupted = 130

func main() {
	ctx := untilSignal(context.Background())
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// untilSignal returns a context that the first SIGINT or SIGTERM ends. A second one ends the process.
func untilSignal(parent context.Context) context.Context {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		received := <-signals
		signal.Stop(signals)
		if received == os.Interrupt {
			cancel(errInterrupted)
		}
		cancel(context.Canceled)
	}()
	return ctx
}

// exitStatus is an error that the command has already printed.
type exitStatus int

func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// terminal holds a command's standard streams.
type terminal struct {
	in       io.Reader
	out, err io.Writer
	jsonLog  bool // the log on err is JSON
}

// run runs the program and returns the exit status.
func run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	switch {
	case len(args) == 0:
		args = []string{"--help"}
	case args[0] == "help": // help COMMAND
		args = append(args[1:], "--help")
	}
	printed := &output{to: out}
	err := parseAndRun(ctx, args, &terminal{in: in, out: printed, err: errOut})
	if err == nil {
		err = printed.check()
	}
	var status exitStatus
	switch {
	case err == nil:
		return 0
	case errors.Is(context.Cause(ctx), errInterrupted):
		text := "stopped by Ctrl-C"
		if strings.HasPrefix(err.Error(), "stopped") { // it says what goes on, or what was not done
			text = err.Error()
		}
		fmt.Fprintf(errOut, "licenseimport: %s\n", text)
		return statusInterrupted
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
	t.jsonLog = commands.LogFormat == "json"
	slog.SetDefault(commands.logger(t.err, parsed.Selected()))
	stopProfile, err := profiling.Start(commands.Profile)
	if err != nil {
		return err
	}
	return errors.Join(explainLoss(parsed.Run()), stopProfile())
}

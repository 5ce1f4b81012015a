package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"
)

// rebuild measures on the data directory of a stopped server how fast its stream is
// folded into views, and how fast it can be read.
func (b *bench) rebuild(ctx context.Context, g *growthResult, dir string) error {
	out, err := exec.CommandContext(ctx, b.program, "rebuild", "--data", dir).Output()
	if err != nil {
		return fmt.Errorf("rebuild: %w", err)
	}
	events, took, err := parseRebuild(string(out))
	if err != nil {
		return err
	}
	g.events = events
	g.folded = append(g.folded, figures{wall: took})
	raw, err := runSelf(ctx, "read", "-store", filepath.Join(dir, "nats"), "-messages", strconv.Itoa(events))
	g.raw = append(g.raw, raw)
	return err
}

var rebuildOutput = regexp.MustCompile(`^Folded ([\d,. ]*\d) events in ([\d.]+) s`)

// parseRebuild parses the output of the command rebuild.
func parseRebuild(out string) (events int, took time.Duration, err error) {
	match := rebuildOutput.FindStringSubmatch(out)
	if match == nil {
		return 0, 0, fmt.Errorf("rebuild printed %q", out)
	}
	events, err = strconv.Atoi(regexp.MustCompile(`\D`).ReplaceAllString(match[1], ""))
	if err != nil {
		return 0, 0, err
	}
	seconds, err := strconv.ParseFloat(match[2], 64)
	return events, time.Duration(seconds * float64(time.Second)), err
}

// readCommand reads the stream LICENSES of a stopped server with an ordered consumer
// and drops the messages: a rebuild's lower bound.
func readCommand(args []string) error {
	flags := flag.NewFlagSet("read", flag.ExitOnError)
	store := flags.String("store", "", "directory of the NATS server's files")
	messages := flags.Int("messages", 0, "how many")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *store == "" || *messages < 1 {
		return errors.New("read needs -store and -messages")
	}
	js, stop, err := startJetStream(*store, false)
	if err != nil {
		return err
	}
	defer stop()
	return printFigures(func() error { return readAll(context.Background(), js, "LICENSES", *messages) })
}

package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
)

// memoryCommand uploads files of growing size to the role ingest, each time in a
// fresh process of its own beside a NATS server in another, and prints its peak
// resident memory: it does not grow with the file.
func memoryCommand(args []string) error {
	flags := flag.NewFlagSet("memory", flag.ExitOnError)
	program := flags.String("program", "bin/licenseimport", "the program to measure")
	if err := flags.Parse(args); err != nil {
		return err
	}
	fmt.Printf("%10s %10s %18s\n", "rows", "file MB", "ingest's peak MB")
	for _, rows := range []int{50_000, 200_000, 800_000} {
		file, err := generated(shape{rows: rows, seed: 1})
		if err != nil {
			return err
		}
		peak, err := ingestPeak(context.Background(), *program, file)
		if err != nil {
			return err
		}
		info, err := os.Stat(file)
		if err != nil {
			return err
		}
		fmt.Printf("%10d %10d %18d\n", rows, info.Size()>>20, peak>>20)
		if err := os.Remove(file); err != nil {
			return err
		}
	}
	return nil
}

// ingestPeak is the peak resident memory of an ingest process that took one file.
func ingestPeak(ctx context.Context, program, file string) (int64, error) {
	dir, err := os.MkdirTemp("", "memory-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	nats, err := freeAddress()
	if err != nil {
		return 0, err
	}
	http, err := freeAddress()
	if err != nil {
		return 0, err
	}
	_, port, err := net.SplitHostPort(nats)
	if err != nil {
		return 0, err
	}
	server, err := start(ctx, program, "nats", "--data", dir, "--nats-port", port)
	if err != nil {
		return 0, err
	}
	defer func() { _ = stop(server) }()
	ingest, err := start(ctx, program, "ingest", "--nats-url", "nats://"+nats, "--http", http)
	if err != nil {
		return 0, err
	}
	err = waitReady(ctx, "http://"+http)
	if err == nil {
		_, err = upload(ctx, "http://"+http, file)
	}
	if stopped := stop(ingest); err == nil {
		err = stopped
	}
	return usage(ingest, 0).peak, err
}

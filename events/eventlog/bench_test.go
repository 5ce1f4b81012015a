package eventlog_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"syscall"
	"testing"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/events/eventlog/eventlogtest"
)

// The benchmarks use bodies of 300 bytes and the embedded server with its usual settings: one fsync
// for each batch. They report messages/s, through memory and over loopback TCP.

var body = bytes.Repeat([]byte("x"), 300)

func onBoth(b *testing.B, run func(*testing.B, *eventlog.Log)) {
	b.Run("memory", func(b *testing.B) { run(b, eventlogtest.Start(b)) })
	b.Run("tcp", func(b *testing.B) {
		server := eventlogtest.StartServerOn(b, eventlog.ServerConfig{Dir: b.TempDir(), Port: -1})
		log, err := eventlog.Open(b.Context(), eventlog.Config{URL: server.URL()})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(log.Close)
		run(b, log)
	})
}

// cpu is the CPU time that this process has used.
func cpu() time.Duration {
	var used syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// perSecond also reports the CPU time, which a busy machine disturbs less.
func perSecond(b *testing.B, messages int, began time.Duration) {
	b.ReportMetric(float64(cpu()-began)/float64(messages)/float64(b.N), "cpu-ns/msg")
	b.ReportMetric(float64(messages)*float64(b.N)/b.Elapsed().Seconds(), "msgs/s")
}

func BenchmarkAppendRows(b *testing.B) {
	bodies := make([][]byte, eventlog.MaxBatch)
	for i := range bodies {
		bodies[i] = body
	}
	onBoth(b, func(b *testing.B, log *eventlog.Log) {
		var last events.Seq
		var err error
		began := cpu()
		for b.Loop() {
			if last, err = log.AppendRows(b.Context(), 7, last, bodies); err != nil {
				b.Fatal(err)
			}
		}
		perSecond(b, len(bodies), began)
	})
}

// BenchmarkBatch commits a processor's batch: new licenses and the job's progress.
func BenchmarkBatch(b *testing.B) {
	onBoth(b, func(b *testing.B, log *eventlog.Log) {
		var last events.Seq
		n := 0
		began := cpu()
		for b.Loop() {
			batch := log.NewBatch(7)
			for range eventlog.MaxBatch - 1 {
				n++
				if err := batch.AddAfter(license(n), body, license(n), 0); err != nil {
					b.Fatal(err)
				}
			}
			last = mustCommit(b, batch, last)
		}
		perSecond(b, eventlog.MaxBatch, began)
	})
}

func BenchmarkAppendFact(b *testing.B) {
	onBoth(b, func(b *testing.B, log *eventlog.Log) {
		var last events.Seq
		began := cpu()
		for b.Loop() {
			last = appendFact(b, log, 7, "imports.7.progressed", last)
		}
		perSecond(b, 1, began)
	})
}

func BenchmarkRows(b *testing.B) {
	const rows = 100_000
	onBoth(b, func(b *testing.B, log *eventlog.Log) {
		fill(b, log, rows)
		began := cpu()
		for b.Loop() {
			reader, err := log.Rows(b.Context(), 7, 0)
			if err != nil {
				b.Fatal(err)
			}
			for err == nil {
				_, err = reader.Next(b.Context())
			}
			if !errors.Is(err, io.EOF) {
				b.Fatal(err)
			}
			reader.Stop()
		}
		perSecond(b, rows, began)
	})
}

func fill(b *testing.B, log *eventlog.Log, rows int) {
	bodies := make([][]byte, eventlog.MaxBatch)
	for i := range bodies {
		bodies[i] = body
	}
	var last events.Seq
	for range rows / len(bodies) {
		var err error
		if last, err = log.AppendRows(context.Background(), 7, last, bodies); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLookup(b *testing.B) {
	onBoth(b, func(b *testing.B, log *eventlog.Log) {
		batch := log.NewBatch(7)
		addLicenses(b, batch, 0, eventlog.MaxBatch-1)
		mustCommit(b, batch, 0)
		for name, shift := range map[string]int{"hits": 0, "misses": eventlog.MaxBatch} {
			b.Run(name, func(b *testing.B) {
				subjects := make([]string, eventlog.MaxBatch-1)
				for i := range subjects {
					subjects[i] = license(i + shift)
				}
				began := cpu()
				for b.Loop() {
					if err := log.Lookup(b.Context(), subjects, func(eventlog.Message) error { return nil }); err != nil {
						b.Fatal(err)
					}
				}
				perSecond(b, len(subjects), began)
			})
		}
	})
}

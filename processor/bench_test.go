package processor

import (
	"testing"
	"time"

	"licenseimport/events"
)

// BenchmarkImport decides 100,000 stored rows on a real log.
func BenchmarkImport(b *testing.B) {
	const n = 100_000
	for b.Loop() {
		b.StopTimer()
		h := newHarness(b)
		h.upload(events.ImportStarted{JobID: 1, Mode: events.Partial}, keys(n, "K"), n)
		b.StartTimer()
		h.run(1)
	}
	b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkUndo takes an import of 100,000 licenses back, and one that changed them. Compare the rows a second
// with those of the imports, which it reports, too.
func BenchmarkUndo(b *testing.B) {
	const n = 100_000
	for _, kind := range []string{"imported", "updated"} {
		b.Run(kind, func(b *testing.B) {
			var importing time.Duration
			for b.Loop() {
				b.StopTimer()
				h := newHarness(b)
				job := events.JobID(1)
				if kind == "updated" {
					h.importRows(events.ImportStarted{JobID: 2, Mode: events.Partial}, keys(n, "K"))
				}
				h.upload(updating(job), with(keys(n, "K"), "5", 1), n)
				began := time.Now()
				h.run(job)
				importing += time.Since(began)
				b.StartTimer()
				h.undo(job)
			}
			b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "undone/s")
			b.ReportMetric(n*float64(b.N)/importing.Seconds(), "rows/s")
		})
	}
}

// BenchmarkDecide decides full batches of rows with twelve columns, from the JSON that was read to
// the JSON that will be sent: CPU of the processor without reading, look-ups and sending. One
// operation is one row.
func BenchmarkDecide(b *testing.B) {
	benchmarkDecide(b, &Policy{}, "2030-12-31", "time-limited")
}

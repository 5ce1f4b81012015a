package processor

import (
	"testing"

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

// BenchmarkDecide decides full batches of rows with twelve columns, from the JSON that was read to
// the JSON that will be sent: CPU of the processor without reading, look-ups and sending. One
// operation is one row.
func BenchmarkDecide(b *testing.B) {
	benchmarkDecide(b, &Policy{}, "2030-12-31", "time-limited")
}

package processor

import (
	"testing"

	"licenseimport/events"
)

// BenchmarkImport decides 100,000 stored rows: what the processor alone takes.
func BenchmarkImport(b *testing.B) {
	const n = 100_000
	for b.Loop() {
		b.StopTimer()
		w := newWorld(b)
		w.upload(events.ImportStarted{JobID: 1, Mode: events.Partial}, keys(n, "K"), n)
		b.StartTimer()
		w.run(1)
	}
	b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

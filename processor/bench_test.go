package processor

import (
	"fmt"
	"testing"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
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
	var messages [maxRows]eventlog.Message
	for i := range messages {
		row := &events.RowReceived{JobID: 10, Row: events.Row(i + 1), Line: uint64(i + 2)}
		for _, name := range []string{
			"license__license_key", "product__short_code", "customer__email", "customer__first_name",
			"customer__last_name", "customer__company_name", "order__store_id", "license__enabled",
			"license__max_activations", "license__validity_period", "license__license_type", "license__note",
		} {
			column := mustColumn(name)
			row.Values[column] = events.Columns[column].Example
		}
		row.Values[events.ColumnKey] = fmt.Sprintf("%08X-%04d", i*2654435761, i)
		messages[i].Data = events.AppendRow(nil, row, time.Now())
	}
	b.ReportAllocs()
	policy, now := &Policy{}, time.Now()
	var body []byte
	for n := 0; n < b.N; n += maxRows {
		verdicts := make([]Verdict, 0, maxRows)
		for _, message := range messages[:min(maxRows, b.N-n)] {
			row, err := eventlog.DecodeAs[*events.RowReceived](&message)
			if err != nil {
				b.Fatal(err)
			}
			verdicts = append(verdicts, policy.Judge(row))
		}
		for _, outcome := range policy.Outcomes(verdicts, make(Licenses, len(verdicts))) {
			var err error
			if body, err = events.Append(body[:0], outcome, now); err != nil {
				b.Fatal(err)
			}
		}
	}
}

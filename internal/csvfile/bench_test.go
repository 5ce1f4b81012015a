package csvfile

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"testing"
)

// The tables that the benchmarks read: 12 columns, about 130 bytes a row, plain or every value in quotes.
func benchTable(rows int, quote string) []byte {
	var b bytes.Buffer
	b.WriteString("license__license_key,product__short_code,customer__email,customer__first_name,customer__last_name,customer__company_name," +
		"order__store_id,license__enabled,license__max_activations,license__valid_duration,license__license_type,license__note\n")
	for i := range rows {
		for j, v := range []string{fmt.Sprintf("AAAA-BBBB-%08d", i), "psc", fmt.Sprintf("user%d@example.com", i), "Ada", "Lovelace",
			"Analytical Engines", fmt.Sprintf("order-%d", i), "true", "5", "365d", "time-limited", "renewed by phone"} {
			if j > 0 {
				b.WriteByte(',')
			}
			b.WriteString(quote + v + quote)
		}
		b.WriteByte('\n')
	}
	return b.Bytes()
}

const benchRows = 10_000

func BenchmarkReader(b *testing.B) {
	for name, quote := range map[string]string{"plain": "", "quoted": `"`} {
		b.Run(name, func(b *testing.B) { benchReader(b, quote) })
	}
}

func benchReader(b *testing.B, quote string) {
	table := benchTable(benchRows, quote)
	b.SetBytes(int64(len(table)))
	b.ReportAllocs()
	for b.Loop() {
		r := NewReader(bytes.NewReader(table), Options{})
		for {
			row, err := r.Read()
			if err == io.EOF {
				break
			}
			if err != nil || row.Err != nil {
				b.Fatal(err, row.Err)
			}
		}
	}
	b.ReportMetric(float64(b.N*benchRows)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkEncodingCSV(b *testing.B) {
	for name, quote := range map[string]string{"plain": "", "quoted": `"`} {
		b.Run(name, func(b *testing.B) { benchEncodingCSV(b, quote) })
	}
}

func benchEncodingCSV(b *testing.B, quote string) {
	table := benchTable(benchRows, quote)
	b.SetBytes(int64(len(table)))
	b.ReportAllocs()
	for b.Loop() {
		r := csv.NewReader(bytes.NewReader(table))
		r.ReuseRecord = true
		for {
			_, err := r.Read()
			if err == io.EOF {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.N*benchRows)/b.Elapsed().Seconds(), "rows/s")
}

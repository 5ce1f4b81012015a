package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"licenseimport/events"
	"licenseimport/internal/csvfile"
)

func TestBatcherFills(t *testing.T) {
	for name, tt := range map[string]struct {
		sizes []int // of the events added
		want  []int // events in each batch
	}{
		"by count":       {repeatInt(10, 2500), []int{1000, 1000, 500}},
		"by size":        {repeatInt(maxBatchBytes*2/5, 5), []int{2, 2, 1}},
		"exactly full":   {repeatInt(maxBatchBytes/2, 4), []int{2, 2}},
		"oversized":      {[]int{10, maxBatchBytes + 1, 10, 10}, []int{1, 1, 2}},
		"oversized only": {[]int{maxBatchBytes + 1}, []int{1}},
		"nothing":        {nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var got []int
			total := 0
			b := newBatcher(time.Hour, func(bodies [][]byte) error {
				got = append(got, len(bodies))
				for _, body := range bodies {
					if body[0] != byte(total) {
						return fmt.Errorf("event %d is out of order", total)
					}
					total++
				}
				return nil
			})
			for i, size := range tt.sizes {
				if err := b.add(bytes.Repeat([]byte{byte(i)}, size)); err != nil {
					t.Fatal(err)
				}
			}
			if err := b.finish(); err != nil {
				t.Fatal(err)
			}
			if fmt.Sprint(got) != fmt.Sprint(tt.want) || total != len(tt.sizes) {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
}

func repeatInt(n, times int) (list []int) {
	for range times {
		list = append(list, n)
	}
	return list
}

// TestBatcherStopsAtFirstFailure: no batch is stored after one that failed.
func TestBatcherStopsAtFirstFailure(t *testing.T) {
	failure := errors.New("failed")
	stores := 0
	b := newBatcher(time.Millisecond, func([][]byte) error { stores++; return failure })
	var err error
	for i := 0; err == nil && i < 100_000; i++ {
		err = b.add([]byte("event"))
	}
	if err != failure || b.finish() != failure || stores != 1 {
		t.Errorf("%v after %d stores", err, stores)
	}
}

// generated is a CSV of any length, generated while it is read.
type generated struct {
	rows, next int
	rest       []byte
}

func (g *generated) Read(p []byte) (int, error) {
	for len(g.rest) < len(p) && g.next <= g.rows {
		if g.next == 0 {
			g.rest = append(g.rest, "license__license_key,product__short_code,customer__email,customer__first_name,customer__last_name,order__store_id,license__max_activations,license__note\n"...)
		} else {
			g.rest = fmt.Appendf(g.rest, "AAAA-BBBB-CCCC-%08d,psc,customer%d@example.com,Ada,Lovelace,order-%d,3,\"Moved, from the old shop\"\n", g.next, g.next/3, g.next/2)
		}
		g.next++
	}
	if len(g.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, g.rest)
	g.rest = append(g.rest[:0], g.rest[n:]...)
	return n, nil
}

// generatedForm is an upload of the given number of rows, generated while it is sent.
func generatedForm(rows int) io.Reader {
	text := string(form("generated.csv", ""))
	i := strings.Index(text, "\r\n--"+testBoundary+"--")
	return io.MultiReader(strings.NewReader(text[:i]), &generated{rows: rows}, strings.NewReader(text[i:]))
}

// TestMemoryIsFlat: the memory of an upload does not grow with its file. Rows are encoded and
// batched and not stored, because the embedded server's memory is in the same process.
func TestMemoryIsFlat(t *testing.T) {
	peak := func(rows int) uint64 {
		var peakHeap atomic.Uint64
		in, err := openRowParser(csvfile.NewReader(&generated{rows: rows}, csvfile.Options{}),
			options{kind: events.Licenses}, noBase)
		if err != nil {
			t.Fatal(err)
		}
		batches := 0
		b := newBatcher(time.Hour, func([][]byte) error {
			if batches++; batches%10 == 1 {
				runtime.GC()
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				peakHeap.Store(max(peakHeap.Load(), m.HeapAlloc))
			}
			return nil
		})
		u := &upload{source: &fileSource{rowParser: in}}
		for {
			row, err := in.next()
			if err == io.EOF {
				break
			}
			if err != nil || b.add(u.encode(row)) != nil {
				t.Fatal(err)
			}
		}
		if err := b.finish(); err != nil {
			t.Fatal(err)
		}
		return peakHeap.Load()
	}
	small, large := peak(5_000), peak(100_000)
	t.Logf("peak heap: %d KiB with 5,000 rows, %d KiB with 100,000", small>>10, large>>10)
	if large > small+4<<20 {
		t.Error("memory grows with the file")
	}
}

func TestLargeUpload(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	const n = 12_000
	a := h.send("", request{reader: generatedForm(n)})
	if a.status != 200 {
		t.Fatalf("%d %s", a.status, a.text)
	}
	if f := h.state(a.body.JobID); f.Sealed.Rows != n {
		t.Errorf("%+v", f.Sealed)
	}
	if last, _, err := h.log.LastRow(t.Context(), a.body.JobID); err != nil || last.Seq != n {
		t.Errorf("the last row is at %d, %v", last.Seq, err)
	}
}

// BenchmarkUpload is an upload over HTTP that is stored, with fsync.
func BenchmarkUpload(b *testing.B) {
	h := newHarness(b, Config{})
	const n = 100_000
	for b.Loop() {
		if a := h.send("", request{reader: generatedForm(n)}); a.status != 200 {
			b.Fatalf("%d %s", a.status, a.text)
		}
	}
	b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkEncode is an upload without network and streams.
func BenchmarkEncode(b *testing.B) {
	const n = 100_000
	b.ReportAllocs()
	for b.Loop() {
		in, err := openRowParser(csvfile.NewReader(&generated{rows: n}, csvfile.Options{}),
			options{kind: events.Licenses}, noBase)
		if err != nil {
			b.Fatal(err)
		}
		b := newBatcher(time.Hour, func([][]byte) error { return nil })
		u := &upload{source: &fileSource{rowParser: in}}
		for {
			row, err := in.next()
			if err != nil {
				break
			}
			_ = b.add(u.encode(row))
		}
		_ = b.finish()
	}
	b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

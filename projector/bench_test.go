package projector

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"licenseimport/events"
)

// BenchmarkFold folds imports of 200,000 and 1,000,000 licenses with random keys,
// customers (one in two rows is a new one) and orders (one in three has an id of its own), as a
// running projector does it (go test -run=^$ -bench=Fold -benchtime=1x ./projector).
func BenchmarkFold(b *testing.B) {
	for _, n := range []int{200_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			bodies := benchBodies(b, n)
			for b.Loop() {
				began := time.Now()
				path := filepath.Join(b.TempDir(), FileName)
				s, err := openStore(path, false)
				check(b, err)
				benchFold(b, s, bodies)
				b.ReportMetric(float64(len(bodies))/time.Since(began).Seconds(), "events/s")
				check(b, s.close())
				began = time.Now()
				s, err = openStore(path, false)
				check(b, err)
				b.ReportMetric(time.Since(began).Seconds(), "s/verify")
				check(b, s.close())
			}
		})
	}
}

func benchFold(b *testing.B, s *store, bodies [][]byte) {
	facts := make(chan fact, factsInFlow)
	go func() {
		defer close(facts)
		for i, body := range bodies {
			envelope, err := events.Decode(body)
			if err != nil {
				panic(err)
			}
			facts <- fact{Envelope: envelope, seq: events.Seq(i + 1), time: tapeBegins, body: body}
		}
	}()
	p := &Projector{live: map[events.JobID]*job{}, changed: make(chan struct{})}
	f := &folder{projector: p, store: s, jobs: map[events.JobID]*job{}, timer: time.NewTimer(time.Hour)}
	check(b, f.run(facts))
}

// BenchmarkDecode is the part of a fold that any consumer has.
func BenchmarkDecode(b *testing.B) {
	bodies := benchBodies(b, 10_000)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := events.Decode(bodies[i%len(bodies)]); err != nil {
			b.Fatal(err)
		}
	}
}

func benchBodies(b *testing.B, n int) [][]byte {
	random := rand.New(rand.NewPCG(1, 2))
	bodies := make([][]byte, 0, n+n/999+3)
	add := func(e events.Event) {
		body, err := events.Encode(e, tapeBegins)
		check(b, err)
		bodies = append(bodies, body)
	}
	add(started(1, "anna"))
	add(&events.ImportSealed{JobID: 1, Rows: events.Row(n)})
	for row := events.Row(1); int(row) <= n; row++ {
		add(benchLicense(random, row, n))
		if row%999 == 0 {
			add(progressed(1, row, row, 0, 0))
		}
	}
	add(finished(1, events.Row(n), events.Row(n), 0, 0))
	return bodies
}

func benchLicense(random *rand.Rand, row events.Row, n int) *events.LicenseImported {
	store := ""
	if random.IntN(3) == 0 {
		store = fmt.Sprintf("order-%08x", random.Uint32())
	}
	e := imported(1, row, "psc", fmt.Sprintf("%08X-%08X-%08X", random.Uint32(), random.Uint32(), row),
		fmt.Sprintf("customer-%d@example.com", random.IntN(n*7/10)), store)
	e.Customer.LastName, e.Customer.CompanyName = "Lovelace", "Analytical Engines Ltd"
	e.License.ValidityPeriod, e.License.LicenseType, e.License.Note = "2030-12-31", "time-limited", "Moved from the old shop"
	return e
}

package projector

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/projector/viewstore"
)

// BenchmarkFold folds imports of 200,000 and 1,000,000 licenses as a running projector does. Keys are
// random, every second row has a new customer and every third a store id (go test -run=^$ -bench=Fold -benchtime=1x ./projector).
func BenchmarkFold(b *testing.B) {
	for _, n := range []int{200_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			bodies := benchBodies(b, n)
			for b.Loop() {
				began, cpuBegan := time.Now(), cpu()
				dir := b.TempDir()
				s := openViews(b, dir)
				benchFold(b, s, bodies)
				b.ReportMetric(float64(len(bodies))/time.Since(began).Seconds(), "events/s")
				b.ReportMetric(float64(cpu()-cpuBegan)/float64(len(bodies)), "cpu-ns/event")
				check(b, s.Close())
				began = time.Now()
				s = openViews(b, dir)
				b.ReportMetric(time.Since(began).Seconds(), "s/verify")
				began = time.Now()
				check(b, s.Read(func(views *viewstore.Reader) error {
					bound := viewstore.NewBound(func() error { return nil })
					for range ordered[uint64](bound, views.Match(bound, licenseByKey, nil, keyMatches("", "abcd")), true) {
					}
					return bound.Err()
				}))
				b.ReportMetric(time.Since(began).Seconds(), "s/icontains")
				check(b, s.Close())
			}
		})
	}
}

// cpu is the CPU time that this process has used.
func cpu() time.Duration {
	var used syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func benchFold(b *testing.B, s *viewstore.Store, bodies [][]byte) {
	ctx, stop := context.WithCancel(b.Context())
	defer stop()
	stream := follow(ctx, recorded(bodies), 0, events.Seq(len(bodies)), func(events.Seq) {})
	p := &Projector{live: map[events.JobID]*Job{}, changed: make(chan struct{})}
	check(b, newCommitter(p, s).run(stream))
	check(b, stream.wait())
}

// recorded is a stream of bodies that costs nothing to read.
type recorded [][]byte

func (r recorded) State(context.Context) (eventlog.State, error) { return eventlog.State{}, nil }

func (recorded) RedeliverJobs(context.Context) error { return nil }

func (r recorded) MessageAt(context.Context, events.Seq) (m eventlog.Message, found bool, err error) {
	return m, false, nil
}

func (r recorded) LastFact(context.Context, events.JobID) (m eventlog.Message, found bool, err error) {
	return m, false, nil
}

func (r recorded) Fact(context.Context, string) (m eventlog.Message, found bool, err error) {
	return m, false, nil
}

func (r recorded) Follow(_ context.Context, _ events.Seq, _ []string, fn func(eventlog.Message) error) error {
	for i, body := range r {
		if err := fn(eventlog.Message{Seq: events.Seq(i + 1), Time: logBegins, Data: body}); err != nil {
			return err
		}
	}
	return nil
}

// BenchmarkStream folds a real stream of 200,000 licenses and, for comparison, only reads it (go test -run=^$ -bench=Stream -benchtime=1x ./projector).
func BenchmarkStream(b *testing.B) {
	log := newReal(b)
	const n = 200_000
	bodies := benchBodies(b, n)
	batch := make([]events.Event, 0, 1000)
	for _, body := range bodies {
		envelope, err := events.Decode(body)
		check(b, err)
		if batch = append(batch, envelope.Event); strings.HasPrefix(envelope.Event.Subject(), "imports.") {
			log.Add(batch...)
			batch = batch[:0]
		}
	}
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			began, end := time.Now(), errors.New("end")
			err := log.Follow(b.Context(), 0, nil, func(m eventlog.Message) error {
				if int(m.Seq) == len(bodies) {
					return end
				}
				return nil
			})
			if !errors.Is(err, end) {
				b.Fatal(err)
			}
			b.ReportMetric(float64(len(bodies))/time.Since(began).Seconds(), "events/s")
		}
	})
	b.Run("fold", func(b *testing.B) {
		for b.Loop() {
			began := time.Now()
			r := newHarness(b, b.TempDir(), log)
			r.catchUp()
			b.ReportMetric(float64(len(bodies))/time.Since(began).Seconds(), "events/s")
			r.stop()
		}
	})
}

// BenchmarkDecode is the share of a fold that every consumer pays.
func BenchmarkDecode(b *testing.B) {
	bodies := benchBodies(b, 10_000)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := events.Decode(bodies[i%len(bodies)]); err != nil {
			b.Fatal(err)
		}
	}
}

func benchBodies(b testing.TB, n int) [][]byte {
	random := rand.New(rand.NewPCG(1, 2))
	bodies := make([][]byte, 0, n+n/999+4)
	add := func(e events.Event) {
		body, err := events.Encode(e, logBegins)
		check(b, err)
		bodies = append(bodies, body)
	}
	add(started(1, "anna"))
	add(&events.ImportSealed{JobID: 1, Rows: events.Row(n)})
	add(progressed(1, 0, 0, 0, 0))
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

// BenchmarkLicense reads single licenses in random order.
func BenchmarkLicense(b *testing.B) {
	s := openViews(b, b.TempDir())
	const n = 20_000
	benchFold(b, s, benchBodies(b, n))
	check(b, s.Read(func(views *viewstore.Reader) error {
		r := &Reader{views: views}
		for b.Loop() {
			if _, err := r.License(events.Seq(3 + rand.IntN(n))); err != nil {
				return err
			}
		}
		return nil
	}))
	check(b, s.Close())
}

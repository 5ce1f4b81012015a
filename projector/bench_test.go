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
			stream := benchImport(b, n)
			for b.Loop() {
				began, cpuBegan := time.Now(), cpu()
				dir := b.TempDir()
				s := openViews(b, dir)
				benchFold(b, s, stream)
				b.ReportMetric(float64(len(stream))/time.Since(began).Seconds(), "events/s")
				b.ReportMetric(float64(cpu()-cpuBegan)/float64(len(stream)), "cpu-ns/event")
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
				for _, search := range []string{"lovelace", "customer-123", "engines abcd", "zzzz"} {
					benchSearch(b, s, search)
				}
				check(b, s.Close())
			}
		})
	}
}

// benchSearch searches, without and with a sort.
func benchSearch(b *testing.B, s *viewstore.Store, search string) {
	for _, sorted := range []bool{false, true} {
		name := "s/search-" + strings.ReplaceAll(search, " ", "-")
		began := time.Now()
		check(b, s.Read(readAll(func(r *Reader) {
			q := &LicenseQuery{Words: SearchWords(search)}
			var err error
			if sorted {
				name += "-sorted"
				_, _, err = r.SortedLicenses(q, SortByEmail, true, 20)
			} else {
				_, _, err = r.Licenses(q, true)
			}
			check(b, err)
		})))
		b.ReportMetric(time.Since(began).Seconds(), name)
	}
}

// BenchmarkFoldChanges folds, after an import of 200,000 licenses, an import that updates each of them,
// its undo, and the undo of the first (go test -run=^$ -bench=FoldChanges -benchtime=1x ./projector).
func BenchmarkFoldChanges(b *testing.B) {
	const n = 200_000
	for b.Loop() {
		all := benchImport(b, n)
		s := openViews(b, b.TempDir())
		benchFold(b, s, all)
		for _, step := range []struct {
			name string
			add  func(*recorded)
		}{
			{"update", func(r *recorded) { r.updateAll(b, n) }},
			{"restore", func(r *recorded) { r.undo(b, 2, false) }},
			{"revoke", func(r *recorded) { r.undo(b, 1, true) }},
		} {
			before := len(all)
			step.add(&all)
			began, cpuBegan := time.Now(), cpu()
			benchFold(b, s, all)
			b.ReportMetric(float64(n)/time.Since(began).Seconds(), step.name+"s/s")
			b.ReportMetric(float64(cpu()-cpuBegan)/float64(len(all)-before), "cpu-ns/"+step.name)
		}
		check(b, s.Read(readAll(func(r *Reader) {
			began := time.Now()
			ids, _, err := r.Licenses(&LicenseQuery{}, true)
			check(b, err)
			for range ids {
				b.Error("a license is left")
			}
			b.ReportMetric(time.Since(began).Seconds(), "s/list")
			if left := r.count(countLicenses) + r.count(countCustomers) + r.count(countOrders); left != 0 {
				b.Errorf("%d are left", left)
			}
		})))
		check(b, s.Close())
	}
}

// BenchmarkFoldUndo folds an import of 400,000 licenses and its undo
// (go test -run=^$ -bench=FoldUndo -benchtime=1x ./projector). The more licenses, the more partitions.
func BenchmarkFoldUndo(b *testing.B) {
	const n = 400_000
	for b.Loop() {
		all := benchImport(b, n)
		s := openViews(b, b.TempDir())
		benchFold(b, s, all)
		before := len(all)
		all.undo(b, 1, true)
		began, cpuBegan := time.Now(), cpu()
		benchFold(b, s, all)
		b.ReportMetric(float64(len(all)-before)/time.Since(began).Seconds(), "revoked/s")
		b.ReportMetric(float64(cpu()-cpuBegan)/float64(len(all)-before), "cpu-ns/revoked")
		check(b, s.Close())
	}
}

// updateAll is an import that changes each license of the first.
func (r *recorded) updateAll(b testing.TB, n int) {
	r.add(b, started(2, "anna"))
	r.add(b, sealed(2, events.Row(n)))
	r.add(b, progressed(2, 0, 0, 0, 0))
	row := events.Row(0)
	for _, m := range *r {
		made, ok := must(b, m).(*events.LicenseImported)
		if !ok {
			continue
		}
		row++
		e := updatedTo(made, 2, row, m.Seq, made.Customer.Email, made.Order.StoreID)
		e.License.Note = "Moved from the older shop"
		r.add(b, e)
		if row%999 == 0 {
			r.add(b, progressed(2, row, 0, 0, 0))
		}
	}
	r.add(b, finished(2, row, 0, 0, 0))
}

// undo takes an import back.
func (r *recorded) undo(b testing.TB, job events.JobID, revoke bool) {
	r.add(b, &events.UndoStarted{JobID: job, Manager: "anna"})
	last := map[string]events.Seq{}
	for _, m := range *r {
		last[m.Subject] = m.Seq
	}
	for i, m := range (*r)[:len(*r)] {
		switch e := must(b, m).(type) {
		case *events.LicenseImported:
			if revoke && e.JobID == job {
				r.add(b, &events.LicenseRevoked{JobID: job, Row: e.Row, LicenseKey: e.License.Key, Product: e.Product,
					Manager: "anna", Previous: last[m.Subject]})
			}
		case *events.LicenseUpdated:
			if !revoke && e.JobID == job {
				r.add(b, &events.LicenseRestored{JobID: job, Row: e.Row, License: e.License, Product: e.Product, Customer: e.Customer,
					Order: e.Order, Changed: e.Changed, Previous: last[m.Subject], Restores: e.Previous, By: e.By, Manager: "anna"})
			}
		}
		if i%999 == 0 {
			r.add(b, &events.UndoProgressed{JobID: job, Position: m.Seq})
		}
	}
	r.add(b, &events.UndoFinished{JobID: job})
}

func must(b testing.TB, m eventlog.Message) events.Event {
	envelope, err := events.Decode(m.Data)
	check(b, err)
	return envelope.Event
}

// cpu is the CPU time that this process has used.
func cpu() time.Duration {
	var used syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func benchFold(b testing.TB, s *viewstore.Store, all recorded) {
	ctx, stop := context.WithCancel(b.Context())
	defer stop()
	stream := follow(ctx, all, events.Seq(s.Position().Seq), all[len(all)-1].Seq, func(events.Seq) {})
	p := &Projector{live: map[events.JobID]*Job{}, changed: make(chan struct{})}
	check(b, newCommitter(p, s).run(stream))
	check(b, stream.wait())
}

// recorded is a stream that costs nothing to read.
type recorded []eventlog.Message

func (r *recorded) add(b testing.TB, e events.Event) events.Seq {
	body, err := events.Encode(e, logBegins)
	check(b, err)
	seq := events.Seq(len(*r) + 1)
	*r = append(*r, eventlog.Message{Seq: seq, Subject: e.Subject(), Time: logBegins, Data: body})
	return seq
}

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

func (r recorded) Follow(_ context.Context, after events.Seq, _ []string, fn func(eventlog.Message) error) error {
	for _, m := range r[after:] {
		if err := fn(m); err != nil {
			return err
		}
	}
	return nil
}

// BenchmarkStream folds a real stream of 200,000 licenses and, for comparison, only reads it (go test -run=^$ -bench=Stream -benchtime=1x ./projector).
func BenchmarkStream(b *testing.B) {
	log := newReal(b)
	const n = 200_000
	all := benchImport(b, n)
	batch := make([]events.Event, 0, 1000)
	for _, m := range all {
		envelope, err := events.Decode(m.Data)
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
				if int(m.Seq) == len(all) {
					return end
				}
				return nil
			})
			if !errors.Is(err, end) {
				b.Fatal(err)
			}
			b.ReportMetric(float64(len(all))/time.Since(began).Seconds(), "events/s")
		}
	})
	b.Run("fold", func(b *testing.B) {
		for b.Loop() {
			began := time.Now()
			r := newHarness(b, b.TempDir(), log)
			r.catchUp()
			b.ReportMetric(float64(len(all))/time.Since(began).Seconds(), "events/s")
			r.stop()
		}
	})
}

// BenchmarkDecode is the share of a fold that every consumer pays.
func BenchmarkDecode(b *testing.B) {
	all := benchImport(b, 10_000)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := events.Decode(all[i%len(all)].Data); err != nil {
			b.Fatal(err)
		}
	}
}

// benchImport is an import of n licenses.
func benchImport(b testing.TB, n int) (all recorded) {
	random := rand.New(rand.NewPCG(1, 2))
	all.add(b, started(1, "anna"))
	all.add(b, sealed(1, events.Row(n)))
	all.add(b, progressed(1, 0, 0, 0, 0))
	for row := events.Row(1); int(row) <= n; row++ {
		all.add(b, benchLicense(random, row, n))
		if row%999 == 0 {
			all.add(b, progressed(1, row, row, 0, 0))
		}
	}
	all.add(b, finished(1, events.Row(n), events.Row(n), 0, 0))
	return all
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
	benchFold(b, s, benchImport(b, n))
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

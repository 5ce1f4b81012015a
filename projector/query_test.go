package projector

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"licenseimport/events"
	"licenseimport/projector/viewstore"
)

// TestPartitionedIndexes: names of several partitions are found, by readers and by folding, also after
// a restart.
func TestPartitionedIndexes(t *testing.T) {
	dir := t.TempDir()
	s := openViews(t, dir)
	l := newBatchWriter(s, maxBatchEvents)
	random := rand.New(rand.NewPCG(3, 4))
	keys, ofCustomer, ofOrder := map[string]viewstore.SliceList{}, map[string]viewstore.SliceList{}, map[string]viewstore.SliceList{}
	seq := events.Seq(1)
	add := func(e events.Event) {
		check(t, l.apply(fact{Envelope: events.Envelope{Event: e, Type: e.Type()}, seq: seq, time: logBegins}))
		seq++
	}
	add(started(1, "anna"))
	add(sealed(1, 300))
	add(progressed(1, 0, 0, 0, 0))
	for n := range 300 {
		if random.IntN(20) == 0 {
			seq += events.Seq(random.IntN(3 << 17)) // some partitions have no license
		}
		key, email, store := fmt.Sprintf("Key-%03d", random.IntN(100)), fmt.Sprintf("c%d@example.com", random.IntN(10)), fmt.Sprint("o", random.IntN(10))
		keys[key] = append(keys[key], uint64(seq))
		ofCustomer[email] = append(ofCustomer[email], uint64(seq))
		ofOrder[store] = append(ofOrder[store], uint64(seq))
		add(imported(1, events.Row(n+1), fmt.Sprint("p", n), key, email, store))
		switch random.IntN(60) {
		case 0, 1:
			check(t, l.flush())
		case 2: // a restart
			check(t, l.finish())
			check(t, s.Close())
			s = openViews(t, dir)
			l = newBatchWriter(s, maxBatchEvents)
		}
	}
	check(t, l.finish())
	check(t, s.Verify())
	check(t, s.Read(func(views *viewstore.Reader) error {
		r, limit := &Reader{views}, time.Now().Add(time.Hour)
		compareKeys(t, r, keys, limit)
		for email, want := range ofCustomer {
			got, err := r.licensesOf(customerByEmail, email, customerLicenses, limit)
			check(t, err)
			compareLists(t, email, got, want)
		}
		for store, want := range ofOrder {
			got, err := r.licensesOf(orderByStore, store, orderLicenses, limit)
			check(t, err)
			compareLists(t, store, got, want)
		}
		return nil
	}))
	check(t, s.Close())
}

func compareLists(t *testing.T, name string, got, want viewstore.SliceList) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %d, want %d", name, got, want)
	}
}

func compareKeys(t *testing.T, r *Reader, all map[string]viewstore.SliceList, limit time.Time) {
	t.Helper()
	for key, want := range all {
		got, err := r.inSlot(licenseByKey, []byte(key), 0, viewstore.TextPrefix(key), limit)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %d found, %v; want %d", key, len(got), err, len(want))
		}
	}
	for _, test := range []struct {
		prefix, contains string
	}{{"Key-042", ""}, {"Key-01", ""}, {"Key-", "9"}, {"", "KEY-1"}, {"", "none"}, {"", "\x00"}} {
		var want viewstore.SliceList
		for key, seqs := range all {
			if strings.HasPrefix(key, test.prefix) && strings.Contains(strings.ToLower(key), strings.ToLower(test.contains)) {
				want = append(want, seqs...)
			}
		}
		slices.Sort(want)
		got, err := r.scan(licenseByKey, keyMatches(test.prefix, test.contains), limit)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q, %q: %d found, %v; want %d", test.prefix, test.contains, len(got), err, len(want))
		}
	}
}

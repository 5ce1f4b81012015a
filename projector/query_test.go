package projector

import (
	"context"
	"errors"
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
		r := &Reader{views, viewstore.NewBound(func() error { return nil })}
		compareKeys(t, r, keys)
		for email, want := range ofCustomer {
			got, err := r.licensesNaming(customerKind, email)
			check(t, err)
			compareLists(t, email, members(got), want)
		}
		for store, want := range ofOrder {
			got, err := r.licensesNaming(orderKind, store)
			check(t, err)
			compareLists(t, store, members(got), want)
		}
		return nil
	}))
	check(t, s.Close())
}

// members are those of a set, oldest first. Newest first they must be the same.
func members(set viewstore.Postings) (list viewstore.SliceList) {
	list = slices.AppendSeq(list, ordered[uint64](nil, set, false))
	descending := slices.Collect(ordered[uint64](nil, set, true))
	if slices.Reverse(descending); !slices.Equal(descending, list) {
		return nil
	}
	return list
}

func compareLists(t *testing.T, name string, got, want viewstore.SliceList) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %d, want %d", name, got, want)
	}
}

func compareKeys(t *testing.T, r *Reader, all map[string]viewstore.SliceList) {
	t.Helper()
	for key, want := range all {
		compareLists(t, key, members(r.inSlot(licenseByKey, []byte(key), viewstore.TextPrefix(key))), want)
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
		got := r.views.Match(r.bound, licenseByKey, nil, keyMatches(test.prefix, test.contains))
		compareLists(t, test.prefix+" "+test.contains, members(got), want)
	}
}

// TestReadLimit: a read ends at its deadline and with its context.
func TestReadLimit(t *testing.T) {
	ended, end := context.WithCancel(t.Context())
	end()
	now := time.Now()
	for name, test := range map[string]struct{ got, want error }{
		"in time":          {readLimit(t.Context(), now.Add(time.Hour))(), nil},
		"at the deadline":  {readLimit(t.Context(), now.Add(-time.Hour))(), ErrTooBroad},
		"without a client": {readLimit(ended, now.Add(time.Hour))(), context.Canceled},
	} {
		if !errors.Is(test.got, test.want) {
			t.Errorf("%s: %v, want %v", name, test.got, test.want)
		}
	}
	r := newHarness(t, t.TempDir(), newMemLog())
	read := func(*Reader) error { t.Error("read without a client"); return nil }
	if err := r.Read(ended, read); !errors.Is(err, context.Canceled) {
		t.Errorf("Read: %v", err)
	}
}

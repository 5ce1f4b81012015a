package projector

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"licenseimport/events"
	"licenseimport/projector/viewstore"
)

// TestChangingLicenses compares the views after random histories of imports, updates and undos with what
// the histories say: at several points, with other transaction boundaries, restarts and a rebuild. The
// digests are the same.
func TestChangingLicenses(t *testing.T) {
	defer func(n int) { maxMemberCounts = n }(maxMemberCounts)
	maxMemberCounts = 2 // so that most are counted again
	for seed := range uint64(6) {
		s := newStory(seed)
		dir := t.TempDir()
		l := newBatchWriter(openViews(t, dir), 40)
		folded := 0
		random := rand.New(rand.NewPCG(seed, 13))
		for range 5 {
			s.tell(150)
			log := newMemLog(s.all...)
			for _, m := range log.Messages[folded:] {
				check(t, l.apply(decoded(t, m)))
				if random.IntN(30) == 0 || l.full() {
					check(t, l.flush())
				}
				if random.IntN(300) == 0 { // a restart
					check(t, l.finish())
					check(t, l.store.Close())
					l = newBatchWriter(openViews(t, dir), 40)
				}
			}
			folded = len(s.all)
			check(t, l.finish())
			check(t, l.store.Verify())
			s.compare(t, l.store)
			if t.Failed() {
				t.Fatalf("seed %d, after %d events", seed, folded)
			}
		}
		digest, err := l.store.Digest()
		check(t, err)
		check(t, l.store.Close())

		log := newMemLog(s.all...)
		result, err := Rebuild(t.Context(), log, dir, nil)
		check(t, err)
		if result.Digest != digest {
			t.Errorf("seed %d: digest %s after a rebuild, %s before", seed, result.Digest, digest)
		}
		store := openViews(t, dir)
		s.compare(t, store)
		check(t, store.Close())
		pieces := t.TempDir()
		foldInPieces(t, pieces, log, rand.New(rand.NewPCG(seed, 14)))
		store = openViews(t, pieces)
		if got, err := store.Digest(); got != digest || err != nil {
			t.Errorf("seed %d: digest %s in pieces, want %s, %v", seed, got, digest, err)
		}
		check(t, store.Close())
	}
}

// compare compares all that can be read with the story.
func (s *story) compare(t *testing.T, store *viewstore.Store) {
	t.Helper()
	check(t, store.ReadAll(func(views *viewstore.Reader) error {
		r := &Reader{views, viewstore.NewBound(func() error { return nil })}
		s.compareLists(t, r)
		s.compareLicenses(t, r)
		for _, j := range s.jobs {
			s.compareJob(t, r, j)
		}
		return r.bound.Err()
	}))
}

func (s *story) compareLists(t *testing.T, r *Reader) {
	t.Helper()
	expect := func(what string, q LicenseQuery, fits func(l *storyLicense) bool) {
		t.Helper()
		want := s.existing(fits)
		ids, n, err := r.Licenses(&q, false)
		check(t, err)
		if got := slices.Collect(ids); !slices.Equal(got, want) || n != CountUnknown && n != len(want) {
			t.Errorf("licenses %s: %d (%d), want %d", what, got, n, want)
		}
		ids, _, err = r.Licenses(&q, true)
		check(t, err)
		got := slices.Collect(ids)
		if slices.Reverse(got); !slices.Equal(got, want) {
			t.Errorf("licenses %s, newest first: %d, want %d", what, got, want)
		}
	}
	expect("all", LicenseQuery{}, func(*storyLicense) bool { return true })
	for _, on := range []bool{true, false} {
		expect(fmt.Sprint("enabled ", on), LicenseQuery{Enabled: &on}, func(l *storyLicense) bool { return *l.now.license.Enabled == on })
	}
	for _, product := range []string{"a", "ab", "ü", "none"} {
		expect(product, LicenseQuery{Products: []string{product}}, func(l *storyLicense) bool { return l.now.product.ShortCode == product })
	}
	for i := range 12 {
		email, store := fmt.Sprintf("Ada%d@example.com", i), fmt.Sprint("order-", i)
		ofEmail := func(l *storyLicense) bool { return l.now.emailKey() == events.EmailKey(email) }
		ofStore := func(l *storyLicense) bool { return l.now.order.StoreID == store }
		expect(email, LicenseQuery{Email: email}, ofEmail)
		expect("containing "+email, LicenseQuery{EmailContains: email[1:]}, func(l *storyLicense) bool {
			return strings.Contains(l.now.emailKey(), strings.ToLower(email[1:]))
		})
		expect(store, LicenseQuery{StoreID: store}, ofStore)
		expect("beginning "+store, LicenseQuery{StoreIDPrefix: store}, func(l *storyLicense) bool { return strings.HasPrefix(l.now.order.StoreID, store) })
		if ids := s.existing(ofEmail); len(ids) > 0 {
			expect("of the customer "+email, LicenseQuery{Customer: s.licenses[ids[0]].customer}, ofEmail)
		}
	}
	expect("by prefix", LicenseQuery{KeyPrefix: "Key-01"}, func(l *storyLicense) bool { return strings.HasPrefix(l.key, "Key-01") })
	expect("by text", LicenseQuery{KeyContains: "5"}, func(l *storyLicense) bool { return strings.Contains(l.key, "5") })
	expect("by key", LicenseQuery{Key: "Key-007"}, func(l *storyLicense) bool { return l.key == "Key-007" })
	expect("by id", LicenseQuery{IDs: s.order}, func(*storyLicense) bool { return true })
	expect("by note", LicenseQuery{Matches: func(l *License) bool { return strings.Contains(l.Event.License.Note, "7") }},
		func(l *storyLicense) bool { return strings.Contains(l.now.license.Note, "7") })
	s.compareParties(t, r)
	s.compareSearch(t, r)
}

func (s *story) compareParties(t *testing.T, r *Reader) {
	t.Helper()
	want := s.parties(func(l *storyLicense) events.Seq { return l.customer })
	ids, n, err := r.Customers(CustomerQuery{}, false)
	check(t, err)
	if got := slices.Collect(ids); !slices.Equal(got, want) || n != len(want) {
		t.Errorf("customers %d (%d), want %d", got, n, want)
	}
	for _, id := range want {
		s.compareCreator(t, id, r.existingCreator)
	}
	want = s.parties(func(l *storyLicense) events.Seq { return l.party })
	ids, n, err = r.Orders(OrderQuery{}, false)
	check(t, err)
	if got := slices.Collect(ids); !slices.Equal(got, want) || n != len(want) {
		t.Errorf("orders %d (%d), want %d", got, n, want)
	}
	for _, id := range want {
		s.compareCreator(t, id, r.OrderCreator)
	}
	for i := range 12 {
		name := fmt.Sprintf("ada%d@example.com", i)
		if _, n, err = r.Customers(CustomerQuery{Email: name}, false); err != nil || n > 1 {
			t.Errorf("%s: %d customers, %v", name, n, err)
		}
	}
}

// existingCreator is the license that made a customer, as the event left it.
func (r *Reader) existingCreator(id events.Seq) (*License, error) {
	c, err := r.Customer(id)
	if c == nil || err != nil {
		return nil, err
	}
	return c.Made, nil
}

// compareCreator: what is shown of a customer or order is what the event says that made it.
func (s *story) compareCreator(t *testing.T, id events.Seq, read func(events.Seq) (*License, error)) {
	t.Helper()
	got, err := read(id)
	if got == nil || err != nil {
		t.Errorf("party %d: %v, %v", id, got, err)
		return
	}
	want, _ := stateAfter(s.event(id))
	if !reflect.DeepEqual(got.Event.Customer, want.customer) || !reflect.DeepEqual(got.Event.Order, want.order) || got.Event.JobID != s.event(id).Job() || got.Seq != id {
		t.Errorf("party %d: %+v, want %+v", id, got.Event, want)
	}
}

func (s *story) compareLicenses(t *testing.T, r *Reader) {
	t.Helper()
	for id, want := range s.licenses {
		history, err := r.History(id)
		if !slices.Equal(history, want.facts) || err != nil {
			t.Errorf("license %d: history %d, want %d, %v", id, history, want.facts, err)
		}
		for _, seq := range history {
			if f, err := r.Fact(seq); err != nil || !reflect.DeepEqual(f.Event, s.event(seq)) {
				t.Errorf("event %d: %+v, %v", seq, f, err)
			}
		}
		got, err := r.License(id)
		check(t, err)
		last := want.last()
		if want.gone {
			if got != nil {
				t.Errorf("license %d is gone, and found", id)
			}
			last = want.facts[len(want.facts)-2]
			got, err = r.GoneLicense(id)
			check(t, err)
		} else if l, err := r.GoneLicense(id); l != nil || err != nil {
			t.Errorf("license %d is gone: %v", id, err)
		}
		if got == nil {
			t.Errorf("license %d is not found", id)
			continue
		}
		now := state{got.Event.License, got.Event.Product, got.Event.Customer, got.Event.Order, events.Origin{JobID: got.Event.JobID, Row: got.Event.Row}}
		if !reflect.DeepEqual(now, want.now) || got.Customer != want.customer || got.Order != want.party || got.Last != last || got.Seq != id {
			t.Errorf("license %d: %+v, want %+v", id, got, want)
		}
	}
	if l, err := r.GoneLicense(1); l != nil || err != nil {
		t.Errorf("an id that is no license's: %v, %v", l, err)
	}
}

func (s *story) compareJob(t *testing.T, r *Reader, want *storyJob) {
	t.Helper()
	j, err := r.Job(want.id)
	check(t, err)
	id := want.id
	made := s.existing(func(l *storyLicense) bool { return l.now.by.JobID == id })
	ids, _, err := r.Licenses(&LicenseQuery{Job: id}, false)
	check(t, err)
	if got := slices.Collect(ids); !slices.Equal(got, made) {
		t.Errorf("import %d: licenses %d, want %d", id, got, made)
	}
	compareRows(t, id, "updated", slices.Collect(r.UpdatedRows(j, 0)), want.updates)
	compareRows(t, id, "kept", slices.Collect(r.KeptRows(id, 0)), sorted(want.kept))
	compareRows(t, id, "warned", slices.Collect(r.WarnedRows(id, 0)), want.warned)
	compareRows(t, id, "warned with a code", slices.Collect(r.RowsWarnedWith(id, events.NumberLike, 0)), want.warned)
	for _, from := range []events.Row{0, 1, 2, want.row / 2, want.row, want.row + 1} {
		rest := want.decided
		for len(rest) > 0 && rest[0].Row < from {
			rest = rest[1:]
		}
		got := []decidedRow{}
		for row, err := range r.DecidedRows(j, from) {
			check(t, err)
			got = append(got, decidedRow{row.Row, row.Line, row.Identity[0], row.Product, row.ID, row.Outcome})
		}
		if !slices.Equal(got, rest) {
			t.Errorf("import %d, rows from %d: %+v, want %+v", id, from, got, rest)
		}
	}
	for _, row := range want.updates {
		u, err := r.UpdatedRow(j, row)
		check(t, err)
		if i := slices.IndexFunc(want.decided,
			func(d decidedRow) bool { return d.Row == row }); want.decided[i].License != u.ID || len(u.Changed) != 1 {
			t.Errorf("import %d, row %d: %+v", id, row, u)
		}
	}
	for _, row := range want.warned {
		if w, err := r.WarnedRow(id, row); err != nil || w.Row != row || len(w.Warnings) != 2 {
			t.Errorf("import %d, row %d: %+v, %v", id, row, w, err)
		}
	}
	c := j.Next
	if got, wanted := [...]uint64{c.Created, c.Updated, c.Existed, c.CreatedCustomers, c.ExistedCustomers, c.CreatedOrders,
		c.ExistedOrders, c.WarningCodes[events.NotATrial]}, [...]uint64{uint64(want.counts.Imported), uint64(want.counts.Updated), uint64(want.counts.Existed),
		want.customersMade, want.customersFound, want.ordersMade, want.ordersFound, uint64(len(want.warned))}; got != wanted {
		t.Errorf("import %d: counts %d, want %d", id, got, wanted)
	}
	if !want.undoing && !want.undone {
		if got, wanted := r.UndoPreview(j), s.preview(id); got != wanted {
			t.Errorf("import %d: an undo would be %+v, want %+v", id, got, wanted)
		}
	}
	if (j.Undo != nil) != (want.undoing || want.undone) || want.undone != (j.Undo != nil && j.Settled()) {
		t.Errorf("import %d: undo %+v", id, j.Undo)
	}
	if want.undone && (j.Undo.UndoCounts != want.undoCounts || j.UndoProgress() != 1) {
		t.Errorf("import %d: undone %+v, want %+v", id, j.Undo, want.undoCounts)
	}
	if want.ended && (j.Begins != want.begins || j.Ends != want.ends) {
		t.Errorf("import %d is from %d to %d, want %d and %d", id, j.Begins, j.Ends, want.begins, want.ends)
	}
}

func sorted(rows []events.Row) []events.Row {
	rows = slices.Clone(rows)
	slices.Sort(rows)
	return rows
}

func compareRows(t *testing.T, id events.JobID, what string, got, want []events.Row) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("import %d: %s rows %d, want %d", id, what, got, want)
	}
}

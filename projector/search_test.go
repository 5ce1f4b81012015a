package projector

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"licenseimport/events"
	"licenseimport/projector/viewstore"
)

// shownTo are the texts that one who sees some products is shown of a license, in lower case. The customer is as
// the row says that made it, where that is of such a product.
func (s *story) shownTo(l *storyLicense, sees func(string) bool) []string {
	texts := []string{l.key, l.now.product.ShortCode, l.now.order.StoreID}
	if l.customer != 0 {
		said := l.now
		if maker, _ := stateAfter(s.event(l.customer)); sees(maker.product.ShortCode) {
			said = maker
		}
		texts = append(texts, said.customer.Email, said.customer.FirstName, said.customer.CompanyName)
	}
	for i := range texts {
		texts[i] = strings.ToLower(texts[i])
	}
	return texts
}

// compareSearch compares searches and sorted lists with the story, of one who sees all and one who does not.
func (s *story) compareSearch(t *testing.T, r *Reader) {
	t.Helper()
	everything := func(string) bool { return true }
	searches := []string{"key-0", "KEY-01", "ü", "a", "order-1", "ada1@EXAMPLE.com", "row", "of", "nothing", "row order-2",
		"ada key-00 ab", "\x01"}
	for i := 0; i < len(s.all); i += 401 {
		searches = append(searches, fmt.Sprint("Row ", i), fmt.Sprint(i))
	}
	for _, search := range searches {
		for _, products := range [][]string{nil, {"a"}, {"ab", "ü"}} {
			q := LicenseQuery{Words: SearchWords(search), Products: products}
			sees := everything
			if products != nil {
				sees = func(code string) bool { return slices.Contains(products, code) }
				q.SeesProduct = sees
			}
			want := s.existing(func(l *storyLicense) bool {
				texts := s.shownTo(l, sees)
				return sees(l.now.product.ShortCode) && !slices.ContainsFunc(q.Words, func(word []byte) bool {
					return !slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(text, string(word)) })
				})
			})
			ids, n, err := r.Licenses(&q, false)
			check(t, err)
			if got := slices.Collect(ids); !slices.Equal(got, want) || n != CountUnknown && n != len(want) {
				t.Errorf("search %q in %q: %d (%d), want %d", search, products, got, n, want)
			}
		}
	}
	s.compareSorted(t, r, &LicenseQuery{}, s.existing(func(*storyLicense) bool { return true }))
	s.compareSorted(t, r, &LicenseQuery{Words: SearchWords("ü")},
		s.existing(func(l *storyLicense) bool { return l.now.product.ShortCode == "ü" }))
}

func (s *story) compareSorted(t *testing.T, r *Reader, q *LicenseQuery, selected []events.Seq) {
	t.Helper()
	for by, text := range map[SortColumn]func(*storyLicense) string{
		SortByKey:     func(l *storyLicense) string { return l.key },
		SortByProduct: func(l *storyLicense) string { return l.now.product.ShortCode },
		SortByEmail:   func(l *storyLicense) string { return l.now.emailKey() },
		SortByStoreID: func(l *storyLicense) string { return l.now.order.StoreID },
	} {
		of := func(id events.Seq) string { return strings.ToLower(text(s.licenses[id])) }
		want := slices.Clone(selected)
		slices.SortStableFunc(want, func(a, b events.Seq) int { return strings.Compare(of(a), of(b)) })
		for _, desc := range []bool{false, true} {
			if desc {
				slices.Reverse(want)
			}
			// Those without a text are last in both orders.
			bare := slices.IndexFunc(want, func(id events.Seq) bool { return of(id) == "" })
			want := slices.Clone(want)
			if bare >= 0 {
				with := slices.DeleteFunc(slices.Clone(want), func(id events.Seq) bool { return of(id) == "" })
				want = append(with, slices.DeleteFunc(want, func(id events.Seq) bool { return of(id) != "" })...)
			}
			first := 1 + s.random.IntN(20)
			got, n, err := r.SortedLicenses(q, by, desc, first)
			check(t, err)
			if !slices.Equal(got, want[:min(first, len(want))]) || n != len(selected) {
				t.Fatalf("the first %d sorted by %d, %t: %d of %d, want %d", first, by, desc, got, n, want)
			}
		}
	}
}

// TestSearchTextRoundTrip: what is written of a license is read again, and numbers before the texts are no text.
func TestSearchTextRoundTrip(t *testing.T) {
	s := openViews(t, t.TempDir())
	l := newBatchWriter(s, 40)
	log := newMemLog(started(1, "anna"), sealed(1, 300), progressed(1, 0, 0, 0, 0))
	for row := events.Row(1); row <= 300; row++ { // their distances to the customer are every byte
		e := imported(1, row, "psc", fmt.Sprintf("Ключ-%d", row), "Ä@example.com", "Order")
		e.Product.Name, e.Customer.FirstName, e.Customer.LastName, e.Customer.CompanyName = "Photo\x00Pro", "", "Łoś", "İstanbul"
		log.Add(e)
	}
	for _, m := range log.Messages {
		check(t, l.apply(decoded(t, m)))
	}
	check(t, l.finish())
	check(t, s.ReadAll(func(views *viewstore.Reader) error {
		r := &Reader{views, viewstore.NewBound(func() error { return nil })}
		for row := events.Row(1); row <= 300; row++ {
			id := events.Seq(3 + row)
			value, err := views.Get(allSearchTexts, uint64(id))
			check(t, err)
			customer, texts, _ := bytes.Cut(value, nul)
			want := fmt.Sprintf("ключ-%d\x00psc\x00photo pro\x00ä@example.com\x00order\x00łoś\x00istanbul\x00", row)
			if string(texts) != want || customerID(customer, id) != 4 {
				t.Fatalf("row %d: customer %d, %q, want 4, %q", row, customerID(customer, id), texts, want)
			}
		}
		for search, want := range map[string]int{"КЛЮЧ-30": 2, "photo psc": 300, "ŁOŚ": 300, "łośi": 0, "A": 300, "w": 0,
			"z": 0, "~": 0, "!": 0, "q": 0, "łoś ключ-299": 1} {
			_, n, err := r.Licenses(&LicenseQuery{Words: SearchWords(search)}, true)
			check(t, err)
			if n != want {
				t.Errorf("%q finds %d, want %d", search, n, want)
			}
		}
		return r.bound.Err()
	}))
	check(t, s.Close())
}

// TestSearchStopsAtItsBound: a search ends early when its request does, and says so.
func TestSearchStopsAtItsBound(t *testing.T) {
	s := openViews(t, t.TempDir())
	benchFold(t, s, benchImport(t, 70_000))
	check(t, s.Read(func(views *viewstore.Reader) error {
		r := &Reader{views, viewstore.NewBound(func() error { return ErrTooBroad })}
		if _, _, err := r.Licenses(&LicenseQuery{Words: SearchWords("lovelace")}, true); err != ErrTooBroad {
			t.Errorf("the search ended with %v", err)
		}
		return nil
	}))
	check(t, s.Close())
}

package projector

import (
	"slices"
	"strings"
	"testing"

	"licenseimport/events"
)

// TestEmailsDifferInAllButASCIICase: only the case of A to Z does not count, so two people never
// become one customer. Folding and reading use the same rule.
func TestEmailsDifferInAllButASCIICase(t *testing.T) {
	emails := []string{
		"kim@example.com", "KIM@Example.COM", // one customer
		"\u212aim@example.com", // KELVIN SIGN, whose Unicode lower case is k
		"Émile@example.com", "émile@example.com", "I\u0307@example.com", "\u0130@example.com",
	}
	all := []events.Event{started(1, "anna"), sealed(1, 9), progressed(1, 0, 0, 0, 0)}
	for i, email := range emails {
		all = append(all, imported(1, events.Row(i+1), "psc", string(rune('A'+i)), email, ""))
	}
	// A row whose license exists counts its customer by the same rule: this one does not exist.
	all = append(all, &events.LicenseExisted{JobID: 1, Row: 8, LicenseKey: "A", Product: events.Product{ShortCode: "psc"},
		By: events.Origin{JobID: 1, Row: 1}, Customer: &events.Customer{Email: "\u212aIM@example.com"}},
		&events.LicenseExisted{JobID: 1, Row: 9, LicenseKey: "A", Product: events.Product{ShortCode: "psc"},
			By: events.Origin{JobID: 1, Row: 1}, Customer: &events.Customer{Email: "ÉMILE@example.com"}})
	h := newHarness(t, t.TempDir(), newMemLog(all...))
	h.catchUp()
	check(t, h.Read(t.Context(), func(r *Reader) error {
		j, err := r.Job(1)
		check(t, err)
		if got := j.Next; got.CreatedCustomers != 6 || got.ExistedCustomers != 3 {
			t.Errorf("%d customers created, %d existed; want 6 and 3", got.CreatedCustomers, got.ExistedCustomers)
		}
		for _, email := range emails {
			want := 1
			if strings.EqualFold(email, "kim@example.com") && !strings.HasPrefix(email, "\u212a") {
				want = 2
			}
			found, _, err := r.Licenses(&LicenseQuery{Email: email}, false)
			check(t, err)
			if n := len(slices.Collect(found)); n != want {
				t.Errorf("%q has %d licenses, want %d", email, n, want)
			}
			if found, _, err = r.Customers(CustomerQuery{Email: email}, false); err != nil || len(slices.Collect(found)) != 1 {
				t.Errorf("%q is not one customer: %v", email, err)
			}
		}
		return nil
	}))
}

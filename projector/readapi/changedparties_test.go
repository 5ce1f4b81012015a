package readapi

import (
	"net/http"
	"strings"
	"testing"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/internal/access"
)

// TestLimitedManagerAfterChanges: what rows of other products say of a customer or an order stays hidden
// after a license moves to it, after the license that made it is revoked, and after the move is undone.
func TestLimitedManagerAfterChanges(t *testing.T) {
	log := newStream(t)
	keys := access.NewStore(log.Bucket(eventlog.Managers))
	limited, err := keys.Create(t.Context(), "anna", string(access.Importer), []string{"a"})
	check(t, err)
	said := func(e *events.LicenseImported, word string) *events.LicenseImported {
		e.Customer.Phone, e.Order.CampaignParams = word, word
		return e
	}
	own := said(imported(2, 1, "a", "A", "eve@example.com", "o2"), "own")
	moved := &events.LicenseUpdated{JobID: 3, Row: 1, License: own.License, Product: own.Product,
		Customer: &events.Customer{Email: "ADA@example.com", Phone: "moved"}, Order: events.Order{StoreID: "o1", CampaignParams: "moved"},
		Changed:  []events.Change{{Column: "customer__email", From: "eve@example.com", To: "ADA@example.com"}},
		Previous: 9, By: events.Origin{JobID: 2, Row: 1}}
	log.Add(started(1, "boss"), sealed(1, 1), progressed(1, 0, 0, 0, 0),
		said(imported(1, 1, "b", "B", "ada@example.com", "o1"), "hidden"), finished(1, 1, 1, 0, 0), // 4 and 5
		started(2, "anna"), sealed(2, 1), progressed(2, 0, 0, 0, 0), own, finished(2, 1, 1, 0, 0), // 9 and 10
		started(3, "boss"), sealed(3, 1), progressed(3, 0, 0, 0, 0), moved, finished(3, 1, 0, 0, 0)) // 14 and 15
	r := newHarnessWith(t, t.TempDir(), log, access.Config{Store: keys, AdminKey: adminKey})
	expect := func(when, admin string, adminID uint64, word string, id uint64) {
		t.Helper()
		r.catchUp()
		checkParties(t, r, map[string]partiesTest{
			when + ", the admin":   {adminKey, "licenses/9/", admin, adminID},
			when + ", the limited": {limited, "licenses/9/", word, id},
		})
		for _, path := range []string{"licenses/", "licenses/9/", "licenses/9/event/", "licenses/9/history/", "licenses/?customer_email=ada@example.com",
			"licenses/?license_key=B", "licenses/export/", "licenses-import-results/"} {
			if a := r.getAs(limited, prefix+path); a.status != http.StatusOK || strings.Contains(a.body, "hidden") || strings.Contains(a.body, `"B"`) {
				t.Errorf("%s, %s: %d %s", when, path, a.status, a.body)
			}
		}
		for _, path := range []string{"licenses/4/", "licenses/4/event/", "licenses/4/history/"} {
			if a := r.getAs(limited, prefix+path); a.status != http.StatusNotFound {
				t.Errorf("%s, %s: %d %s", when, path, a.status, a.body)
			}
		}
	}
	expect("moved", "hidden", 4, "moved", 0)

	log.Add(&events.UndoStarted{JobID: 1, Manager: "boss"}, &events.LicenseRevoked{JobID: 1, Row: 1, LicenseKey: "B",
		Product: events.Product{ShortCode: "b"}, Manager: "boss", Previous: 4}, &events.UndoFinished{JobID: 1, UndoCounts: events.UndoCounts{Revoked: 1}})
	expect("its maker is gone", "hidden", 4, "moved", 0)
	if a := r.get(prefix + "licenses/4/"); a.status != http.StatusGone ||
		!strings.Contains(a.body, `"license_key":"B","product":"b"`) {
		t.Errorf("the admin gets the revoked license: %d %s", a.status, a.body)
	}

	log.Add(&events.UndoStarted{JobID: 3, Manager: "boss"}, &events.LicenseRestored{JobID: 3, Row: 1, License: own.License, Product: own.Product,
		Customer: own.Customer, Order: own.Order, Changed: []events.Change{{Column: "customer__email", From: "ADA@example.com", To: "eve@example.com"}},
		Previous: 14, Restores: 9, By: moved.By, Manager: "boss"}, // 20
		&events.UndoFinished{JobID: 3, UndoCounts: events.UndoCounts{Restored: 1}})
	expect("moved back", "own", 9, "own", 9) // its customer and order were gone, and are back
	if page := into[listed](r, prefix+"customers/"); page.Count != 1 {
		t.Errorf("%d customers are left", page.Count)
	}
}

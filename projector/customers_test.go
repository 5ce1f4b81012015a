package projector

import (
	"slices"
	"testing"

	"licenseimport/events"
)

func customerRow(job events.JobID, row events.Row, existing events.Existing, c events.Customer,
	cleared ...string) *events.CustomerImported {
	return &events.CustomerImported{JobID: job, Row: row, Line: uint64(row) + 1, Customer: c, Cleared: cleared,
		Existing: existing}
}

func (r *Reader) customerNamed(t *testing.T, email string) *Customer {
	t.Helper()
	ids, _, err := r.Customers(CustomerQuery{Email: email}, false)
	check(t, err)
	for id := range ids {
		c, err := r.Customer(id)
		check(t, err)
		return c
	}
	return nil
}

// TestCustomersAreDecidedInStreamOrder: a row of a customers' import makes, changes or finds its customer,
// whichever kind of import named it first; a license names it and changes nothing.
func TestCustomersAreDecidedInStreamOrder(t *testing.T) {
	license := imported(1, 1, "p", "A", "Ada@example.com", "")
	license.Customer = &events.Customer{Email: "Ada@example.com", FirstName: "Ada", Phone: "1"}
	later := imported(1, 2, "p", "B", "eve@example.com", "")
	all := []events.Event{
		started(1, "anna"), sealed(1, 2), progressed(1, 0, 0, 0, 0), license, // 4
		ofKind(2, events.Customers), sealed(2, 6), progressed(2, 0, 0, 0, 0),
		customerRow(2, 1, events.UpdateExisting, events.Customer{Email: "ADA@example.com", LastName: "L", Phone: "2"}),
		// 8
		customerRow(2, 2, events.UpdateExisting, events.Customer{Email: "ada@example.com", Phone: "2"}),
		// 9
		customerRow(2, 3, events.UpdateExisting, events.Customer{Email: "eve@example.com", City: "Ulm"}),
		// 10
		customerRow(2, 4, events.KeepExisting, events.Customer{Email: "Eve@example.com", City: "Rom", State: "x"}),
		// 11
		customerRow(2, 5, events.UpdateExisting, events.Customer{Email: "ada@example.com", Country: "GB"}, "phone",
			"first_name"), // 12
		later, finished(1, 2, 2, 0, 0), progressed(2, 5, 5, 0, 0), finished(2, 5, 5, 0, 0), // 13
	}
	read(t, all, func(r *Reader) {
		if c := r.customerNamed(t, "ada@example.com"); c == nil || c.ID != 4 ||
			c.Now != (events.Customer{Email: "Ada@example.com", LastName: "L", Country: "GB"}) ||
			c.Made == nil || c.By != (events.Origin{JobID: 1, Row: 1}) {
			t.Errorf("%+v", c)
		}
		if c := r.customerNamed(t, "eve@example.com"); c == nil || c.ID != 10 ||
			c.Now != (events.Customer{Email: "eve@example.com", City: "Ulm"}) ||
			c.Made != nil || c.By != (events.Origin{JobID: 2, Row: 3}) {
			t.Errorf("%+v", c)
		}
		j, err := r.Job(2)
		check(t, err)
		if n := j.Shown; n.Created != 1 || n.Updated != 2 || n.Existed != 2 || n.Differing != 1 || n.Total != 5 {
			t.Errorf("counts %+v", n)
		}
		if j, err = r.Job(1); err != nil || j.Shown.CreatedCustomers != 1 || j.Shown.ExistedCustomers != 1 {
			t.Errorf("licenses' import %+v, %v", j.Shown, err)
		}
		j, err = r.Job(2)
		check(t, err)
		var outcomes []RowOutcome
		var ids []events.Seq
		for row, err := range r.DecidedRows(j, 0) {
			check(t, err)
			outcomes, ids = append(outcomes, row.Outcome), append(ids, row.ID)
		}
		if !slices.Equal(outcomes, []RowOutcome{RowUpdated, RowExisted, RowImported, RowExisted, RowUpdated}) ||
			!slices.Equal(ids, []events.Seq{4, 4, 10, 10, 4}) {
			t.Errorf("%v %v", outcomes, ids)
		}
		row, err := r.UpdatedRow(j, 5)
		want := []events.Change{{Column: "first_name", From: "Ada"}, {Column: "phone", From: "2"},
			{Column: "country", To: "GB"}}
		if err != nil || !slices.Equal(row.Changed, want) {
			t.Errorf("%+v, %v", row, err)
		}
		row, err = r.ExistedRow(j, 4)
		if err != nil || row.By != (events.Origin{JobID: 2, Row: 3}) ||
			!slices.Equal(row.Differs, []string{"state", "city"}) {
			t.Errorf("%+v, %v", row, err)
		}
		licenses, _, err := r.Licenses(&LicenseQuery{Email: "eve@example.com"}, false)
		check(t, err)
		if got := slices.Collect(licenses); !slices.Equal(got, []events.Seq{13}) {
			t.Errorf("licenses %v", got)
		}
		for name, ids := range map[string][]events.Seq{"L": {4}, "Ada": nil} {
			found, _, err := r.Licenses(&LicenseQuery{MatchesCustomer: func(c *events.Customer) bool { return c.LastName == name || c.FirstName == name }}, false)
			check(t, err)
			if got := slices.Collect(found); !slices.Equal(got, ids) {
				t.Errorf("licenses of %s: %v", name, got)
			}
		}
	})
}

// TestCustomersOfAnImportStay: a customer that a customers' import made or named is there without licenses: before
// any, and after the undo of those that it had. Another one is gone.
func TestCustomersOfAnImportStay(t *testing.T) {
	revoked := func(id events.Seq, key string) *events.LicenseRevoked {
		return &events.LicenseRevoked{JobID: 1, Row: events.Row(id) - 3, LicenseKey: key,
			Product: events.Product{ShortCode: "p"}, Manager: "anna", Previous: id}
	}
	all := []events.Event{
		started(1, "anna"), sealed(1, 4), progressed(1, 0, 0, 0, 0), imported(1, 1, "p", "A", "named@example.com", ""),
		imported(1, 2, "p", "B", "other@example.com", ""), imported(1, 3, "p", "C", "made@example.com", ""),
		finished(1, 3, 3, 0, 0),
	}
	all = append(all[:5:5], append([]events.Event{ofKind(2, events.Customers), sealed(2, 2), progressed(2, 0, 0, 0, 0),
		customerRow(2, 1, events.KeepExisting, events.Customer{Email: "named@example.com"}),
		customerRow(2, 2, events.KeepExisting, events.Customer{Email: "made@example.com"}), finished(2, 2, 2, 0, 0)},
		all[5:]...)...)
	all = append(all, &events.UndoStarted{JobID: 1, Manager: "anna"}, revoked(4, "A"), revoked(5, "B"),
		&events.LicenseRevoked{JobID: 1, Row: 3, LicenseKey: "C",
			Product: events.Product{ShortCode: "p"}, Manager: "anna", Previous: 12}, &events.UndoFinished{JobID: 1})
	again := append(slices.Clone(all), started(3, "anna"), sealed(3, 1), progressed(3, 0, 0, 0, 0),
		imported(3, 1, "p", "A", "NAMED@example.com", ""), finished(3, 1, 1, 0, 0))
	for name, all := range map[string][]events.Event{"undone": all, "named again": again} {
		read(t, all, func(r *Reader) {
			ids, n, err := r.Customers(CustomerQuery{}, false)
			check(t, err)
			if got := slices.Collect(ids); !slices.Equal(got, []events.Seq{4, 10}) || n != 2 {
				t.Errorf("%s: customers %v (%d)", name, got, n)
			}
			if c := r.customerNamed(t, "named@example.com"); c == nil || c.Now.FirstName != "First A" {
				t.Errorf("%s: %+v", name, c)
			}
			licenses, _, err := r.Licenses(&LicenseQuery{Email: "named@example.com"}, false)
			check(t, err)
			if got := slices.Collect(licenses); len(got) != len(all)/len(again) {
				t.Errorf("%s: licenses %v", name, got)
			}
		})
	}
}

// TestPreviewOfCustomers: a customers' dry run counts what its rows would do one after the other, at that moment of
// the stream, and changes nothing.
func TestPreviewOfCustomers(t *testing.T) {
	license := imported(1, 1, "p", "A", "ada@example.com", "")
	start := ofKind(2, events.Customers)
	start.DryRun = true
	proposal := func(row events.Row, existing events.Existing, c events.Customer,
		earlier *events.EarlierCustomer) *events.CustomerImportProposed {
		return &events.CustomerImportProposed{JobID: 2, Row: row, Line: uint64(row) + 1, Customer: c, Existing: existing,
			Earlier: earlier}
	}
	said := func(email, city string) events.Customer { return events.Customer{Email: email, City: city} }
	update := events.UpdateExisting
	all := []events.Event{
		started(1, "anna"), sealed(1, 1), progressed(1, 0, 0, 0, 0), license, finished(1, 1, 1, 0, 0),
		start, sealed(2, 8), &events.ImportProgressed{JobID: 2, Phase: events.Validate},
		proposal(1, update, said("ada@example.com", "Ulm"), nil),
		// update
		proposal(2, update, said("ada@example.com", "Ulm"),
			&events.EarlierCustomer{Customer: said("ada@example.com", "Ulm")}), // existed
		proposal(3, update, said("new@example.com", "Rom"), nil),
		// create
		proposal(4, update, said("NEW@example.com", "Bonn"),
			&events.EarlierCustomer{Customer: said("new@example.com", "Rom")}), // update
		proposal(5, events.KeepExisting, said("new@example.com", "x"),
			&events.EarlierCustomer{Customer: said("new@example.com", "Rom")}), // existed
		&events.ImportProgressed{JobID: 2, Phase: events.Validate, Row: 5},
		&events.ImportFinished{JobID: 2, Status: events.Success, Row: 5},
	}
	read(t, all, func(r *Reader) {
		j, err := r.Job(2)
		check(t, err)
		if n := j.Shown; n.WouldImport != 1 || n.WouldUpdate != 2 || n.WouldExist != 2 || n.Created+n.Updated+n.Existed != 0 {
			t.Errorf("%+v", n)
		}
		if rows := slices.Collect(r.UpdatedRows(j, 0)); !slices.Equal(rows, []events.Row{1, 4}) {
			t.Errorf("rows %v", rows)
		}
		row, err := r.UpdatedRow(j, 4)
		if err != nil || row.ID != 0 ||
			!slices.Equal(row.Changed, []events.Change{{Column: "city", From: "Rom", To: "Bonn"}}) {
			t.Errorf("%+v, %v", row, err)
		}
		if row, err = r.UpdatedRow(j, 1); err != nil || row.ID != 4 {
			t.Errorf("%+v, %v", row, err)
		}
		if _, n, err := r.Customers(CustomerQuery{}, false); err != nil || n != 1 {
			t.Errorf("%d customers, %v", n, err)
		}
	})
}

// TestRefusedDryRunPreviewsNothing, whatever its batches before the last one counted.
func TestRefusedDryRunPreviewsNothing(t *testing.T) {
	for _, kind := range []*events.Kind{events.Licenses, events.Customers} {
		start := ofKind(1, kind)
		start.DryRun, start.Mode = true, events.AllOrNothing
		all := []events.Event{start, sealed(1, 3), &events.ImportProgressed{JobID: 1, Phase: events.Validate}}
		if kind == events.Customers {
			all = append(all, &events.CustomerImportProposed{JobID: 1, Row: 1, Line: 2, Customer: events.Customer{Email: "ada@example.com"}})
		}
		all = append(all,
			&events.ImportProgressed{JobID: 1, Phase: events.Validate, Row: 2, Counts: events.Counts{WouldImport: 1, WouldExist: 1}},
			&events.RowRejected{JobID: 1, Row: 3, Line: 4, Errors: []events.FieldError{{Code: events.Required}}},
			&events.ImportFinished{JobID: 1, Status: events.Failed, Error: &events.Failure{Code: "rejected_rows"}, Row: 3,
				Counts: events.Counts{Rejected: 1}})
		read(t, all, func(r *Reader) {
			j, err := r.Job(1)
			check(t, err)
			if n := j.Shown; n.WouldImport+n.WouldUpdate+n.WouldExist != 0 || n.Rejected != 1 {
				t.Errorf("%s: %+v", kind.Name, n)
			}
		})
	}
}

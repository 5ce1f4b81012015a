package events

import (
	"maps"
	"slices"
	"testing"
)

// read is a row as sent, and what it says. Its defaults are filled in, as a processor does it.
func read(t *testing.T, sent map[string]string) (Values, *Record) {
	t.Helper()
	var values Values
	record := &Record{License: License{Enabled: &trueValue, MaxActivations: intern(1), LicenseType: "perpetual"}}
	for name, value := range sent {
		i := mustColumn(name)
		values[i] = value
		if clean := Columns[i].Clean(value); clean != "" {
			if code := Columns[i].Set(record, clean); code != "" {
				t.Fatalf("%s=%q: %s", name, value, code)
			}
		}
	}
	return values, record
}

// TestDiffers: values that a row gives are compared after cleaning; what it leaves empty says nothing.
func TestDiffers(t *testing.T) {
	license := func(sent map[string]string) LicenseState {
		_, r := read(t, sent)
		e := &LicenseImported{License: r.License, Order: r.Order, Product: Product{ShortCode: r.Product}}
		if r.Customer != (Customer{}) {
			e.Customer = &r.Customer
		}
		return stateOf(e)
	}
	full := map[string]string{}
	for i := range Columns[:licenseColumns] {
		if c := &Columns[i]; c.Example != "" {
			full[c.Name] = c.Example
		}
	}
	identity := map[string]string{}
	for _, i := range []int{ColumnKey, ColumnProduct} {
		identity[Columns[i].Name] = Columns[i].Example
	}
	for name, c := range map[string]struct {
		license, row map[string]string
		want         []string
	}{
		"the same":          {full, full, nil},
		"only the identity": {full, identity, nil},
		"cleaned": {
			map[string]string{"license__enabled": "true", "customer__email": "Ada@example.com", "license__validity_period": "2030-12-31", "order__type": "normal"},
			map[string]string{"license__enabled": " YES", "customer__email": "ADA@EXAMPLE.com ", "license__validity_period": "2030-12-31 10:00:00", "order__type": "NORMAL"},
			nil,
		},
		"empty values": {full, map[string]string{"license__enabled": "", "customer__first_name": "  ", "license__note": ""}, nil},
		"a default that is not given": {
			map[string]string{"license__enabled": "false", "license__max_activations": "5", "license__license_type": "subscription"}, identity, nil,
		},
		"a default that is given": {
			map[string]string{"license__enabled": "false", "license__max_activations": "5"},
			map[string]string{"license__enabled": "true", "license__max_activations": "1"},
			[]string{"license__enabled", "license__max_activations"},
		},
		"the default of the license": {identity, map[string]string{"license__enabled": "1", "license__max_activations": "1"}, nil},
		"more than the license": {
			identity,
			map[string]string{"customer__email": "a@example.com", "order__is_test": "false", "license__note": "x"},
			[]string{"customer__email", "order__is_test", "license__note"},
		},
		"space counts in a note": {map[string]string{"license__note": "x"}, map[string]string{"license__note": "x "}, []string{"license__note"}},
		"another letter": {
			map[string]string{"customer__email": "k@example.com"}, map[string]string{"customer__email": "\u212a@example.com"},
			[]string{"customer__email"},
		},
		"large numbers": {
			map[string]string{"license__max_consumptions": "2000000000"}, map[string]string{"license__max_consumptions": "2000000000"}, nil,
		},
	} {
		existing := maps.Clone(c.license)
		maps.Copy(existing, identity)
		maps.Copy(c.row, identity)
		values, record := read(t, c.row)
		if got := record.Differs(&values, license(existing)); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestEveryColumnMayDiffer: a row that gives another value in any one column differs in that one.
func TestEveryColumnMayDiffer(t *testing.T) {
	for i := range Columns[:licenseColumns] {
		if i == ColumnKey || i == ColumnProduct { // the license's identity
			continue
		}
		var values Values
		values[i] = "given"
		none, given := &Record{}, &Record{}
		switch field := Columns[i].field(given.target()).(type) {
		case *string:
			*field = "given"
		case **bool:
			*field = &falseValue
		case **int:
			*field = intern(0)
		}
		if got := given.Differs(&values, stateOf(&LicenseImported{})); !slices.Equal(got, []string{Columns[i].Name}) {
			t.Errorf("%s: %q", Columns[i].Name, got)
		}
		existing := &LicenseImported{License: given.License, Customer: &given.Customer, Order: given.Order}
		if got := none.Differs(&Values{}, stateOf(existing)); got != nil {
			t.Errorf("%s is not given: %q", Columns[i].Name, got)
		}
	}
}

// stateOf is the license after an event that has one.
func stateOf(e Event) LicenseState {
	state, exists := StateAfter(e)
	if !exists {
		panic(e.Type())
	}
	return state
}

package events

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestStateAfter: each event that holds a whole license is the license; after a revocation there is none.
func TestStateAfter(t *testing.T) {
	for name, e := range fullEvents() {
		state, exists := StateAfter(e)
		switch name {
		case "LicenseImported", "LicenseUpdated", "LicenseRestored", "LicenseUpdateProposed":
			if !exists || !reflect.DeepEqual(*state.License, fullLicense) || !reflect.DeepEqual(*state.Order, fullOrder) ||
				!reflect.DeepEqual(*state.Customer, fullCustomer) || !reflect.DeepEqual(*state.Product, fullProduct) || state.By.JobID != 10 {
				t.Errorf("%s: %+v, %v", name, state, exists)
			}
		default:
			if exists || state != (LicenseState{}) {
				t.Errorf("%s: %+v, %v", name, state, exists)
			}
		}
	}
}

// TestLicenseColumnsEndTheTable: Update passes the columns from firstLicenseColumn on.
func TestLicenseColumnsEndTheTable(t *testing.T) {
	for i := range Columns[:licenseColumns] {
		if ofLicense := strings.HasPrefix(Columns[i].Name, "license__") && i != ColumnKey; ofLicense != (i >= firstLicenseColumn) {
			t.Errorf("%s is column %d, the license's begin with %d", Columns[i].Name, i, firstLicenseColumn)
		}
	}
}

// licenseOf is the license that a row imports.
func licenseOf(t *testing.T, sent map[string]string) LicenseState {
	t.Helper()
	_, r := read(t, sent)
	e := &LicenseImported{JobID: 7, Row: 3, License: r.License, Order: r.Order, Product: Product{ShortCode: r.Product}}
	if r.Customer != noCustomer {
		e.Customer = &r.Customer
	}
	return stateOf(e)
}

// TestUpdate: a given value replaces, an empty one leaves, #N/A clears. A customer and an order are replaced
// as a whole, when their identity changes.
func TestUpdate(t *testing.T) {
	license := map[string]string{
		"customer__email": "Ada@example.com", "customer__first_name": "Ada", "order__store_id": "o1", "order__language": "en",
		"license__enabled": "false", "license__max_activations": "5", "license__license_type": "subscription",
		"license__validity_period": "2030-12-31", "license__note": "old",
	}
	for name, c := range map[string]struct {
		row  map[string]string
		want []Change
	}{
		"the same":                         {license, nil},
		"nothing":                          {map[string]string{"license__note": "", "license__enabled": " "}, nil},
		"the same, written in another way": {map[string]string{"license__enabled": "No", "customer__email": " ADA@EXAMPLE.COM"}, nil},
		"values": {
			map[string]string{"license__note": " new ", "license__max_activations": "007", "license__is_trial": "yes"},
			[]Change{{"license__max_activations", "5", "7"}, {"license__is_trial", "", "true"}, {"license__note", "old", " new "}},
		},
		"cleared": {
			map[string]string{"license__note": " #N/A", "license__validity_period": "#N/A ", "license__trial_days": "#N/A"},
			[]Change{{"license__validity_period", "2030-12-31", ""}, {"license__note", "old", ""}},
		},
		"cleared to a default": {
			map[string]string{"license__enabled": "#N/A", "license__max_activations": "#N/A", "license__license_type": "#N/A"},
			[]Change{{"license__enabled", "false", "true"}, {"license__max_activations", "5", "8"}, {"license__license_type", "subscription", "time-limited"}},
		},
		"the default follows from the license as it is then": {
			map[string]string{"license__validity_period": "#N/A", "license__license_type": "#N/A"},
			[]Change{{"license__validity_period", "2030-12-31", ""}, {"license__license_type", "subscription", "perpetual"}},
		},
		"the same customer and order, described in another way": {
			map[string]string{"customer__email": "ada@example.com", "customer__first_name": "Bob", "customer__city": "#N/A", "order__store_id": "o1", "order__language": "de"}, nil,
		},
		"values without identities": {map[string]string{"customer__first_name": "Bob", "order__is_test": "true"}, nil},
		"another customer": {
			map[string]string{"customer__email": "bob@example.com", "customer__city": "Rome"},
			[]Change{{"customer__email", "Ada@example.com", "bob@example.com"}, {"customer__first_name", "Ada", ""}, {"customer__city", "", "Rome"}},
		},
		"no customer": {
			map[string]string{"customer__email": "#N/A"},
			[]Change{{"customer__email", "Ada@example.com", ""}, {"customer__first_name", "Ada", ""}},
		},
		"another order": {
			map[string]string{"order__store_id": "O1", "order__is_test": "0"},
			[]Change{{"order__store_id", "o1", "O1"}, {"order__is_test", "", "false"}, {"order__language", "en", ""}},
		},
		"a separate order": {
			map[string]string{"order__store_id": "#N/A", "order__language": "en"}, []Change{{"order__store_id", "o1", ""}},
		},
	} {
		before := licenseOf(t, license)
		values, record := readClearing(t, c.row)
		after, changed := before.Update(record, &values, &Product{MaxActivations: intern(8)})
		if !slices.Equal(changed, c.want) {
			t.Errorf("%s: %+v, want %+v", name, changed, c.want)
		}
		if len(c.want) == 0 && after != before {
			t.Errorf("%s: %+v", name, after)
		}
		checkLaws(t, before, after, changed)
	}
}

// readClearing is read for a row with cells that clear.
func readClearing(t *testing.T, sent map[string]string) (Values, *Record) {
	t.Helper()
	given := map[string]string{}
	for name, value := range sent {
		if !Clears(value) {
			given[name] = value
		}
	}
	values, record := read(t, given)
	for name, value := range sent {
		values[mustColumn(name)] = value
	}
	return values, record
}

// inverse are the changes that lead back.
func inverse(changed []Change) []Change {
	back := make([]Change, len(changed))
	for i, c := range changed {
		back[i] = Change{Column: c.Column, From: c.To, To: c.From}
	}
	return back
}

// checkLaws: the changes lead from one state to the other, and their inverse leads back.
func checkLaws(t *testing.T, before, after LicenseState, changed []Change) {
	t.Helper()
	forth, err := before.Apply(changed)
	if err != nil || !reflect.DeepEqual(forth, after) {
		t.Errorf("%+v leads to\n%+v, %v, and should lead to\n%+v", changed, forth, err, after)
	}
	back, err := after.Apply(inverse(changed))
	if err != nil || !reflect.DeepEqual(back, before) {
		t.Errorf("%+v leads back to\n%+v, %v, and should lead to\n%+v", changed, back, err, before)
	}
	if again := Changes(forth, after); again != nil {
		t.Errorf("the same states differ in %+v", again)
	}
	if !slices.Equal(Changes(after, before), inverse(changed)) && len(changed) > 0 {
		t.Errorf("the changes back are %+v, the inverse is %+v", Changes(after, before), inverse(changed))
	}
}

// TestApplyRefuses: changes that lead from another state, of an unknown column or of no value.
func TestApplyRefuses(t *testing.T) {
	state := licenseOf(t, map[string]string{"license__enabled": "true"})
	for _, c := range []Change{
		{"license__enabled", "false", "true"}, {"license__enabled", "true", "TRUE"}, {"license__trial_days", "", "many"}, {"license__colour", "", "red"},
	} {
		if after, err := state.Apply([]Change{c}); err == nil || after != state {
			t.Errorf("%+v was applied: %+v", c, after)
		}
	}
}

// updateSamples are values of each type of column, in two ways of writing where there are, and an empty one.
var updateSamples = map[ColumnType][]string{
	Text:  {"", "a", "A", " a ", "0", "Ж🔑\n\"", "#n/a", "=1"},
	Email: {"", "ada@example.com", "ADA@example.com", "k@example.com", "\u212a@example.com"},
	Bool:  {"", "true", "YES", "0", "false"}, Int: {"", "0", "00", "1", "5", "2147483647"},
	Date: {"", "2030-12-31", "2030-12-31 10:00:00", "2024-02-29"}, Duration: {"", "1y", "01y", "30d"},
}

func samplesOf(c *Column) []string {
	if c.Type == Enum {
		return append([]string{"", strings.ToUpper(c.Choices[0])}, c.Choices...)
	}
	return updateSamples[c.Type]
}

// TestUpdateEveryColumn: from each kind of value to each other one, in every column.
func TestUpdateEveryColumn(t *testing.T) {
	for i := range Columns[:licenseColumns] {
		c := &Columns[i]
		for _, from := range samplesOf(c) {
			for _, to := range append([]string{"#N/A"}, samplesOf(c)...) {
				if i == ColumnKey || i == ColumnProduct {
					continue
				}
				before := licenseOf(t, map[string]string{c.Name: from})
				values, record := readClearing(t, map[string]string{c.Name: to})
				after, changed := before.Update(record, &values, &Product{})
				checkLaws(t, before, after, changed)
				if to == "" && changed != nil {
					t.Errorf("%s: an empty value changes %+v", c.Name, changed)
				}
				for _, change := range changed {
					if change.Column != c.Name || change.From == change.To {
						t.Errorf("%s from %q to %q: %+v", c.Name, from, to, changed)
					}
				}
			}
		}
	}
}

// FuzzUpdate holds the laws of an update for licenses and rows of any values: the changes lead to the new
// state, their inverse back; the values that the row gives then stand in the license, and the row changes
// nothing more.
func FuzzUpdate(f *testing.F) {
	f.Add([]byte{1, 2, 3}, []byte{4, 5, 255}, "note")
	f.Add([]byte{0}, []byte{255}, "#N/A")
	f.Add([]byte("0123456789abcdef0123456789abcdef0123456789ab"), []byte("ba9876543210fedcba9876543210fedcba9876543210"), " \t#N/A ")
	f.Fuzz(func(t *testing.T, license, row []byte, note string) {
		before := licenseOf(t, chosen(license, "a", false))
		values, record := readClearing(t, chosen(row, note, true))
		product := &Product{MaxActivations: intern(len(row)), LicenseType: map[bool]string{true: "consumption"}[len(license)%2 == 1]}
		after, changed := before.Update(record, &values, product)
		checkLaws(t, before, after, changed)
		for i := firstLicenseColumn; i <= lastLicenseColumn; i++ {
			if c := &Columns[i]; c.gives(values[i]) && !c.same(record.target(), after.target()) {
				t.Errorf("%s: the row gives %q and the license has %q", c.Name, values[i], valueText(c.field(after.target())))
			}
		}
		if again, more := after.Update(record, &values, product); more != nil || again != after {
			t.Errorf("the same row changes once more %+v", more)
		}
		if after.By != before.By || after.Product != before.Product {
			t.Errorf("the update changes its origin or product: %+v", after)
		}
	})
}

// chosen picks a sample for each column by a byte, and the note as it is. A byte of 255 clears.
func chosen(picks []byte, note string, update bool) map[string]string {
	sent := map[string]string{}
	for i := range Columns[:licenseColumns] {
		if i == ColumnKey || i == ColumnProduct || len(picks) == 0 {
			continue
		}
		c, pick := &Columns[i], picks[i%len(picks)]
		samples := samplesOf(c)
		if sent[c.Name] = samples[int(pick)%len(samples)]; pick > 240 && update {
			sent[c.Name] = clearing
		}
	}
	if last := &Columns[lastLicenseColumn]; Clears(note) == update ||
		last.Set(new(Record), note+"x") == "" && !Clears(note) && len(note) < 10000 {
		sent[last.Name] = note
	}
	return sent
}

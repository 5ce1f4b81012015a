//go:build unix

package crashtest

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"licenseimport/events"
)

// changeFile is a file of changes.
type changeFile struct {
	file
	rows    []ChangeRow
	updates bool
}

// Of how many keys, customers and orders the files draw.
const (
	changedKeys   = 300
	changedPeople = 8
)

func newChangeFile(name string, random *rand.Rand) *changeFile {
	u := &changeFile{rows: make([]ChangeRow, 1+random.IntN(200)), updates: random.IntN(3) > 0}
	u.kind = events.Licenses
	if random.IntN(3) == 0 {
		u.kind = events.Features
	}
	u.Name = name + ".csv"
	for i := range u.rows {
		u.rows[i] = u.newRow(random)
	}
	u.write()
	return u
}

// write makes the text of the rows.
func (u *changeFile) write() {
	var b strings.Builder
	b.WriteString(header)
	if u.kind == events.Features {
		b.Reset()
		b.WriteString("license_key,product__short_code,code,max_consumption\n")
	}
	for _, row := range u.rows {
		activations, most := row.Activations, row.Most
		if row.Validity == Invalid {
			activations, most = "many", "many"
		}
		if row.Code != "" {
			fmt.Fprintf(&b, "%s,%s,%s,%s\n", row.Key, row.Product, row.Code, most)
			continue
		}
		fmt.Fprintf(&b, "%s,%s,%s,%s,%s,%s\n", row.Key, row.Product, row.Email, row.Store, activations, row.Note)
	}
	u.text = b.String()
}

func anyLicense(random *rand.Rand) License {
	product := []string{"photo", "sync"}[random.IntN(2)]
	return License{product, fmt.Sprintf("change-%06d", random.IntN(changedKeys))}
}

// cell is empty, clears, or has one of n values.
func (u *changeFile) cell(random *rand.Rand, format string, n int) string {
	switch at := random.IntN(8); {
	case at < 3:
		return ""
	case at == 3 && u.updates:
		return clear
	}
	return fmt.Sprintf(format, 1+random.IntN(n))
}

// newFeatureRow is a row about a feature of any license.
func (u *changeFile) newFeatureRow(random *rand.Rand) ChangeRow {
	row := ChangeRow{
		Item:  Item{License: anyLicense(random), Code: []string{"reports", "export"}[random.IntN(2)]},
		Cells: Cells{Most: u.cell(random, "%d", 5)},
	}
	if random.IntN(20) == 0 {
		row.Validity = Invalid
	}
	return row
}

func (u *changeFile) newRow(random *rand.Rand) ChangeRow {
	if u.kind == events.Features {
		return u.newFeatureRow(random)
	}
	cell := func(format string, n int) string { return u.cell(random, format, n) }
	row := ChangeRow{
		Item: Item{License: anyLicense(random)},
		Cells: Cells{
			Email: cell("customer%d@example.com", changedPeople), Store: cell("order-%d", changedPeople),
			Activations: cell("%d", 5), Note: cell("note %d", 5),
		},
	}
	switch random.IntN(20) {
	case 0:
		row.Validity = Invalid
	case 1, 2:
		row.Validity, row.Product = Open, "later"
	}
	return row
}

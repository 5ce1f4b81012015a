//go:build unix

package crashtest

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"strings"

	"licenseimport/events"
)

// A shape says what a generated file is like; the same shape gives the same file.
// Of each hundred rows one is invalid and one repeats the key of an earlier row,
// so that a file of n rows whose keys are its own has n/100 rejected rows, n/100
// that existed, and the others are imported.
type shape struct {
	name   string // of the file, without .csv
	keys   string // what its keys begin with; empty: its name
	rows   int
	shared int // this many further rows of each hundred draw a key that all files share
	pool   int // of that many
	seed   uint64
}

const header = "license__license_key,product__short_code,customer__email,order__store_id,license__max_activations,license__note\n"

// file is a generated file and what it says.
type file struct {
	Upload
	kind *events.Kind // nil: licenses
	text string
}

func (s shape) generate() *file {
	f := &file{Upload: Upload{Name: s.name + ".csv", Rows: make([]Row, s.rows)}}
	s.keys = cmp.Or(s.keys, s.name)
	random := rand.New(rand.NewPCG(s.seed, 2))
	var b strings.Builder
	b.WriteString(header)
	for i := range f.Rows {
		row := s.row(f.Rows[:i], random)
		f.Rows[i] = row
		activations := fmt.Sprint(1 + i%9)
		if row.Invalid {
			activations = "many"
		}
		fmt.Fprintf(&b, "%s,%s,%s,%s,%s,\"moved from the old shop, ticket %d\"\n", row.Key, row.Product, row.Email, row.Store, activations, i)
	}
	f.text = b.String()
	return f
}

// part is another file with some rows of this one, letter for letter.
func (f *file) part(name string, from, to int) *file {
	lines := strings.SplitAfter(strings.TrimPrefix(f.text, header), "\n")
	return &file{
		Upload: Upload{Name: name + ".csv", Rows: f.Rows[from:to]},
		text:   header + strings.Join(lines[from:to], ""),
	}
}

// row is the one that follows those before.
func (s shape) row(before []Row, random *rand.Rand) Row {
	i := len(before)
	row := Row{
		License: License{Product: []string{"photo-pro", "photo-lite", "sync"}[i%3], Key: fmt.Sprintf("%s-%06d", s.keys, i)},
		Invalid: i%100 == 37,
		Email:   fmt.Sprintf("customer%d@example.com", random.IntN(s.rows)), // the same ones in all files
		Store:   fmt.Sprintf("%s-%d", s.name, i/2),
	}
	switch {
	case i%100 == 61:
		row.License = before[i-1-random.IntN(20)].License // none of these is the invalid one
	case i%100 >= 100-s.shared:
		row.License = License{Product: "shared", Key: fmt.Sprintf("shared-%d", random.IntN(s.pool))}
	}
	if i%7 == 0 {
		row.Email = ""
	}
	if i%11 == 0 {
		row.Store = ""
	}
	return row
}

package projector

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"licenseimport/projector/viewstore"
)

// TestFinder compares what is found in columns of few different bytes with what bytes.Contains finds in each text,
// with columns that differ from those the finders were made with, and with places that have no value.
func TestFinder(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 10))
	text := func(max int) []byte {
		b := make([]byte, random.IntN(max+1))
		for i := range b {
			b[i] = "aaaab-é"[random.IntN(8)]
		}
		return b
	}
	for range 2000 {
		places := random.Uint64() | random.Uint64()
		if random.IntN(3) == 0 {
			places = ^uint64(0)
		}
		c := viewstore.Scanned{Places: places, Columns: make([][]byte, 3)}
		word := append(text(3), 'b')
		var finders wordFinders
		finders.begin([][]byte{word}, [][]byte{text(30), text(30), nil})
		var want [3]uint64
		for column := range c.Columns {
			for place := range 64 {
				if places>>place&1 == 0 {
					continue
				}
				one := text(random.IntN(40))
				if c.Columns[column] = append(append(c.Columns[column], one...), 0); bytes.Contains(one, word) {
					want[column] |= 1 << place
				}
			}
		}
		for column := range c.Columns {
			if got := finders.find(0, &c, column, column); got != want[column] {
				t.Fatalf("%q in %q: %b, want %b", word, c.Columns[column], got, want[column])
			}
		}
		if got, any := finders.find(0, &c, 0, 2), want[0]|want[1]|want[2]; got != any {
			t.Fatalf("%q in %q: %b, want %b", word, c.Columns, got, any)
		}
	}
}

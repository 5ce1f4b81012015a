package viewstore

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestNameTable: whatever is put and removed, each name has its sequence, and no other name has one.
func TestNameTable(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	table, want := newNameTable(), map[string]uint64{}
	name := func() string {
		n := random.IntN(30_000)
		return strings.Repeat("x", n%400) + fmt.Sprint(n / 2)[1:] // "" is one of them
	}
	for range 200_000 {
		one := name()
		if got := table.get(one); got != want[one] {
			t.Fatalf("%s: %d, want %d", one, got, want[one])
		}
		switch _, known := want[one]; {
		case known && random.IntN(3) == 0, random.IntN(20) == 0:
			table.remove(one)
			delete(want, one)
		case !known:
			want[one] = 1 + random.Uint64N(1<<(1+random.IntN(63)))
			check(t, table.put(one, want[one]))
		}
	}
	for one, seq := range want {
		if got := table.get(one); got != seq {
			t.Errorf("%s: %d, want %d", one, got, seq)
		}
	}
	if len(want) < 1000 {
		t.Errorf("%d names: the test shows little", len(want))
	}
}

// TestNameTableSize: a name takes some 16 bytes beside itself, and no name that was removed takes any for long.
func TestNameTableSize(t *testing.T) {
	const names, length = 60_000, 26
	table := newNameTable()
	beside := func() float64 {
		size := 0
		for i := range table.parts {
			size += 4*cap(table.parts[i].slots) + cap(table.parts[i].entries)
		}
		return float64(size)/names - length
	}
	for n := range names {
		check(t, table.put(fmt.Sprintf("%0*d", length, n), uint64(n+1)))
	}
	added := beside()
	for n := names; n < 3*names; n++ {
		check(t, table.put(fmt.Sprintf("%0*d", length, n), uint64(n+1)))
		table.remove(fmt.Sprintf("%0*d", length, n-names))
	}
	t.Logf("%.1f bytes beside each name, %.1f when others were removed", added, beside())
	if added > 20 || beside() > length+20 {
		t.Error("that is too much")
	}
}

// TestFullNameTable: no name is lost silently where a part is full.
func TestFullNameTable(t *testing.T) {
	table := newNameTable()
	part, _ := table.partOf("name")
	part.slots, part.entries = make([]uint32, firstSlots), make([]byte, noPlace)
	if err := table.put("name", 1); !errors.Is(err, errTooManyNames) {
		t.Error(err)
	}
	if got := table.get("name"); got != 0 {
		t.Errorf("it has sequence %d", got)
	}
	part.slots[0], part.used, part.gone = noPlace, 1, 1 // what was removed makes room
	if err := table.put("name", 1); err != nil || table.get("name") != 1 {
		t.Errorf("%v, sequence %d", err, table.get("name"))
	}
}

// TestNamesOfOneHash: a name is not taken for another one whose hash is the same.
func TestNamesOfOneHash(t *testing.T) {
	table := newNameTable()
	check(t, table.put("name", 1))
	part, hash := table.partOf("name")
	for other, want := range map[string]uint64{"name": 1, "game": 0, "nam": 0, "names": 0, "": 0} {
		if _, seq := part.find(other, hash); seq != want {
			t.Errorf("%q: %d, want %d", other, seq, want)
		}
	}
}

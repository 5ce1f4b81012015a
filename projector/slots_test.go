package projector

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"licenseimport/events"
)

// TestSlots: every name is found that was entered, of any length and at any place of any era, in
// however many transactions; and no other.
func TestSlots(t *testing.T) {
	s, err := openStore(filepath.Join(t.TempDir(), FileName))
	check(t, err)
	defer func() { check(t, s.close()) }()
	random := rand.New(rand.NewPCG(5, 6))
	known := map[string]events.Seq{}
	l := newBatchWriter(s, maxBatchEvents)
	seq := events.Seq(0)
	for range 20 {
		b := l.begin(nil)
		for range random.IntN(3000) {
			seq += events.Seq(1 + random.IntN(50))
			name := fmt.Sprint(seq, strings.Repeat("x", random.IntN(150)))
			b.enter(orderByStore, slotOf([]byte(name)), []byte(name), seq)
			known[name] = seq
		}
		w, err := s.begin()
		check(t, err)
		check(t, w.commit(b))
	}
	if seq < 2<<eraBits {
		t.Fatalf("all in two eras: up to %d", seq)
	}
	past := past{store: s}
	defer past.rest()
	for name, want := range known {
		if got, err := past.name(orderByStore, name); got != want || err != nil {
			t.Fatalf("%q: %d, %v, want %d", name, got, err, want)
		}
		if got, err := past.name(orderByStore, name+"y"); got != 0 || err != nil {
			t.Fatalf("%q: %d, %v, want none", name+"y", got, err)
		}
	}
	check(t, s.verify())
}

// TestSlotsUseTheirRoomAgain: a batch that is used again knows nothing of what it held.
func TestSlotsUseTheirRoomAgain(t *testing.T) {
	var b memtable
	b.enter(orderByStore, 1, []byte("a"), 1)
	b.enter(orderByStore, 1, []byte("b"), 1<<eraBits)
	b.tables[orderByStore].empty()
	b.enter(orderByStore, 1, []byte("c"), 5<<eraBits+7)
	if used := b.tables[orderByStore].used; used != 1 {
		t.Fatalf("%d tables", used)
	}
	only := b.tables[orderByStore].all[0]
	held := map[string]events.Seq{}
	sound := slot{only.era, only.slots[1]}.each(func(name []byte, seq events.Seq) bool {
		held[string(name)] = seq
		return true
	})
	if !sound || len(held) != 1 || held["c"] != 5<<eraBits+7 {
		t.Errorf("%v, sound: %v", held, sound)
	}
}

// TestSlotNotSound: what is cut off anywhere but between two names is found.
func TestSlotNotSound(t *testing.T) {
	var b memtable
	for _, name := range []string{"first", strings.Repeat("x", 300), "last"} {
		b.enter(orderByStore, 0, []byte(name), 9)
	}
	whole := b.tables[orderByStore].all[0].slots[0]
	sound := map[int]bool{0: true, 1 + 5 + placeSize: true, len(whole) - 1 - 4 - placeSize: true}
	for end := range whole {
		_, err := slot{0, whole[:end]}.find([]byte("none"))
		if sound[end] != (err == nil) || err != nil && !errors.Is(err, errDamaged) {
			t.Errorf("%d of %d bytes: %v", end, len(whole), err)
		}
	}
	huge := append(bytes.Repeat([]byte{0xff}, 9), 1) // a length of 2^64 - 1
	if _, err := (slot{0, append(huge, whole...)}).find([]byte("none")); !errors.Is(err, errDamaged) {
		t.Errorf("a name without end: %v", err)
	}
}

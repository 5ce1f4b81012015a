package viewstore

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// model is what the views must hold, in plain maps and slices.
type model struct {
	plain    map[string]string
	counters map[string]uint64
	names    map[string]uint64   // of the filtered index: the first sequence
	many     map[string][]uint64 // of the other one
	chunks   map[ChunkSet]map[uint64]string
	lists    map[string]SliceList
}

func newModel() *model {
	return &model{map[string]string{}, map[string]uint64{}, map[string]uint64{}, map[string][]uint64{},
		map[ChunkSet]map[uint64]string{}, map[string]SliceList{}}
}

// operation changes a memtable. It may be applied to another one again.
type operation func(m *Memtable) error

// next makes a random operation and applies it to the model.
func (want *model) next(random *rand.Rand, seq uint64) operation {
	name := fmt.Sprintf("%0*d", 1+random.IntN(30), random.IntN(200))
	switch random.IntN(14) {
	case 0:
		key := TextNumberKey("new", seq)
		want.plain[string(key)] = name
		return always(func(m *Memtable) { m.PutNew(plain, key, []byte(name)) })
	case 1:
		want.plain[name] = fmt.Sprint(seq)
		return always(func(m *Memtable) { m.Set(plain, []byte(name), fmt.Append(nil, seq)) })
	case 2:
		delete(want.plain, name)
		return always(func(m *Memtable) { m.Delete(plain, []byte(name)) })
	case 3:
		want.counters[name] += seq
		return always(func(m *Memtable) { m.Count(counters, name, seq) })
	case 4:
		if random.IntN(3) == 0 { // of an older partition
			seq -= min(seq-1, random.Uint64N(4<<partitionBits))
		}
		if slices.Contains(want.many[name], seq) {
			return want.lookup(name, seq, false)
		}
		want.many[name] = append(want.many[name], seq)
		return always(func(m *Memtable) { m.Insert(unfiltered, []byte(name), []byte(name), seq) })
	case 5:
		want.lists[name] = append(want.lists[name], seq)
		return always(func(m *Memtable) { m.Append(lists, name, seq) })
	case 6:
		return want.put(random, seq)
	case 7:
		return want.remove(random, name)
	case 8:
		return want.edit(random, name, seq)
	case 9:
		if first, known := want.names[name]; known {
			delete(want.names, name)
			return func(m *Memtable) error {
				return errors.Join(m.Forget(names, name, first), m.Forget(resident, name, first))
			}
		}
		return want.lookup(name, seq, true)
	case 10:
		n := min(want.counters[name], seq/2)
		want.counters[name] -= n
		return always(func(m *Memtable) { m.Uncount(counters, name, n) })
	case 11:
		return want.value(random, seq)
	case 12:
		return want.get(name)
	default:
		return want.lookup(name, seq, random.IntN(3) == 0)
	}
}

func always(f func(m *Memtable)) operation {
	return func(m *Memtable) error {
		f(m)
		return nil
	}
}

// remove removes a name of the unfiltered index, and compares those that are left.
func (want *model) remove(random *rand.Rand, name string) operation {
	seqs := want.many[name]
	if len(seqs) == 0 {
		return always(func(*Memtable) {})
	}
	i := random.IntN(len(seqs))
	seq, left := seqs[i], slices.Delete(slices.Clone(seqs), i, i+1)
	want.many[name] = left
	return func(m *Memtable) error {
		m.Remove(unfiltered, []byte(name), []byte(name), seq)
		got, err := m.Sequences(unfiltered, []byte(name), []byte(name), 0)
		if sorted := slices.Sorted(slices.Values(left)); !slices.Equal(slices.Sorted(maps.Keys(got)), sorted) || err != nil {
			return fmt.Errorf("%s: %d, %w, want %d", name, got, err, sorted)
		}
		return nil
	}
}

// edit makes a number a member of a list, or a member none.
func (want *model) edit(random *rand.Rand, name string, seq uint64) operation {
	n := seq - random.Uint64N(min(seq, 3<<blockBits))
	if list := want.lists[name]; len(list) > 0 && random.IntN(2) == 0 {
		n = list[random.IntN(len(list))]
	}
	at, member := slices.BinarySearch(want.lists[name], n)
	if random.IntN(2) == 0 {
		if !member {
			want.lists[name] = slices.Insert(want.lists[name], at, n)
		}
		return always(func(m *Memtable) { m.Include(lists, name, n) })
	}
	if member {
		want.lists[name] = slices.Delete(want.lists[name], at, at+1)
	}
	return always(func(m *Memtable) { m.Exclude(lists, name, n) })
}

// value reads a value, in a set whose numbers are put in ascending order, and puts another one.
func (want *model) value(random *rand.Rand, seq uint64) operation {
	set := ChunkSet{View: facts}
	values := want.chunks[set]
	if values == nil {
		values = map[uint64]string{}
		want.chunks[set] = values
	}
	n := seq - random.Uint64N(min(seq, 2000))
	if numbers := slices.Sorted(maps.Keys(values)); len(numbers) > 0 && random.IntN(4) > 0 {
		n = numbers[random.IntN(len(numbers))]
	}
	before, known := values[n]
	fresh := fmt.Sprint("value ", seq)
	values[seq] = fresh
	return func(m *Memtable) error {
		if got, err := m.Value(set, n); string(got) != before || (got != nil) != known || err != nil {
			return fmt.Errorf("value %d: %q, %w, want %q", n, got, err, before)
		}
		m.Put(set, seq, []byte(fresh))
		return nil
	}
}

// get reads an entry that may exist.
func (want *model) get(name string) operation {
	value, known := want.plain[name]
	return func(m *Memtable) error {
		if got, err := m.Get(plain, []byte(name)); string(got) != value || (got != nil) != known || err != nil {
			return fmt.Errorf("entry %s: %q, %w, want %q", name, got, err, value)
		}
		return nil
	}
}

// put sets a value of a chunk, mostly the last one.
func (want *model) put(random *rand.Rand, seq uint64) operation {
	set := ChunkSet{View: values}
	if group := random.Uint64N(4); group > 0 {
		set = ChunkSet{grouped, group}
	}
	if random.IntN(4) == 0 {
		seq -= min(seq, random.Uint64N(200))
	}
	value := string(bytes.Repeat(fmt.Append(nil, seq), random.IntN(20)))
	if random.IntN(4) == 0 {
		set, value = ChunkSet{View: texts}, fmt.Sprintf("%s\x00\x00%d\x00", value, random.IntN(3))
	}
	if want.chunks[set] == nil {
		want.chunks[set] = map[uint64]string{}
	}
	want.chunks[set][seq] = value
	return always(func(m *Memtable) { m.Put(set, seq, []byte(value)) })
}

// lookup looks a name up, or inserts it, and compares the answer with the model's.
func (want *model) lookup(name string, seq uint64, insert bool) operation {
	before, known := want.names[name]
	if !insert {
		return func(m *Memtable) error {
			for _, v := range []View{names, resident} {
				if got, err := m.Lookup(v, name); got != before || err != nil {
					return fmt.Errorf("%s of %d: %d, %w, want %d", name, v, got, err, before)
				}
			}
			return nil
		}
	}
	if !known {
		before, want.names[name] = seq, seq
	}
	return func(m *Memtable) error {
		for _, v := range []View{names, resident} {
			if got, inserted, err := m.LookupOrInsert(v, name, seq); got != before || inserted == known || err != nil {
				return fmt.Errorf("%s of %d: %d, inserted: %v, %w, want %d", name, v, got, inserted, err, before)
			}
		}
		return nil
	}
}

// engine writes memtables as the projector does: one is filled while the previous one is written.
type engine struct {
	*harness
	active, immutable, recycled *Memtable
	seq                         uint64     // of the last operation
	done                        chan error // nil: nothing is being written
}

func (e *engine) apply(op operation, seq uint64) {
	if e.active == nil {
		if e.active, e.recycled = e.recycled, nil; e.active == nil {
			e.active = NewMemtable(e.overlay)
		}
	}
	check(e, op(e.active))
	e.seq = seq
}

// rotate writes the active memtable while the next one is filled.
func (e *engine) rotate() {
	e.wait()
	if e.active == nil {
		return
	}
	e.overlay.Freeze(e.active)
	if e.immutable != nil {
		e.immutable.Reset()
	}
	e.recycled, e.immutable, e.active = e.immutable, e.active, nil
	w, err := e.Begin()
	check(e, err)
	m, p, done := e.immutable, Position{Format: testSchema.Version, Seq: e.seq}, make(chan error, 1)
	e.done = done
	go func() { done <- w.Commit(m, p) }()
}

// wait ends when nothing is being written.
func (e *engine) wait() {
	e.overlay.Release()
	if e.done != nil {
		check(e, <-e.done)
		e.SetPosition(Position{Format: testSchema.Version, Seq: e.seq})
		e.done = nil
	}
}

func (e *engine) restart() {
	e.rotate()
	e.wait()
	e.close()
	e.open()
	if got := e.Position().Seq; got != e.seq {
		e.Errorf("position %d, want %d", got, e.seq)
	}
	e.active, e.immutable, e.recycled = nil, nil, nil
}

// TestModel applies random operations, with random ends of transactions and restarts, and compares
// all that can be read with the model. Applying them again in one transaction gives the same digest.
func TestModel(t *testing.T) {
	for seed := range uint64(3) {
		random := rand.New(rand.NewPCG(seed, 9))
		want, e := newModel(), &engine{harness: newHarness(t)}
		var all []operation
		seq := uint64(0)
		for range 12_000 {
			if seq++; random.IntN(1000) == 0 {
				seq += random.Uint64N(2 << partitionBits)
			}
			op := want.next(random, seq)
			all = append(all, op)
			e.apply(op, seq)
			switch random.IntN(300) {
			case 0, 1, 2:
				e.rotate()
				want.compareOverlay(e)
			case 3:
				e.overlay.Release()
			case 4:
				e.restart()
			}
		}
		e.restart()
		check(t, e.Verify())
		e.read(func(r *Reader) { want.compare(t, r, seq) })
		digest, err := e.Digest()
		check(t, err)
		again := newHarness(t)
		again.write(func(m *Memtable) {
			for _, op := range all {
				check(t, op(m))
			}
		})
		if got, err := again.Digest(); got != digest || err != nil {
			t.Errorf("seed %d: digest %s, %v, want %s", seed, got, err, digest)
		}
	}
}

// compareOverlay compares entries with those of the overlay, while its memtable is being written.
func (want *model) compareOverlay(e *engine) {
	e.Helper()
	for i := range 200 {
		name := fmt.Sprint(i)
		got, err := e.overlay.Get(plain, []byte(name))
		if value, ok := want.plain[name]; err != nil || string(got) != value || (got != nil) != ok {
			e.Fatalf("entry %s: %q, %v, want %q, %v", name, got, err, value, ok)
		}
	}
}

// compare compares everything with what a reader gives.
func (want *model) compare(t *testing.T, r *Reader, last uint64) {
	t.Helper()
	for key, value := range want.plain {
		if got := r.Entry(plain, []byte(key)); string(got) != value {
			t.Errorf("entry %q: %q, want %q", key, got, value)
		}
	}
	for name, n := range want.counters {
		if got := r.Counter(counters, name); got != n {
			t.Errorf("counter %s: %d, want %d", name, got, n)
		}
	}
	for name, list := range want.lists {
		compareSets(t, name, r.Postings(lists, name), list, last)
	}
	for set, all := range want.chunks {
		members := SliceList(slices.Sorted(maps.Keys(all)))
		compareSets(t, fmt.Sprint(set), r.All(set), members, last)
		compareForEach(t, r, set, members, 0)
		for _, n := range members {
			got, err := GetAs(r, set, n, func(value []byte) (string, error) { return string(value), nil })
			if got != all[n] || err != nil {
				t.Errorf("%v, %d: %q, %v, want %q", set, n, got, err, all[n])
			}
		}
	}
	want.compareNames(t, r)
}

func (want *model) compareNames(t *testing.T, r *Reader) {
	t.Helper()
	for name, seq := range want.names {
		for _, v := range []View{names, resident} {
			if got, err := r.Lookup(v, []byte(name)); got != seq || err != nil {
				t.Errorf("name %s of %d: %d, %v, want %d", name, v, got, err, seq)
			}
		}
	}
	if got, err := r.Lookup(names, []byte("none")); got != 0 || err != nil {
		t.Errorf("a name that is not there: %d, %v", got, err)
	}
	got := map[string][]uint64{}
	collect := func(name []byte, seq uint64) bool {
		got[string(name)] = append(got[string(name)], seq)
		return true
	}
	check(t, errors.Join(r.Names(unfiltered, collect)))
	for name, seqs := range want.many {
		if slices.Sort(seqs); !slices.Equal(slices.Sorted(slices.Values(got[name])), seqs) {
			t.Errorf("name %s: %d, want %d", name, got[name], seqs)
		}
		delete(got, name)
	}
	if len(got) > 0 {
		t.Errorf("%d other names", len(got))
	}
}

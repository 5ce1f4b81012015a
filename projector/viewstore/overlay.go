package viewstore

import (
	"bytes"
	"fmt"
	"sort"

	"github.com/bits-and-blooms/bloom/v3"
	bolt "go.etcd.io/bbolt"
)

// maxLookups limits the reads in one transaction. When the file grows, bbolt waits for open read
// transactions.
const maxLookups = 1000

// Overlay is what a memtable is filled upon: the frozen memtable, which may not be in the file yet,
// over the file. It belongs to the goroutine that fills memtables.
type Overlay struct {
	store     *Store
	immutable *Memtable // frozen; nil: everything is in the file
	tx        *bolt.Tx  // nil: none is open
	buckets   []*bolt.Bucket
	lookups   int    // in tx
	key       []byte // reused buffer
	value     []byte // reused buffer: pages may be damaged after they were read
	scratch   []byte // reused buffer
	cache     chunkCache
}

// NewOverlay returns an overlay of a store, without a frozen memtable.
func NewOverlay(s *Store) *Overlay {
	return &Overlay{store: s, buckets: make([]*bolt.Bucket, len(s.schema.Views)), value: []byte{}}
}

// Freeze freezes a memtable and lays it over the file, in the place of the previous one, which must
// have been committed.
func (o *Overlay) Freeze(m *Memtable) {
	m.Freeze()
	o.immutable = m
}

// Get reads an entry; nil if there is none. Of entries that are not committed it sees those of
// [Memtable.Set] and [Memtable.Delete] only. The value is valid until the next call.
func (o *Overlay) Get(v View, key []byte) ([]byte, error) {
	if o.immutable != nil {
		if value, ok := o.immutable.updates[entryID{v, string(key)}]; ok {
			return value, nil
		}
	}
	return o.read(v, key)
}

// read reads an entry of the file.
func (o *Overlay) read(v View, key []byte) (value []byte, err error) {
	defer o.store.guard(&err)()
	if o.lookups++; o.lookups > maxLookups {
		o.Release()
	}
	bucket, err := o.bucket(v)
	if err != nil {
		return nil, err
	}
	found := bucket.Get(key)
	if found == nil {
		return nil, nil
	}
	o.value = append(o.value[:0], found...)
	return o.value, nil
}

func (o *Overlay) bucket(v View) (*bolt.Bucket, error) {
	if o.tx == nil {
		var tx *bolt.Tx
		if err := o.store.attempt(0, func() (err error) {
			tx, err = o.store.db.Begin(false)
			return err
		}); err != nil {
			return nil, fmt.Errorf("read the views: %w", err)
		}
		o.tx = tx
	}
	if o.buckets[v] == nil {
		o.buckets[v] = o.tx.Bucket([]byte(o.store.schema.Views[v].Name))
	}
	return o.buckets[v], nil
}

// Release ends the read transaction. The next lookup opens a new one. That may see the frozen
// memtable committed; the overlay has shown those entries already.
func (o *Overlay) Release() {
	if o.tx != nil {
		_ = o.store.attempt(0, o.tx.Rollback) // it only read
	}
	o.tx, o.lookups = nil, 0
	clear(o.buckets)
}

// Lookup finds the first sequence of a name in a filtered hash index; 0 if there is none.
func (o *Overlay) Lookup(v View, name string) (uint64, error) {
	if o.immutable != nil {
		if seq, ok := o.immutable.resolved[v][name]; ok {
			return seq, nil
		}
	}
	filters, err := o.filters()
	if err != nil {
		return 0, err
	}
	o.scratch = append(o.scratch[:0], name...)
	bits := bloom.Locations(o.scratch, filterProbes)
	for p, filter := range filters.byPartition[v] {
		if filter == nil || !filter.TestLocations(bits) {
			continue
		}
		o.key = appendSlotKey(o.key[:0], uint32(p), hashSlot(o.scratch))
		value, err := o.read(v, o.key)
		if err != nil {
			return 0, err
		}
		if seq, err := (slot{uint32(p), value}).find(o.scratch); seq != 0 || err != nil {
			return seq, err
		}
	}
	return 0, nil
}

// chunkValue finds the value of a number in an active memtable's finished chunks, in the frozen memtable or
// in the file; nil if there is none. A cached chunk may lack places that were put later, and is right
// in those that it has.
func (o *Overlay) chunkValue(active *Memtable, set ChunkSet, n uint64) ([]byte, error) {
	number, place := n>>chunkBits, n&chunkMask
	for i := range o.cache.chunks {
		if c := &o.cache.chunks[i]; c.set == set && c.number == number && c.has(place) {
			return c.mustValue(place)
		}
	}
	o.key = set.key(o.key[:0], number)
	for _, m := range [...]*Memtable{active, o.immutable} {
		if m == nil {
			continue
		}
		if piece := m.piece(set.View, o.key); piece != nil {
			if c, ok := o.cache.take(set, number, piece); !ok || c.has(place) {
				return c.mustValue(place)
			}
		}
	}
	stored, err := o.read(set.View, o.key)
	if stored == nil || err != nil {
		return nil, err
	}
	c, ok := o.cache.take(set, number, stored)
	if !ok {
		return nil, ErrDamaged
	}
	return c.mustValue(place)
}

// piece is the value of a chunk's entry in the memtable, whose entries are in order; nil if there is
// none.
func (m *Memtable) piece(v View, key []byte) []byte {
	entries := m.entries[v]
	i := sort.Search(len(entries), func(i int) bool { return bytes.Compare(entries[i].key, key) >= 0 })
	if i == len(entries) || !bytes.Equal(entries[i].key, key) {
		return nil
	}
	return entries[i].value
}

// sequences adds the sequences of a name in the file, from the partition of one on.
func (o *Overlay) sequences(v View, number int, name []byte, from uint64, found map[uint64]struct{}) (err error) {
	defer o.store.guard(&err)()
	bucket, err := o.bucket(v)
	if err != nil {
		return err
	}
	for p := range partitions(bucket, from) {
		o.key = appendSlotKey(o.key[:0], p, number)
		value, err := o.read(v, o.key)
		if err != nil {
			return err
		}
		if !(slot{p, value}).forEach(func(other []byte, seq uint64) bool {
			if string(other) == string(name) {
				found[seq] = struct{}{}
			}
			return true
		}) {
			return ErrDamaged
		}
	}
	return nil
}

// filters are the Bloom filters of the file's names and of those inserted since. The first call
// reads them from the file: 0.1 s for each million names.
func (o *Overlay) filters() (*bloomFilters, error) {
	if o.store.filters == nil {
		if err := o.loadFilters(); err != nil {
			return nil, err
		}
	}
	return o.store.filters, nil
}

func (o *Overlay) loadFilters() (err error) {
	defer o.store.guard(&err)()
	loaded := newBloomFilters(len(o.store.schema.Views))
	for v, spec := range o.store.schema.Views {
		if !spec.Filtered {
			continue
		}
		bucket, err := o.bucket(View(v))
		if err == nil {
			err = loaded.load(View(v), bucket)
		}
		if err != nil {
			return err
		}
	}
	o.store.filters = loaded
	return nil
}

package viewstore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"runtime/debug"
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
	cursors   []*bolt.Cursor
	resident  []*nameTable     // by view, with what memtables were filled with; nil: not loaded
	ranges    []partitionRange // of the indexes, as of tx
	lookups   int              // in tx
	missing   []missingChunk   // by view: the one that was looked for last
	key       []byte           // reused buffer
	value     []byte           // reused buffer: pages may be damaged after they were read
	scratch   []byte           // reused buffer
	cache     chunkCache
}

// NewOverlay returns an overlay of a store, without a frozen memtable.
func NewOverlay(s *Store) *Overlay {
	views := len(s.schema.Views)
	return &Overlay{
		store: s, cursors: make([]*bolt.Cursor, views), ranges: make([]partitionRange, views),
		missing: make([]missingChunk, views), value: []byte{}, resident: make([]*nameTable, views),
	}
}

// Freeze freezes a memtable and lays it over the file, in the place of the previous one, which must
// have been committed.
func (o *Overlay) Freeze(m *Memtable) {
	m.Freeze()
	o.immutable = m
	clear(o.missing)
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
	defer o.store.guard(&err, debug.SetPanicOnFault(true))
	found, err := o.page(v, key)
	if found == nil || err != nil {
		return nil, err
	}
	o.value = append(o.value[:0], found...)
	return o.value, nil
}

// page reads an entry of the file, from its page: the caller is guarded until it has used the value.
func (o *Overlay) page(v View, key []byte) ([]byte, error) {
	if o.lookups++; o.lookups > maxLookups {
		o.Release()
	}
	cursor, err := o.cursor(v)
	if err != nil {
		return nil, err
	}
	if found, value := cursor.Seek(key); bytes.Equal(found, key) {
		return value, nil
	}
	return nil, nil
}

// cursor is the view's cursor of the transaction. One that is used again allocates nothing.
func (o *Overlay) cursor(v View) (*bolt.Cursor, error) {
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
	if o.cursors[v] == nil {
		o.cursors[v] = o.tx.Bucket([]byte(o.store.schema.Views[v].Name)).Cursor()
	}
	return o.cursors[v], nil
}

// Release ends the read transaction. The next lookup opens a new one. That may see the frozen
// memtable committed; the overlay has shown those entries already.
func (o *Overlay) Release() {
	if o.tx != nil {
		_ = o.store.attempt(0, o.tx.Rollback) // it only read
	}
	o.tx, o.lookups = nil, 0
	clear(o.cursors)
	clear(o.ranges)
}

// Lookup finds the first sequence of a name in a filtered hash index that is not resident; 0 if there is none. It does
// not look into the active memtable, which does so before.
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
	hash, positions := hashOf(o.scratch), bloom.Locations(o.scratch, filterProbes)
	for number, group := range filters.groups[v] {
		for may := group.mayHave(positions); may != 0; may &= may - 1 { // the earliest first
			r := uint32(number*groupSize + bits.TrailingZeros64(may)) //nolint:gosec // as in the keys
			p := r >> rangeBits
			o.key = appendSlotKey(o.key[:0], p, slotIn(hash, r))
			value, err := o.read(v, o.key)
			if err != nil {
				return 0, err
			}
			if seq, err := (slot{p, value}).find(o.scratch); seq != 0 || err != nil {
				return seq, err
			}
		}
	}
	return 0, nil
}

// chunkValue finds the value of a number in an active memtable's finished chunks, in the frozen memtable or
// in the file; nil if there is none. A cached chunk may lack places that were put later, and is right
// in those that it has.
func (o *Overlay) chunkValue(active *Memtable, set ChunkSet, n uint64) ([]byte, error) {
	number, place, spec := n>>chunkBits, n&chunkMask, &o.store.schema.Views[set.View]
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
			if c, ok := o.cache.take(spec, set, number, piece); !ok || c.has(place) {
				return c.mustValue(place)
			}
		}
	}
	if o.missing[set.View] == (missingChunk{set, number, true}) {
		return nil, nil
	}
	stored, err := o.read(set.View, o.key)
	if err != nil {
		return nil, err
	}
	if stored == nil {
		o.missing[set.View] = missingChunk{set, number, true}
		return nil, nil
	}
	c, ok := o.cache.take(spec, set, number, stored)
	if !ok {
		return nil, ErrDamaged
	}
	return c.mustValue(place)
}

// missingChunk is a chunk that neither the frozen memtable nor the file has.
type missingChunk struct {
	set    ChunkSet
	number uint64
	known  bool
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

// sequences adds the sequences of a name in the file, from the partition of one on. active is the memtable that is
// being filled.
func (o *Overlay) sequences(
	active *Memtable, v View, hash int, name []byte, from uint64, found map[uint64]struct{},
) (err error) {
	defer o.store.guard(&err, debug.SetPanicOnFault(true))
	stored, err := o.partitions(v)
	if err != nil {
		return err
	}
	positions := bloom.Locations(name, filterProbes)
	for p := max(stored.first, uint64(partitionOf(from))); p < stored.end; p++ {
		may, err := o.mayHave(active, v, uint32(p), positions)
		if err != nil {
			return err
		}
		for ; may != 0; may &= may - 1 { // the earliest first
			number := slotIn(hash, uint32(bits.TrailingZeros64(may))) //nolint:gosec // below 64
			o.key = appendSlotKey(o.key[:0], uint32(p), number)
			value, err := o.page(v, o.key)
			if err != nil {
				return err
			}
			if !(slot{uint32(p), value}).forEachOf(name, func(seq uint64) { found[seq] = struct{}{} }) {
				return ErrDamaged
			}
		}
	}
	return nil
}

// partitionRange are the partitions of an index from first to the one before end. Some may be empty.
type partitionRange struct{ first, end uint64 }

// partitions are those that an index has in the file.
func (o *Overlay) partitions(v View) (partitionRange, error) {
	cursor, err := o.cursor(v)
	if err != nil || o.ranges[v].end > 0 {
		return o.ranges[v], err
	}
	if first, _ := cursor.First(); len(first) >= partitionSize {
		last, _ := cursor.Last()
		o.ranges[v] = partitionRange{
			uint64(binary.BigEndian.Uint32(first)), uint64(binary.BigEndian.Uint32(last)) + 1,
		}
	}
	return o.ranges[v], nil
}

// mayHave are the ranges of a partition that may have a name with these positions in a Bloom filter: a bit for each. A
// partition gets filters when it has been read often.
func (o *Overlay) mayHave(active *Memtable, v View, p uint32, positions []uint64) (uint64, error) {
	const all = 1<<(1<<rangeBits) - 1
	searched := o.store.searched
	if searches := searched.searchesOf(v, p); *searches != hasFilters {
		if *searches++; *searches < searchesBeforeFilters {
			return all, nil
		}
		if err := o.loadPartition(active, v, p); err != nil {
			return 0, err
		}
		*searches = hasFilters
	}
	first := p << rangeBits
	return searched.filters.group(v, first).mayHave(positions) >> (first % groupSize) & all, nil
}

// loadPartition fills the filters of a partition with the names in the file and those that are not in it yet. It takes
// 10 ms for a full partition.
func (o *Overlay) loadPartition(active *Memtable, v View, p uint32) error {
	cursor, err := o.cursor(v)
	if err != nil {
		return err
	}
	add := func(name []byte, seq uint64) bool {
		o.store.searched.filters.add(v, name, seq)
		return true
	}
	begin := binary.BigEndian.AppendUint32(nil, p)
	for key, value := cursor.Seek(begin); bytes.HasPrefix(key, begin); key, value = cursor.Next() {
		if !(slot{p, value}).forEach(add) {
			return ErrDamaged
		}
	}
	for _, m := range [...]*Memtable{o.immutable, active} {
		if m != nil {
			m.indexes[v].forEachAdded(p, add)
		}
	}
	return nil
}

// names are those of a resident index. The first call reads them from the file, 0.4 s for each million: no memtable has
// changed the index then.
func (o *Overlay) names(v View) (*nameTable, error) {
	if o.resident[v] == nil {
		if err := o.loadNames(v); err != nil {
			return nil, err
		}
	}
	return o.resident[v], nil
}

func (o *Overlay) loadNames(v View) (err error) {
	defer o.store.guard(&err, debug.SetPanicOnFault(true))
	cursor, err := o.cursor(v)
	if err != nil {
		return err
	}
	names := newNameTable()
	var full error
	err = forEachName(cursor, func(name []byte, seq uint64) bool {
		full = names.put(string(name), seq) // of several the first one counts
		return full == nil
	})
	if err = errors.Join(err, full); err == nil {
		o.resident[v] = names
	}
	return err
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
	defer o.store.guard(&err, debug.SetPanicOnFault(true))
	loaded := newBloomFilters(len(o.store.schema.Views))
	for v, spec := range o.store.schema.Views {
		if !spec.Filtered || spec.Resident {
			continue
		}
		cursor, err := o.cursor(View(v))
		if err == nil {
			err = loaded.load(View(v), cursor)
		}
		if err != nil {
			return err
		}
	}
	o.store.filters = loaded
	return nil
}

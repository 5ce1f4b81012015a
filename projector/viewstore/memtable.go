package viewstore

// Memtable collects the changes of one transaction. Its owner fills it in stream order, freezes it,
// and writes it with [WriteTx.Commit] while the next one is filled. It is not safe for concurrent
// use; a frozen memtable may be read by an [Overlay] and a WriteTx at the same time.
type Memtable struct {
	overlay *Overlay

	arena    arena               // keys and values of the entries
	chunks   map[ChunkSet]*chunk // that values are being added to
	entries  [][]entry           // by view: new entries, and encoded chunks
	updates  map[entryID][]byte  // of entries that may exist; nil: deleted
	indexes  []indexDeltas       // by view
	resolved []map[string]uint64 // by view: what a looked up name stands for; 0: nothing. nil: not filtered, or resident
	postings []pendingPostings   // by view
	counts   []map[string]uint64 // by view: to be added to the counters
	name     []byte              // reused buffer
}

// entry is a new entry of a view.
type entry struct{ key, value []byte }

// entryID identifies an entry of any view.
type entryID struct {
	view View
	key  string
}

// NewMemtable returns an empty memtable for an overlay's store.
func NewMemtable(o *Overlay) *Memtable {
	views := o.store.schema.Views
	m := &Memtable{
		chunks: map[ChunkSet]*chunk{}, updates: map[entryID][]byte{},
		entries: make([][]entry, len(views)), indexes: make([]indexDeltas, len(views)),
		resolved: make([]map[string]uint64, len(views)), postings: make([]pendingPostings, len(views)),
		counts: make([]map[string]uint64, len(views)), overlay: o,
	}
	for v := range views {
		switch {
		case views[v].Layout == PostingLists:
			m.postings[v] = pendingPostings{}
		case views[v].Layout == Counters:
			m.counts[v] = map[string]uint64{}
		case views[v].Filtered && !views[v].Resident:
			m.resolved[v] = map[string]uint64{}
		}
	}
	return m
}

// Reset empties a memtable that was written, and keeps its buffers for the next transaction.
func (m *Memtable) Reset() {
	m.arena.reset()
	clear(m.chunks)
	clear(m.updates)
	for v := range m.entries {
		clear(m.entries[v])
		m.entries[v] = m.entries[v][:0]
		m.indexes[v].reset()
		clear(m.resolved[v])
		clear(m.postings[v])
		clear(m.counts[v])
	}
}

// PutNew adds an entry whose key is not in the file and comes once only. The memtable retains key
// and value.
func (m *Memtable) PutNew(v View, key, value []byte) {
	m.entries[v] = append(m.entries[v], entry{key, value})
}

// Set writes an entry in the place of one that may exist. The memtable retains the value, which is
// not nil.
func (m *Memtable) Set(v View, key, value []byte) { m.updates[entryID{v, string(key)}] = value }

// Delete removes an entry that may exist.
func (m *Memtable) Delete(v View, key []byte) { m.updates[entryID{v, string(key)}] = nil }

// Put sets the value of a number in a view of chunks. A chunk is encoded as soon as the next one of
// its set begins, so that the memtable does not retain values uncompressed.
func (m *Memtable) Put(set ChunkSet, n uint64, value []byte) {
	c := m.chunks[set]
	if c == nil {
		c = &chunk{set: set, columns: m.overlay.store.schema.Views[set.View].Columns}
		m.chunks[set] = c
	}
	if number := n >> chunkBits; number != c.number {
		m.flush(c)
		c.number = number
	}
	c.put(n&chunkMask, value)
}

// Value reads the value of a number as the operations so far left it; nil if there is none. It is for
// views with a single set whose numbers are put in ascending order, each once. The value is valid until
// four other chunks were read or, if it is not committed yet, until the next operation.
func (m *Memtable) Value(set ChunkSet, n uint64) ([]byte, error) {
	if c := m.chunks[set]; c != nil && c.number == n>>chunkBits && c.has(n&chunkMask) {
		return c.mustValue(n & chunkMask)
	}
	return m.overlay.chunkValue(m, set, n)
}

// Get reads an entry as the operations so far left it; nil if there is none. Of entries that are not
// committed it sees those of [Memtable.Set] and [Memtable.Delete] only. The value is valid until the
// next call.
func (m *Memtable) Get(v View, key []byte) ([]byte, error) {
	if value, ok := m.updates[entryID{v, string(key)}]; ok {
		return value, nil
	}
	return m.overlay.Get(v, key)
}

// flush makes an entry of a chunk that values were added to.
func (m *Memtable) flush(c *chunk) {
	if c.bitmap != 0 {
		m.PutNew(c.set.View, c.set.key(m.arena.alloc(16), c.number), c.encode(&m.arena))
	}
	c.bitmap, c.plain = 0, c.plain[:0]
}

// Insert adds a name and its sequence to a hash index. hashed is the name, or the part of it that
// [Reader.InSlot] searches by. The index does not hold the name with this sequence.
func (m *Memtable) Insert(v View, hashed, name []byte, seq uint64) {
	m.indexes[v].insert(slotIn(hashOf(hashed), rangeOf(seq)), name, seq)
	m.overlay.store.searched.add(v, name, seq)
}

// Remove removes a name and its sequence, which the hash index holds. The slot is written again at the
// commit, which costs what an Insert costs.
func (m *Memtable) Remove(v View, hashed, name []byte, seq uint64) {
	m.indexes[v].remove(slotIn(hashOf(hashed), rangeOf(seq)), name, seq)
}

// Sequences finds all sequences of a name in a hash index, from the partition of one on. It reads one slot of each
// range, or, in the partitions that are searched often, of each range that may have the name.
func (m *Memtable) Sequences(v View, hashed, name []byte, from uint64) (map[uint64]struct{}, error) {
	found := map[uint64]struct{}{}
	hash := hashOf(hashed)
	if err := m.overlay.sequences(m, v, hash, name, from, found); err != nil {
		return nil, err
	}
	if frozen := m.overlay.immutable; frozen != nil {
		frozen.indexes[v].replay(hash, name, found)
	}
	m.indexes[v].replay(hash, name, found)
	return found, nil
}

// Append adds a member to a posting list. It is larger than all others of the list, and was not among
// them before.
func (m *Memtable) Append(v View, list string, n uint64) { m.postings[v].append(list, n) }

// Include makes a number a member of a posting list, if it is none. It costs more than Append.
func (m *Memtable) Include(v View, list string, n uint64) { m.postings[v].edit(list, n, true) }

// Exclude removes a number from a posting list, if it is a member.
func (m *Memtable) Exclude(v View, list string, n uint64) { m.postings[v].edit(list, n, false) }

// Count adds to a counter.
func (m *Memtable) Count(v View, counter string, n uint64) { m.counts[v][counter] += n }

// Uncount subtracts from a counter. One that is 0 stays in the file.
func (m *Memtable) Uncount(v View, counter string, n uint64) { m.counts[v][counter] -= n }

// Lookup finds the first sequence of a name in a filtered hash index: among the resident names; or else in this
// memtable, in the frozen one or in the file. It is 0 if there is none.
func (m *Memtable) Lookup(v View, name string) (uint64, error) {
	if m.isResident(v) {
		names, err := m.overlay.names(v)
		if err != nil {
			return 0, err
		}
		return names.get(name), nil
	}
	if seq, ok := m.resolved[v][name]; ok {
		return seq, nil
	}
	seq, err := m.overlay.Lookup(v, name)
	if err == nil {
		m.resolved[v][name] = seq
	}
	return seq, err
}

// LookupOrInsert finds the first sequence of a name, or inserts the name with seq.
func (m *Memtable) LookupOrInsert(v View, name string, seq uint64) (first uint64, inserted bool, err error) {
	first, err = m.Lookup(v, name)
	if err != nil || first != 0 {
		return first, false, err
	}
	m.name = append(m.name[:0], name...)
	if m.isResident(v) {
		if err := m.overlay.resident[v].put(name, seq); err != nil {
			return 0, false, err
		}
	} else {
		filters, err := m.overlay.filters()
		if err != nil {
			return 0, false, err
		}
		m.resolved[v][name] = seq
		filters.add(v, m.name, seq)
	}
	m.Insert(v, m.name, m.name, seq)
	return seq, true, nil
}

// Forget removes a name and its sequence from a filtered hash index: look-ups do not find the name until
// it is inserted again.
func (m *Memtable) Forget(v View, name string, seq uint64) error {
	if m.isResident(v) {
		names, err := m.overlay.names(v)
		if err != nil {
			return err
		}
		names.remove(name)
	} else {
		m.resolved[v][name] = 0
	}
	m.name = append(m.name[:0], name...)
	m.Remove(v, m.name, m.name, seq)
	return nil
}

func (m *Memtable) isResident(v View) bool { return m.overlay.store.schema.Views[v].Resident }

// Freeze ends the memtable: it must not be changed until [Memtable.Reset].
func (m *Memtable) Freeze() {
	for _, c := range m.chunks {
		m.flush(c)
	}
}

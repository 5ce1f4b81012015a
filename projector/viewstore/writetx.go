package viewstore

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	bolt "go.etcd.io/bbolt"
)

// yieldEntries is the number of entries that take about a millisecond to write. The scheduler
// preempts a goroutine only after 10 ms, and a reader's answer would wait for several such slices.
// Yielding earlier: p99 of reads during an import 34 → 20 ms.
const yieldEntries = 256

// WriteTx is the transaction that one frozen memtable is written in.
type WriteTx struct {
	store   *Store
	tx      *bolt.Tx
	db      *bolt.DB
	size    int64 // of the file's pages as of the commit
	schema  *Schema
	buckets []*bolt.Bucket
	sums    []uint64 // the store's checksums
}

// Begin opens a write transaction. It waits until no other is open.
func (s *Store) Begin() (*WriteTx, error) {
	w := &WriteTx{store: s, db: s.db, schema: &s.schema, sums: s.sums, buckets: make([]*bolt.Bucket, len(s.schema.Views))}
	if err := s.attempt(0, w.begin); err != nil {
		return nil, fmt.Errorf("begin a transaction of the views: %w", err)
	}
	return w, nil
}

func (w *WriteTx) begin() error {
	tx, err := w.db.Begin(true)
	if err != nil {
		return err
	}
	if err := w.store.checkSize(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	w.tx = tx
	for v, spec := range w.schema.Views {
		w.buckets[v] = tx.Bucket([]byte(spec.Name))
		if spec.Layout != HashIndex {
			w.buckets[v].FillPercent = 0.9
		}
	}
	return nil
}

// Rollback ends the transaction without a change.
func (w *WriteTx) Rollback() error { return w.tx.Rollback() }

// Commit writes a frozen memtable and the position in the stream that it leads to, and ends the
// transaction. After an error nothing of it is in the file, and [Store.Reload] must be called before
// the next transaction.
func (w *WriteTx) Commit(m *Memtable, p Position) (err error) {
	defer w.store.guard(&err, debug.SetPanicOnFault(true))
	if err := w.write(m, p); err != nil {
		_ = w.tx.Rollback()
		return fmt.Errorf("write the views: %w", err)
	}
	w.size = w.tx.Size()
	if err := w.tx.Commit(); err != nil {
		return fmt.Errorf("commit the views: %w", err)
	}
	return nil
}

func (w *WriteTx) write(m *Memtable, p Position) error {
	if err := w.writeUpdates(m.updates); err != nil {
		return err
	}
	for v := range w.schema.Views {
		view := View(v)
		if err := errors.Join(
			w.writeCounts(view, m.counts[v]),
			w.writeEntries(view, m.entries[v], &m.arena),
			w.writeIndex(view, &m.indexes[v], &m.arena),
			w.writePostings(view, m.postings[v], &m.arena),
		); err != nil {
			return err
		}
	}
	return writeMeta(w.tx, p, w.sums)
}

// writeUpdates writes and deletes entries that may exist.
func (w *WriteTx) writeUpdates(updates map[entryID][]byte) error {
	inOrder := slices.SortedFunc(maps.Keys(updates), func(a, b entryID) int {
		return cmp.Or(cmp.Compare(a.view, b.view), strings.Compare(a.key, b.key))
	})
	for _, id := range inOrder {
		var err error
		key := []byte(id.key)
		if value := updates[id]; value != nil {
			err = w.set(id.view, key, w.buckets[id.view].Get(key), value)
		} else {
			err = w.remove(id.view, key)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// writeCounts adds to the counters.
func (w *WriteTx) writeCounts(v View, counts map[string]uint64) error {
	for name, n := range counts {
		key := []byte(name)
		old := w.buckets[v].Get(key)
		if old != nil {
			if len(old) != 8 {
				return ErrDamaged
			}
			n += binary.BigEndian.Uint64(old)
		}
		if err := w.set(v, key, old, NumberKey(n)); err != nil {
			return err
		}
	}
	return nil
}

// writeEntries writes a view's new entries in key order, so that each page is touched once. A chunk
// may come in several pieces; they stay in their order.
func (w *WriteTx) writeEntries(v View, entries []entry, a *arena) error {
	byKey := func(a, b entry) int { return bytes.Compare(a.key, b.key) }
	if !slices.IsSortedFunc(entries, byKey) {
		slices.SortStableFunc(entries, byKey)
	}
	if w.schema.Views[v].Layout == Chunks {
		return w.writeChunks(v, entries, a)
	}
	bucket := w.buckets[v]
	for i, e := range entries {
		if i%yieldEntries == 0 {
			runtime.Gosched()
		}
		if err := bucket.Put(e.key, e.value); err != nil {
			return err
		}
		w.sums[v] += entrySum(e.key, e.value)
	}
	return nil
}

// append appends to an entry, or creates it.
func (w *WriteTx) append(v View, key, added []byte, a *arena) error {
	old := w.buckets[v].Get(key)
	return w.set(v, key, old, append(append(a.alloc(len(old)+len(added)), old...), added...))
}

// set writes an entry in the place of an old value; nil: there is none.
func (w *WriteTx) set(v View, key, old, value []byte) error {
	if old != nil {
		w.sums[v] -= entrySum(key, old)
	}
	w.sums[v] += entrySum(key, value)
	return w.buckets[v].Put(key, value)
}

func (w *WriteTx) remove(v View, key []byte) error {
	if old := w.buckets[v].Get(key); old != nil {
		w.sums[v] -= entrySum(key, old)
	}
	return w.buckets[v].Delete(key)
}

package projector

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"licenseimport/events"

	bolt "go.etcd.io/bbolt"
)

// yieldEntries, and yieldFacts in folding, are how many make about a millisecond. Go takes a core from a
// goroutine after 10 ms only; who answers readers would wait for several such: giving it up
// earlier brought the slowest hundredth of the answers during an import from 34 to 20 ms.
const yieldEntries = 256

// releaseAfter is how many events of a batch touch so many pages that they are given back.
const releaseAfter = 5000

// writing is a transaction that a closed batch is written in.
type writing struct {
	tx      *bolt.Tx
	buckets [numViews]*bolt.Bucket
	sums    *[numViews]uint64
}

// begin opens a transaction; it waits for the one before it.
func (s *store) begin() (*writing, error) {
	tx, err := s.db.Begin(true)
	if err != nil {
		return nil, fmt.Errorf("begin a transaction of the views: %w", err)
	}
	w := &writing{tx: tx, sums: &s.sums}
	for v := range viewTable {
		w.buckets[v] = tx.Bucket([]byte(viewTable[v].name))
		if viewTable[v].grows != inSlots {
			w.buckets[v].FillPercent = 0.9
		}
	}
	return w, nil
}

// commit writes everything in one transaction. After an error nothing of it is
// written, and the store has to be loaded again.
func (w *writing) commit(b *memtable) error {
	if err := w.write(b); err != nil {
		_ = w.tx.Rollback()
		return fmt.Errorf("write the views: %w", err)
	}
	db, size := w.tx.DB(), w.tx.Size()
	if err := w.tx.Commit(); err != nil {
		return fmt.Errorf("commit the views: %w", err)
	}
	if b.events >= releaseAfter {
		release(db, size)
	}
	return nil
}

func (w *writing) write(b *memtable) error {
	for id, j := range b.stored {
		if err := w.writeJob(id, j); err != nil {
			return err
		}
	}
	for name, n := range b.counts {
		key := []byte(name)
		old := w.buckets[counters].Get(key)
		if old != nil {
			n += binary.BigEndian.Uint64(old)
		}
		if err := w.set(counters, key, old, number(n)); err != nil {
			return err
		}
	}
	for v := range numViews {
		if err := errors.Join(w.writePending(v, b.pending[v], &b.slab), w.writeTables(v, &b.tables[v], &b.slab), w.writeGrowing(v, b.growing[v], &b.slab)); err != nil {
			return err
		}
	}
	return writeMeta(w.tx, b.position, w.sums)
}

// writePending writes a view's new entries in the order of their keys, so that
// each page is touched once. A segment may come in several pieces, which keep their order.
func (w *writing) writePending(v view, pending []entry, room *slab) error {
	byKey := func(a, b entry) int { return bytes.Compare(a.key, b.key) }
	if !slices.IsSortedFunc(pending, byKey) {
		slices.SortStableFunc(pending, byKey)
	}
	if viewTable[v].grows == inSegments {
		return w.writeSegments(v, pending, room)
	}
	bucket := w.buckets[v]
	for i, e := range pending {
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

// writeJob writes a job and its place in the index.
func (w *writing) writeJob(id events.JobID, j storedJob) error {
	if err := w.replace(jobs, number(id), j.value); err != nil || j.indexed == j.status {
		return err
	}
	var err error
	if j.indexed == "" {
		err = w.replace(jobIndex, textNumber(managerIndex(j.manager), id), []byte{})
	} else {
		err = w.remove(jobIndex, textNumber(statusIndex(j.indexed), id))
	}
	if err != nil {
		return err
	}
	return w.replace(jobIndex, textNumber(statusIndex(j.status), id), []byte{})
}

func managerIndex(name string) string { return "manager\x00" + name }
func statusIndex(s Status) string     { return "status\x00" + string(s) }

// extend appends to an entry, or makes it.
func (w *writing) extend(v view, key, added []byte, room *slab) error {
	old := w.buckets[v].Get(key)
	return w.set(v, key, old, append(append(room.room(len(old)+len(added)), old...), added...))
}

// replace writes an entry that may be there already.
func (w *writing) replace(v view, key, value []byte) error {
	return w.set(v, key, w.buckets[v].Get(key), value)
}

// set writes an entry in the place of what is there; nil: nothing is.
func (w *writing) set(v view, key, old, value []byte) error {
	if old != nil {
		w.sums[v] -= entrySum(key, old)
	}
	w.sums[v] += entrySum(key, value)
	return w.buckets[v].Put(key, value)
}

func (w *writing) remove(v view, key []byte) error {
	if old := w.buckets[v].Get(key); old != nil {
		w.sums[v] -= entrySum(key, old)
	}
	return w.buckets[v].Delete(key)
}

package projector

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"licenseimport/events"

	bolt "go.etcd.io/bbolt"
)

// When a batch is committed, beside the ends of imports and waiting readers.
const (
	maxBatchEvents = 100_000
	maxBatchBytes  = 64 << 20
)

// releaseAfter is how many events of a batch touch so many pages that they are given back.
const releaseAfter = 5000

// batch collects the changes of one transaction. What it looks up is the file
// as it was when the transaction began, and the changes since then.
type batch struct {
	tx       *bolt.Tx
	buckets  [numViews]*bolt.Bucket
	position position
	sums     *[numViews]uint64

	slab     *slab // the entries' keys and values
	pending  [numViews][]entry
	growing  [numViews]growing               // of the views of blocks
	interned [numViews]map[string]events.Seq // of the views of names: what a name stands for; 0: nothing
	counts   map[string]uint64               // added to the counters
	jobs     map[events.JobID]*job           // those that go on, kept from batch to batch, and those touched
	touched  []*job

	shown []events.JobID // whose counts moved, for readers, since they were last asked for
	ended []events.JobID

	events, bytes int
}

// entry is one new entry of a view.
type entry struct{ key, value []byte }

// begin opens a transaction. Only one batch is open at a time.
func (s *store) begin(open map[events.JobID]*job) (*batch, error) {
	tx, err := s.db.Begin(true)
	if err != nil {
		return nil, fmt.Errorf("begin a transaction of the views: %w", err)
	}
	b := &batch{tx: tx, position: s.position, sums: &s.sums, slab: &s.slab, pending: s.spare, counts: map[string]uint64{}, jobs: open}
	for v := range viewTable {
		b.buckets[v] = tx.Bucket([]byte(viewTable[v].name))
		if viewTable[v].grows != scattered {
			b.buckets[v].FillPercent = 0.9
		}
		if viewTable[v].grows == inBlocks {
			b.growing[v] = growing{}
		}
	}
	b.interned[customerByEmail] = map[string]events.Seq{}
	b.interned[orderByStore] = map[string]events.Seq{}
	return b, nil
}

// put adds an entry that is new: no event names the same key twice.
func (b *batch) put(v view, key, value []byte) {
	b.pending[v] = append(b.pending[v], entry{key, value})
}

// find gives what a name stands for, 0 if nothing.
func (b *batch) find(v view, name string) (events.Seq, error) {
	if seq, ok := b.interned[v][name]; ok {
		return seq, nil
	}
	var seq events.Seq
	if value := b.buckets[v].Get([]byte(name)); value != nil {
		if len(value) != 8 {
			return 0, errDamaged
		}
		seq = events.Seq(binary.BigEndian.Uint64(value))
	}
	b.interned[v][name] = seq
	return seq, nil
}

// findOrMake gives what a name stands for, which from now on is seq if it was nothing.
func (b *batch) findOrMake(v view, name string, seq events.Seq) (id events.Seq, made bool, err error) {
	id, err = b.find(v, name)
	if err != nil || id != 0 {
		return id, false, err
	}
	b.interned[v][name] = seq
	b.put(v, append(b.slab.room(len(name)), name...), b.slab.number(uint64(seq)))
	return seq, true, nil
}

// job is what is known of an import; nil if it never started.
func (b *batch) job(id events.JobID) (*job, error) {
	if j := b.jobs[id]; j != nil {
		return j, nil
	}
	value := b.buckets[jobs].Get(number(id))
	if value == nil {
		return nil, nil
	}
	j, err := parseJob(value)
	if err != nil {
		return nil, err
	}
	b.jobs[id] = j
	return j, nil
}

func parseJob(value []byte) (*job, error) {
	j := new(job)
	if err := json.Unmarshal(value, j); err != nil {
		return nil, fmt.Errorf("%w: import: %w", errDamaged, err)
	}
	j.indexed = j.Status
	return j, nil
}

// touch has the job written when the batch is committed.
func (b *batch) touch(j *job) {
	if !j.dirty {
		j.dirty = true
		b.touched = append(b.touched, j)
	}
}

// full tells whether the batch should grow no more.
func (b *batch) full() bool { return b.events >= maxBatchEvents || b.bytes >= maxBatchBytes }

// commit writes everything in one transaction. After an error nothing of it is
// written, and the store has to be opened again.
func (b *batch) commit(s *store) error {
	if err := b.write(); err != nil {
		_ = b.tx.Rollback()
		return fmt.Errorf("write the views: %w", err)
	}
	size := b.tx.Size()
	if err := b.tx.Commit(); err != nil {
		return fmt.Errorf("commit the views: %w", err)
	}
	if b.events >= releaseAfter {
		release(s.db, size)
	}
	s.position = b.position
	s.slab.reset()
	for v, pending := range b.pending {
		clear(pending)
		s.spare[v] = pending[:0]
	}
	for _, j := range b.touched {
		j.dirty = false
		if j.ended() {
			delete(b.jobs, j.ID)
		}
	}
	return nil
}

func (b *batch) write() error {
	for _, j := range b.touched {
		if err := b.writeJob(j); err != nil {
			return err
		}
	}
	for name, n := range b.counts {
		key := []byte(name)
		if old := b.buckets[counters].Get(key); old != nil {
			n += binary.BigEndian.Uint64(old)
		}
		if err := b.replace(counters, key, number(n)); err != nil {
			return err
		}
	}
	for v := range b.pending {
		if err := errors.Join(b.writePending(view(v)), b.writeGrowing(view(v))); err != nil {
			return err
		}
	}
	return writeMeta(b.tx, b.position, b.sums)
}

// writePending writes a view's new entries in the order of their keys, so that
// each page is touched once.
func (b *batch) writePending(v view) error {
	pending := b.pending[v]
	byKey := func(a, b entry) int { return bytes.Compare(a.key, b.key) }
	if !slices.IsSortedFunc(pending, byKey) {
		slices.SortFunc(pending, byKey)
	}
	bucket := b.buckets[v]
	for _, e := range pending {
		if err := bucket.Put(e.key, e.value); err != nil {
			return err
		}
		b.sums[v] += entrySum(e.key, e.value)
	}
	return nil
}

// writeJob writes a job and its place in the index.
func (b *batch) writeJob(j *job) error {
	value, err := json.Marshal(j)
	if err != nil {
		return err
	}
	if err := b.replace(jobs, number(j.ID), value); err != nil || j.indexed == j.Status {
		return err
	}
	if j.indexed == "" {
		err = b.replace(jobIndex, textNumber(managerIndex(j.Manager), j.ID), []byte{})
	} else {
		err = b.remove(jobIndex, textNumber(statusIndex(j.indexed), j.ID))
	}
	if err != nil {
		return err
	}
	j.indexed = j.Status
	return b.replace(jobIndex, textNumber(statusIndex(j.Status), j.ID), []byte{})
}

func managerIndex(name string) string { return "manager\x00" + name }
func statusIndex(s status) string     { return "status\x00" + string(s) }

// replace writes an entry that may be there already.
func (b *batch) replace(v view, key, value []byte) error {
	if old := b.buckets[v].Get(key); old != nil {
		b.sums[v] -= entrySum(key, old)
	}
	b.sums[v] += entrySum(key, value)
	return b.buckets[v].Put(key, value)
}

func (b *batch) remove(v view, key []byte) error {
	if old := b.buckets[v].Get(key); old != nil {
		b.sums[v] -= entrySum(key, old)
	}
	return b.buckets[v].Delete(key)
}

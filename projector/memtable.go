package projector

import (
	"encoding/json"
	"fmt"

	"licenseimport/events"
	"licenseimport/projector/viewstore"
)

// A memtable is full at these limits. A reader may have to wait while one is written. Larger ones
// than these save no CPU and cost memory.
const (
	maxBatchEvents        = 12_000
	concurrentBatchEvents = 3000   // while several imports run: small ones wait for the transactions of large ones
	maxRebuildEvents      = 50_000 // no reader waits
	maxBatchBytes         = 64 << 20
)

// memtable is what one transaction changes: the views, and the imports that the events were about.
type memtable struct {
	*viewstore.Memtable
	overlay  *viewstore.Overlay
	position viewstore.Position

	jobs    map[events.JobID]*Job // running ones, shared by successive memtables, and those in dirty
	members memberCounts          // shared by successive memtables
	dirty   []*Job                // to be written

	progressed []events.JobID // their counts for readers moved since the last publishProgress
	ended      []events.JobID

	events, bytes int
	drops         bool   // the file's pages are dropped from memory after the commit; set by rotate
	name          []byte // reused buffer
	value         []byte // reused buffer
}

// begin returns an empty memtable. It reuses the buffers of a recycled one, if there is one.
func (bw *batchWriter) begin(recycled *memtable) *memtable {
	m := recycled
	if m == nil {
		m = &memtable{Memtable: viewstore.NewMemtable(bw.overlay)}
	}
	m.overlay, m.position, m.jobs, m.members = bw.overlay, bw.position(), bw.jobs, bw.members
	return m
}

// reset empties the memtable and keeps its buffers.
func (m *memtable) reset() {
	m.Reset()
	m.progressed, m.ended, m.events, m.bytes = nil, nil, 0, 0
}

// lookup finds the customer or order of a name; 0 if there is none.
func (m *memtable) lookup(v viewstore.View, name string) (events.Seq, error) {
	seq, err := m.Lookup(v, name)
	return events.Seq(seq), err
}

// lookupOrInsert finds the customer or order of a name, or inserts it with the id seq.
func (m *memtable) lookupOrInsert(v viewstore.View, name string, seq events.Seq) (events.Seq, bool, error) {
	id, created, err := m.LookupOrInsert(v, name, uint64(seq))
	return events.Seq(id), created, err
}

// job returns what is known of an import; nil if it never started.
func (m *memtable) job(id events.JobID) (*Job, error) {
	if j := m.jobs[id]; j != nil {
		return j, nil
	}
	value, err := m.overlay.Get(jobs, viewstore.NumberKey(id))
	if value == nil || err != nil {
		return nil, err
	}
	j, err := parseJob(value)
	if j != nil {
		m.jobs[id] = j
	}
	return j, err
}

func parseJob(value []byte) (*Job, error) {
	j := new(Job)
	if err := json.Unmarshal(value, j); err != nil {
		return nil, fmt.Errorf("%w: import: %w", ErrDamaged, err)
	}
	j.indexed = j.Status
	return j, nil
}

// markDirty has the job written in this transaction.
func (m *memtable) markDirty(j *Job) {
	if !j.dirty {
		j.dirty = true
		m.dirty = append(m.dirty, j)
	}
}

// close adds the dirty jobs as they are now; the next memtable may change them further.
func (m *memtable) close() error {
	for _, j := range m.dirty {
		if err := m.setJob(j); err != nil {
			return err
		}
		j.dirty, j.indexed = false, j.Status
		if j.Ended() {
			delete(m.jobs, j.ID)
		}
	}
	clear(m.dirty)
	m.dirty = m.dirty[:0]
	return nil
}

// setJob writes a job, and its keys in jobIndex where they changed.
func (m *memtable) setJob(j *Job) error {
	value, err := json.Marshal(j)
	if err != nil {
		return err
	}
	m.Set(jobs, viewstore.NumberKey(j.ID), value)
	if j.indexed == j.Status {
		return nil
	}
	if j.indexed == "" {
		m.Set(jobIndex, viewstore.TextNumberKey(managerIndex(j.Manager), j.ID), []byte{})
		m.Set(jobIndex, viewstore.TextNumberKey(kindIndex(j.ImportKind()), j.ID), []byte{})
	} else {
		m.Delete(jobIndex, viewstore.TextNumberKey(statusIndex(j.indexed), j.ID))
	}
	m.Set(jobIndex, viewstore.TextNumberKey(statusIndex(j.Status), j.ID), []byte{})
	return nil
}

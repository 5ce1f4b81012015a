package projector

import (
	"encoding/json"
	"fmt"

	"licenseimport/events"
)

// When a batch is committed, beside the ends of imports and waiting readers. A reader may have to
// wait while one is written; a larger one than these saves nothing, and costs memory.
const (
	maxBatchEvents        = 12_000
	concurrentBatchEvents = 3000   // while several imports go on: a small one waits for the transactions of the large
	maxRebuildEvents      = 50_000 // nobody waits
	maxBatchBytes         = 64 << 20
)

// batch collects the changes of one transaction. What it looks up is what came before it,
// and the changes since then. When it is closed it changes no more, and can be written beside
// the folding of the next one.
type memtable struct {
	past     *past
	position position

	segments map[segmented]*segment // that are added to
	slab     slab                   // the entries' keys and values
	pending  [numViews][]entry
	tables   [numViews]tables                // of the views of names in slots
	growing  [numViews]growing               // of the views of blocks
	interned [numViews]map[string]events.Seq // of the views of names: what a name stands for; 0: nothing
	counts   map[string]uint64               // added to the counters
	jobs     map[events.JobID]*Job           // those that go on, kept from batch to batch, and those touched
	dirty    []*Job
	stored   map[events.JobID]storedJob // of a closed batch: those touched, as they are to be written

	progressed []events.JobID // whose counts moved, for readers, since they were last asked for
	ended      []events.JobID

	events, bytes int
	name          []byte // that is being entered
	value         []byte // that is being kept
}

// entry is one new entry of a view.
type entry struct{ key, value []byte }

// storedJob is a job as a batch left it.
type storedJob struct {
	value   []byte // JSON
	manager string
	status  Status
	indexed Status // the status that stands in jobIndex; "" if none does
}

// begin opens a batch in the room of one that is not needed any more, if there is one.
func (l *batchWriter) begin(room *memtable) *memtable {
	if room == nil {
		room = &memtable{segments: map[segmented]*segment{}, counts: map[string]uint64{}, stored: map[events.JobID]storedJob{}}
		for v := range viewTable {
			if viewTable[v].grows == inBlocks {
				room.growing[v] = growing{}
			}
		}
		room.interned[customerByEmail] = map[string]events.Seq{}
		room.interned[orderByStore] = map[string]events.Seq{}
	}
	room.past, room.position, room.jobs = &l.past, l.position(), l.jobs
	return room
}

// reset forgets all but the room.
func (b *memtable) reset() {
	clear(b.segments)
	b.slab.reset()
	for v := range viewTable {
		clear(b.pending[v])
		b.pending[v] = b.pending[v][:0]
		b.tables[v].empty()
		clear(b.growing[v])
		clear(b.interned[v])
	}
	clear(b.counts)
	clear(b.stored)
	b.progressed, b.ended, b.events, b.bytes = nil, nil, 0, 0
}

// put adds an entry that is new, since no event names the same key twice, or a piece of a segment.
func (b *memtable) put(v view, key, value []byte) {
	b.pending[v] = append(b.pending[v], entry{key, value})
}

// find gives what a name stands for, 0 if nothing.
func (b *memtable) find(v view, name string) (events.Seq, error) {
	if seq, ok := b.interned[v][name]; ok {
		return seq, nil
	}
	seq, err := b.past.name(v, name)
	if err == nil {
		b.interned[v][name] = seq
	}
	return seq, err
}

// findOrMake gives what a name stands for, which from now on is seq if it was nothing.
func (b *memtable) findOrMake(v view, name string, seq events.Seq) (id events.Seq, made bool, err error) {
	id, err = b.find(v, name)
	if err != nil || id != 0 {
		return id, false, err
	}
	b.interned[v][name] = seq
	b.name = append(b.name[:0], name...)
	b.enter(v, slotOf(b.name), b.name, seq)
	b.past.store.names.add(v, b.name, seq)
	return seq, true, nil
}

// job is what is known of an import; nil if it never started.
func (b *memtable) job(id events.JobID) (*Job, error) {
	if j := b.jobs[id]; j != nil {
		return j, nil
	}
	j, err := b.past.job(id)
	if j != nil {
		b.jobs[id] = j
	}
	return j, err
}

func parseJob(value []byte) (*Job, error) {
	j := new(Job)
	if err := json.Unmarshal(value, j); err != nil {
		return nil, fmt.Errorf("%w: import: %w", errDamaged, err)
	}
	j.indexed = j.Status
	return j, nil
}

// touch has the job written when the batch is committed.
func (b *memtable) markDirty(j *Job) {
	if !j.dirty {
		j.dirty = true
		b.dirty = append(b.dirty, j)
	}
}

// close ends the batch: the jobs that it touched are as they are now, whatever the next one
// does with them.
func (b *memtable) close() error {
	for _, s := range b.segments {
		b.pack(s)
	}
	for _, j := range b.dirty {
		value, err := json.Marshal(j)
		if err != nil {
			return err
		}
		b.stored[j.ID] = storedJob{value: value, manager: j.Manager, status: j.Status, indexed: j.indexed}
		j.dirty, j.indexed = false, j.Status
		if j.Ended() {
			delete(b.jobs, j.ID)
		}
	}
	clear(b.dirty)
	b.dirty = b.dirty[:0]
	return nil
}

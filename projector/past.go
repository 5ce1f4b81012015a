package projector

import (
	"fmt"

	"licenseimport/events"

	"github.com/bits-and-blooms/bloom/v3"
	bolt "go.etcd.io/bbolt"
)

// looksAtOnce is how often the file is looked into in one transaction: growing the file waits
// for the transactions that read.
const looksAtOnce = 1000

// past is what a batch is folded upon: the batch before it, which may not be in the file yet,
// and the file.
type past struct {
	store   *store
	written *memtable // closed; nil: all is in the file
	tx      *bolt.Tx
	buckets [numViews]*bolt.Bucket // of tx, as far as they were asked for
	looks   int
	key     []byte // looked up last
	wanted  []byte // name, likewise
}

// get reads an entry of the file; nil if it is not there. It stays valid until the next call.
func (p *past) get(v view, key []byte) ([]byte, error) {
	if p.looks++; p.looks > looksAtOnce {
		p.rest()
	}
	bucket, err := p.bucket(v)
	if err != nil {
		return nil, err
	}
	return bucket.Get(key), nil
}

// bucket is a view in the file.
func (p *past) bucket(v view) (*bolt.Bucket, error) {
	if p.tx == nil {
		tx, err := p.store.db.Begin(false)
		if err != nil {
			return nil, fmt.Errorf("read the views: %w", err)
		}
		p.tx = tx
	}
	if p.buckets[v] == nil {
		p.buckets[v] = p.tx.Bucket([]byte(viewTable[v].name))
	}
	return p.buckets[v], nil
}

// rest ends the transaction. The next look begins another, which may see a later commit: of
// the batch that was being written, whose entries are no others than it told of before.
func (p *past) rest() {
	if p.tx != nil {
		_ = p.tx.Rollback() // it only read
	}
	p.tx, p.looks = nil, 0
	clear(p.buckets[:])
}

// name gives what a name stands for, 0 if nothing.
func (p *past) name(v view, name string) (events.Seq, error) {
	if p.written != nil {
		if seq, ok := p.written.interned[v][name]; ok {
			return seq, nil
		}
	}
	known, err := p.names()
	if err != nil {
		return 0, err
	}
	p.wanted = append(p.wanted[:0], name...)
	bits := bloom.Locations(p.wanted, filterProbes)
	for era, part := range known.parts[v] {
		if part == nil || !part.TestLocations(bits) {
			continue
		}
		p.key = appendSlotKey(p.key[:0], uint32(era), slotOf(p.wanted))
		value, err := p.get(v, p.key)
		if err != nil {
			return 0, err
		}
		if seq, err := (slot{uint32(era), value}).find(p.wanted); seq != 0 || err != nil {
			return seq, err
		}
	}
	return 0, nil
}

// names are the filters of the names in the file, and of those made since. They are read once:
// some 0.1 s for each million names.
func (p *past) names() (*names, error) {
	if p.store.names != nil {
		return p.store.names, nil
	}
	known := new(names)
	for _, v := range []view{customerByEmail, orderByStore} {
		bucket, err := p.bucket(v)
		if err == nil {
			err = known.learn(v, bucket)
		}
		if err != nil {
			return nil, err
		}
	}
	p.store.names = known
	return known, nil
}

// job is what is known of an import; nil if it never started.
func (p *past) job(id events.JobID) (*Job, error) {
	if p.written != nil {
		if stored, ok := p.written.stored[id]; ok {
			return parseJob(stored.value)
		}
	}
	value, err := p.get(jobs, number(id))
	if value == nil || err != nil {
		return nil, err
	}
	return parseJob(value)
}

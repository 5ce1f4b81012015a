package projector

import (
	"encoding/binary"
	"fmt"
	"iter"
	"time"

	"licenseimport/events"

	bolt "go.etcd.io/bbolt"
)

// reader reads the views as one commit left them.
type reader struct {
	tx     *bolt.Tx
	recent *recent
}

func newReader(tx *bolt.Tx) reader { return reader{tx, new(recent)} }

// read gives f the views of the last commit. f must not keep anything that
// belongs to the transaction, nor wait for a client.
func (p *Projector) read(f func(r reader) error) (err error) {
	defer catchDamage(&err)()
	room, _ := p.rooms.Get().(*recent)
	if room == nil {
		room = new(recent)
	}
	defer p.rooms.Put(room)
	room.forget()
	return p.store.db.View(func(tx *bolt.Tx) error { return f(reader{tx, room}) })
}

func (r reader) view(v view) *bolt.Bucket { return r.tx.Bucket([]byte(viewTable[v].name)) }

// index is the set of the numbers behind a prefix of a view.
func (r reader) index(v view, prefix []byte) *index {
	return &index{cursor: r.view(v).Cursor(), prefix: prefix}
}

// blocks is the set of a name in a view of blocks.
func (r reader) blocks(v view, name string) *blocks {
	return &blocks{cursor: r.view(v).Cursor(), prefix: textPrefix(name, 8), bits: blockBits, within: inBlock}
}

// allKept is the set of what is kept in segments.
func (r reader) allKept(of segmented) *blocks {
	return &blocks{cursor: r.view(of.view).Cursor(), prefix: of.prefix(), bits: segmentBits, within: inSegment}
}

// count is a counter's number.
func (r reader) count(name string) int {
	value := r.view(counters).Get([]byte(name))
	if len(value) != 8 {
		return 0
	}
	return int(binary.BigEndian.Uint64(value))
}

// named is what a name stands for in a view of names; 0 if nothing.
func (r reader) named(v view, name string) (events.Seq, error) {
	wanted := []byte(name)
	for s := range r.slots(v, slotOf(wanted), 0) {
		if seq, err := s.find(wanted); seq != 0 || err != nil {
			return seq, err
		}
	}
	return 0, nil
}

// slots are those of one number in each era from a sequence's on.
func (r reader) slots(v view, number int, from events.Seq) iter.Seq[slot] {
	return func(yield func(slot) bool) {
		bucket := r.view(v)
		for era := range eras(bucket, from) {
			if value := bucket.Get(appendSlotKey(nil, era, number)); value != nil && !yield(slot{era, value}) {
				return
			}
		}
	}
}

// job is what is known of an import; nil if there is none.
func (r reader) job(id events.JobID) (*job, error) {
	value := r.view(jobs).Get(number(id))
	if value == nil {
		return nil, nil
	}
	return parseJob(value)
}

// license is one imported license.
type license struct {
	seq    events.Seq
	record record
	event  *events.LicenseImported
}

// license reads a license; nil if there is none of that sequence.
func (r reader) license(seq events.Seq) (*license, error) {
	value, err := r.kept(segmented{view: licenses}, uint64(seq))
	if value == nil || err != nil {
		return nil, err
	}
	rec, ok := parseRecord(value)
	if !ok {
		return nil, errDamaged
	}
	event, err := decodeAs[*events.LicenseImported](rec.body)
	if err != nil {
		return nil, fmt.Errorf("license %d: %w", seq, err)
	}
	return &license{seq: seq, record: rec, event: event}, nil
}

func (l *license) created() time.Time { return time.Unix(0, l.record.nanos) }

// decodeAs reads a stored body that can only be of one type.
func decodeAs[E events.Event](body []byte) (E, error) {
	var none E
	envelope, err := events.Decode(body)
	if err != nil {
		return none, fmt.Errorf("%w: %w", errDamaged, err)
	}
	event, ok := envelope.Event.(E)
	if !ok {
		return none, fmt.Errorf("%w: an unexpected %s", errDamaged, envelope.Type)
	}
	return event, nil
}

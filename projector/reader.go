package projector

import (
	"encoding/binary"
	"iter"

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

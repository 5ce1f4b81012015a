package projector

import (
	"encoding/binary"
	"math/bits"

	"licenseimport/events"

	"github.com/klauspost/compress/s2"
	bolt "go.etcd.io/bbolt"
)

// Licenses are kept in segments: one entry for all between two multiples of 64 sequences. Its
// key is the number of the segment, its value a word with a bit for each sequence that it
// holds, and their records one behind the other, compressed. Bodies repeat the names of their
// members: they take a seventh of the room, and writing the rest would cost more than to compress.
const (
	segmentBits = 6
	segmentMask = 1<<segmentBits - 1
	segmentHead = 8
)

// segment is one that was read, or that licenses are added to.
type segment struct {
	number uint64
	held   uint64 // a bit for each sequence
	plain  []byte // the records, each behind its length
}

// addLicense adds a license to the batch. Its segment is packed as soon as it is known to be
// complete, so that the batch does not keep bodies.
func (b *batch) addLicense(seq events.Seq, r record) {
	if number := uint64(seq >> segmentBits); number != b.segment.number {
		b.pack()
		b.segment.number = number
	}
	b.segment.add(seq, r)
}

// pack makes an entry of the segment that licenses were added to, if there is one.
func (b *batch) pack() {
	if b.segment.held != 0 {
		b.put(licenses, b.slab.number(b.segment.number), b.segment.pack(&b.slab))
	}
	b.segment.empty()
}

func (s *segment) empty() { s.held, s.plain = 0, s.plain[:0] }

// add adds a license, which follows those that the segment holds.
func (s *segment) add(seq events.Seq, r record) {
	s.held |= 1 << (seq & segmentMask)
	s.plain = binary.AppendUvarint(s.plain, uint64(r.size()))
	s.plain = r.appendTo(s.plain)
}

// pack gives the segment's value. It depends on the licenses only, not on how they came.
func (s *segment) pack(room *slab) []byte {
	value := room.room(segmentHead + s2.MaxEncodedLen(len(s.plain)))
	value = binary.BigEndian.AppendUint64(value, s.held)
	packed := s2.Encode(value[segmentHead:cap(value)], s.plain)
	value = value[:segmentHead+len(packed)]
	room.giveBack(cap(value) - len(value))
	return value
}

// joinSegments has the first segment of a batch begin with what the file holds of it.
func (w *writing) joinSegments(b *batch) error {
	if len(b.pending[licenses]) == 0 {
		return nil
	}
	first := &b.pending[licenses][0]
	old := w.buckets[licenses].Get(first.key)
	if old == nil {
		return nil
	}
	var before, after segment
	if !before.open(0, old) || !after.open(0, first.value) {
		return errDamaged
	}
	w.sums[licenses] -= entrySum(first.key, old)
	before.held |= after.held
	before.plain = append(before.plain, after.plain...)
	first.value = before.pack(new(slab))
	return nil
}

// open reads the segment of a number, into the room of the one before; false if it is not sound.
func (s *segment) open(number uint64, value []byte) bool {
	s.number, s.held = number, 0
	if len(value) < segmentHead {
		return false
	}
	plain, err := s2.Decode(s.plain[:cap(s.plain)], value[segmentHead:])
	if err != nil {
		return false
	}
	s.held, s.plain = binary.BigEndian.Uint64(value), plain
	return true
}

// record finds one by its sequence. It is not ok where the segment is not sound.
func (s segment) record(wanted events.Seq) (found record, there, ok bool) {
	ok = s.each(func(seq events.Seq, r record) bool {
		if there = seq == wanted; there {
			found = r
		}
		return seq < wanted
	})
	return found, there, ok
}

// each passes the records in order, until f says no. It is false where the segment is not sound.
func (s segment) each(f func(events.Seq, record) bool) bool {
	rest := s.plain
	for held := s.held; held != 0; held &= held - 1 {
		size, n := binary.Uvarint(rest)
		if n <= 0 || uint64(len(rest)-n) < size {
			return false
		}
		r, ok := parseRecord(rest[n : n+int(size) : n+int(size)])
		if !ok {
			return false
		}
		if !f(events.Seq(s.number<<segmentBits|uint64(bits.TrailingZeros64(held))), r) {
			return true
		}
		rest = rest[n+int(size):]
	}
	return len(rest) == 0
}

// recent are the segments that a reader opened last: lists show neighbours, and one customer
// again and again. What belongs to one stays as it is until four others were opened.
type recent struct {
	segments [4]segment
	next     int
}

// segment opens the segment of a number, or gives one that is open; false if it is not sound. One
// that is not there holds nothing.
func (r reader) segment(number uint64) (segment, bool) {
	for _, s := range r.recent.segments {
		if s.number == number && s.held != 0 {
			return s, true
		}
	}
	value := r.view(licenses).Get(binary.BigEndian.AppendUint64(nil, number))
	if value == nil {
		return segment{}, true
	}
	s := &r.recent.segments[r.recent.next]
	r.recent.next = (r.recent.next + 1) % len(r.recent.segments)
	ok := s.open(number, value)
	return *s, ok
}

// forget keeps the room only.
func (r *recent) forget() {
	for i := range r.segments {
		r.segments[i].held = 0
	}
}

// eachLicense passes the licenses of a view from a sequence on, in order, until f fails.
func eachLicense(bucket *bolt.Bucket, from events.Seq, f func(events.Seq, record) error) error {
	var s segment
	cursor := bucket.Cursor()
	for key, value := cursor.Seek(number(from >> segmentBits)); key != nil; key, value = cursor.Next() {
		n, ok := numbered(key, nil)
		if !ok || !s.open(n, value) {
			return errDamaged
		}
		var err error
		sound := s.each(func(seq events.Seq, r record) bool {
			if seq >= from {
				err = f(seq, r)
			}
			return err == nil
		})
		if err != nil {
			return err
		}
		if !sound {
			return errDamaged
		}
	}
	return nil
}

// inSegment finds the first license of a segment from a place on, in a direction. It opens nothing.
func inSegment(value []byte, place uint64, down bool) (uint64, bool) {
	if len(value) < segmentHead {
		return 0, false
	}
	held := binary.BigEndian.Uint64(value)
	if down {
		held &= ^uint64(0) >> (segmentMask - place)
		return uint64(bits.Len64(held) - 1), held != 0
	}
	held &= ^uint64(0) << place
	return uint64(bits.TrailingZeros64(held)), held != 0
}

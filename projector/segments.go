package projector

import (
	"encoding/binary"
	"math/bits"
	"slices"

	"licenseimport/events"

	"github.com/klauspost/compress/s2"
	bolt "go.etcd.io/bbolt"
)

// Licenses, and an import's rows that were rejected or whose license existed, are kept in segments: one
// entry for all between two multiples of 64 sequences or rows. Its value is a word with a bit for each that
// it holds, and their values one behind the other, compressed. Bodies repeat the names of their members:
// they take a seventh of the room, and writing the rest would cost more than to compress.
const (
	segmentBits = 6
	segmentMask = 1<<segmentBits - 1
	segmentHead = 8
)

// segmented names a set that is kept in segments: all licenses, or an import's rows in a view.
type segmented struct {
	view view
	job  events.JobID // 0: of none
}

// prefix is what the keys of the segments begin with; their number follows.
func (o segmented) prefix() []byte {
	if o.job == 0 {
		return nil
	}
	return number(o.job)
}

// key is that of a segment.
func (o segmented) key(room []byte, number uint64) []byte {
	return binary.BigEndian.AppendUint64(append(room, o.prefix()...), number)
}

// segment is one that was read, or that is added to.
type segment struct {
	of     segmented
	number uint64
	held   uint64 // a bit for each value
	plain  []byte // the values, each behind its length
	packed []byte // room to compress them in
}

// keep adds a value to a set in segments. A segment is packed as soon as the next one begins, so
// that the batch does not keep bodies.
func (b *memtable) keep(of segmented, n uint64, value []byte) {
	s := b.segments[of]
	if s == nil {
		s = &segment{of: of}
		b.segments[of] = s
	}
	if number := n >> segmentBits; number != s.number {
		b.pack(s)
		s.number = number
	}
	s.add(n&segmentMask, value)
}

// pack makes an entry of what was added to a segment, if anything was.
func (b *memtable) pack(s *segment) {
	if s.held != 0 {
		b.put(s.of.view, s.of.key(b.slab.room(16), s.number), s.pack(&b.slab))
	}
	s.held, s.plain = 0, s.plain[:0]
}

// add adds a value at a place of the segment, mostly behind all others. One that is there is replaced.
func (s *segment) add(place uint64, value []byte) {
	if s.held>>place == 0 {
		s.plain = append(binary.AppendUvarint(s.plain, uint64(len(value))), value...)
	} else {
		begin := s.skip(0, bits.OnesCount64(s.held&(1<<place-1)))
		end := s.skip(begin, int(s.held>>place&1))
		s.plain = slices.Replace(s.plain, begin, end, append(binary.AppendUvarint(nil, uint64(len(value))), value...)...)
	}
	s.held |= 1 << place
}

// skip gives where values end that begin somewhere.
func (s *segment) skip(begin, values int) int {
	for range values {
		size, n := binary.Uvarint(s.plain[begin:])
		begin += n + int(size)
	}
	return begin
}

// pack gives the segment's value. It depends on what it holds only, not on how that came.
func (s *segment) pack(room *slab) []byte {
	s.packed = s2.Encode(s.packed[:cap(s.packed)], s.plain)
	value := binary.BigEndian.AppendUint64(room.room(segmentHead+len(s.packed)), s.held)
	return append(value, s.packed...)
}

// writeSegments adds what was packed to what the file holds of the same segments.
func (w *writing) writeSegments(v view, packed []entry, room *slab) error {
	var there, added segment
	for _, e := range packed {
		old := w.buckets[v].Get(e.key)
		if old != nil {
			if !there.open(old) || !added.open(e.value) || !there.take(&added) {
				return errDamaged
			}
			e.value = there.pack(room)
		}
		if err := w.set(v, e.key, old, e.value); err != nil {
			return err
		}
	}
	return nil
}

// take adds all that another segment holds; false if one of them is not sound.
func (s *segment) take(other *segment) bool {
	sound := s.each(func(uint64, []byte) bool { return true })
	return sound && other.each(func(place uint64, value []byte) bool {
		s.add(place, value)
		return true
	})
}

// open reads a segment's value, into the room of the one before; false if it is not sound.
func (s *segment) open(value []byte) bool {
	s.held = 0
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

// value finds one by its place; nil if it is not there. It is not ok where the segment is not sound.
func (s segment) value(place uint64) (found []byte, ok bool) {
	ok = s.each(func(at uint64, value []byte) bool {
		if at == place {
			found = value
		}
		return at < place
	})
	return found, ok
}

// each passes the values in order, until f says no. It is false where the segment is not sound.
func (s segment) each(f func(place uint64, value []byte) bool) bool {
	rest := s.plain
	for held := s.held; held != 0; held &= held - 1 {
		size, n := binary.Uvarint(rest)
		if n <= 0 || uint64(len(rest)-n) < size {
			return false
		}
		if !f(uint64(bits.TrailingZeros64(held)), rest[n:n+int(size):n+int(size)]) {
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

// kept reads a value of a set in segments; nil if it is not there.
func (r reader) kept(of segmented, n uint64) ([]byte, error) {
	s, ok := r.segment(of, n>>segmentBits)
	if !ok {
		return nil, errDamaged
	}
	value, ok := s.value(n & segmentMask)
	if !ok {
		return nil, errDamaged
	}
	return value, nil
}

// keptAs reads a value of a set in segments and parses it.
func keptAs[T any](r reader, of segmented, n uint64, parse func([]byte) (T, error)) (T, error) {
	value, err := r.kept(of, n)
	if err != nil {
		var none T
		return none, err
	}
	return parse(value)
}

// segment opens the segment of a number, or gives one that is open; false if it is not sound. One
// that is not there holds nothing.
func (r reader) segment(of segmented, number uint64) (segment, bool) {
	for _, s := range r.recent.segments {
		if s.of == of && s.number == number && s.held != 0 {
			return s, true
		}
	}
	value := r.view(of.view).Get(of.key(nil, number))
	if value == nil {
		return segment{}, true
	}
	s := &r.recent.segments[r.recent.next]
	r.recent.next = (r.recent.next + 1) % len(r.recent.segments)
	ok := s.open(value)
	s.of, s.number = of, number
	return *s, ok
}

// recentRoom is how much room is kept for the next reader: 64 rejected rows of the largest size would
// take 50 MB.
const recentRoom = 256 << 10

// forget keeps the room only.
func (r *recent) forget() {
	for i := range r.segments {
		s := &r.segments[i]
		s.held = 0
		if cap(s.plain) > recentRoom {
			s.plain = nil
		}
	}
}

// eachKept passes the values of a view in segments from a segment's key on, in order, with the keys that
// entries of their own would have, until f fails. f must not keep the key.
func eachKept(bucket *bolt.Bucket, begin []byte, f func(key, value []byte) error) error {
	var s segment
	var own []byte
	cursor := bucket.Cursor()
	for key, value := cursor.Seek(begin); key != nil; key, value = cursor.Next() {
		prefix := max(len(key)-8, 0)
		first, ok := numbered(key, key[:prefix])
		if !ok || !s.open(value) {
			return errDamaged
		}
		var err error
		sound := s.each(func(place uint64, value []byte) bool {
			own = binary.BigEndian.AppendUint64(append(own[:0], key[:prefix]...), first<<segmentBits|place)
			err = f(own, value)
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

// inSegment finds the first that a segment holds from a place on, in a direction. It opens nothing.
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

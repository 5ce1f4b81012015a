package viewstore

import (
	"encoding/binary"
	"errors"
	"math/bits"
	"slices"

	"github.com/klauspost/compress/s2"
	bolt "go.etcd.io/bbolt"
)

// A chunk is one entry that holds the values of 64 neighbouring numbers, compressed. Neighbouring
// values repeat each other: compressed they take a seventh of their size, and writing the rest
// would cost more CPU than compression does.
const (
	chunkBits = 6
	chunkMask = 1<<chunkBits - 1
	chunkHead = 8       // bytes of the bitmap
	maxChunk  = 1 << 28 // bytes of a decompressed chunk; a larger one is damage
)

// ChunkSet names one set of numbered values.
type ChunkSet struct {
	View  View
	Group uint64 // tells the sets of a view apart; 0 for a view with a single set
}

// prefix is the beginning of the keys of the set's chunks. The chunk's number follows it.
func (s ChunkSet) prefix() []byte {
	if s.Group == 0 {
		return nil
	}
	return NumberKey(s.Group)
}

func (s ChunkSet) key(buf []byte, number uint64) []byte {
	return binary.BigEndian.AppendUint64(append(buf, s.prefix()...), number)
}

// chunk is one that was read, or that values are added to.
type chunk struct {
	set        ChunkSet
	number     uint64
	columns    int    // of its view
	bitmap     uint64 // a bit for each value
	plain      []byte // the values in order, each after its length
	compressed []byte // reused buffer
	block      []byte // reused buffer: the values by column
}

// put adds a value at a place in the chunk, mostly after all others. It replaces a value that is
// already there.
func (c *chunk) put(place uint64, value []byte) {
	if c.bitmap>>place == 0 {
		c.plain = append(binary.AppendUvarint(c.plain, uint64(len(value))), value...)
	} else {
		begin := c.skip(0, bits.OnesCount64(c.bitmap&(1<<place-1)))
		end := c.skip(begin, int(c.bitmap>>place&1))
		c.plain = slices.Replace(c.plain, begin, end,
			append(binary.AppendUvarint(nil, uint64(len(value))), value...)...)
	}
	c.bitmap |= 1 << place
}

// skip is the offset that lies a number of values after another.
func (c *chunk) skip(begin, values int) int {
	for range values {
		size, n := binary.Uvarint(c.plain[begin:])
		begin += n + int(size)
	}
	return begin
}

// encode returns the chunk's value in the file. It depends on the chunk's content alone, not on the
// order in which the content was added.
func (c *chunk) encode(a *arena) []byte {
	plain := c.plain
	if c.columns > 0 {
		plain = c.byColumn()
	}
	c.compressed = s2.Encode(c.compressed[:cap(c.compressed)], plain)
	value := binary.BigEndian.AppendUint64(a.alloc(chunkHead+len(c.compressed)), c.bitmap)
	return append(value, c.compressed...)
}

// decode reads a chunk's value into the buffers of the previous one. It is false if the value
// cannot be decompressed, or has no columns where its view has.
func (c *chunk) decode(value []byte) (ok bool) {
	if c.columns > 0 {
		return c.decodeColumns(value)
	}
	c.bitmap, c.plain, ok = decompress(c.plain, value)
	return ok
}

// decompress reads a chunk's value into a buffer. The bitmap is 0 if it cannot be decompressed.
func decompress(buf, value []byte) (bitmap uint64, plain []byte, ok bool) {
	if len(value) < chunkHead {
		return 0, buf, false
	}
	if n, err := s2.DecodedLen(value[chunkHead:]); err != nil || n > maxChunk {
		return 0, buf, false
	}
	plain, err := s2.Decode(buf[:cap(buf)], value[chunkHead:])
	if err != nil {
		return 0, buf, false
	}
	return binary.BigEndian.Uint64(value), plain, true
}

// forEach passes the values in order, until f returns false. It is false if the chunk is malformed.
func (c chunk) forEach(f func(place uint64, value []byte) bool) bool {
	rest := c.plain
	for bitmap := c.bitmap; bitmap != 0; bitmap &= bitmap - 1 {
		size, n := binary.Uvarint(rest)
		if n <= 0 || uint64(len(rest)-n) < size {
			return false
		}
		if !f(uint64(bits.TrailingZeros64(bitmap)), rest[n:n+int(size):n+int(size)]) {
			return true
		}
		rest = rest[n+int(size):]
	}
	return len(rest) == 0
}

// value finds the value at a place; nil if there is none. It is not ok if the chunk is malformed.
func (c chunk) value(place uint64) (found []byte, ok bool) {
	ok = c.forEach(func(at uint64, value []byte) bool {
		if at == place {
			found = value
		}
		return at < place
	})
	return found, ok
}

// has reports whether there is a value at a place.
func (c *chunk) has(place uint64) bool { return c.bitmap>>place&1 != 0 }

// mustValue is value with an error.
func (c *chunk) mustValue(place uint64) ([]byte, error) {
	found, ok := c.value(place)
	if !ok {
		return nil, ErrDamaged
	}
	return found, nil
}

// merge puts all values of another chunk. It is false if one of the two is malformed.
func (c *chunk) merge(other *chunk) bool {
	sound := c.forEach(func(uint64, []byte) bool { return true })
	return sound && other.forEach(func(place uint64, value []byte) bool {
		c.put(place, value)
		return true
	})
}

// writeChunks merges a memtable's chunks into those of the file.
func (w *WriteTx) writeChunks(v View, added []entry, a *arena) error {
	columns := w.schema.Views[v].Columns
	stored, fresh := chunk{columns: columns}, chunk{columns: columns}
	for _, e := range added {
		old := w.buckets[v].Get(e.key)
		if old != nil {
			if !stored.decode(old) || !fresh.decode(e.value) || !stored.merge(&fresh) {
				return ErrDamaged
			}
			e.value = stored.encode(a)
		}
		if err := w.set(v, e.key, old, e.value); err != nil {
			return err
		}
	}
	return nil
}

// chunkCache holds the four chunks that a reader decoded last. Lists show neighbours, and the same
// customer many times. A value of a cached chunk stays valid until four others were decoded.
type chunkCache struct {
	chunks [4]chunk
	next   int
}

// maxRetainedBuf limits the buffers that the next reader inherits. 64 rejected rows of the largest
// size would take 50 MB.
const maxRetainedBuf = 256 << 10

// take decodes a chunk of a view into the cache. It is false if the chunk is malformed.
func (c *chunkCache) take(spec *ViewSpec, set ChunkSet, number uint64, value []byte) (*chunk, bool) {
	taken := &c.chunks[c.next]
	c.next = (c.next + 1) % len(c.chunks)
	taken.set, taken.number, taken.columns = set, number, spec.Columns
	return taken, taken.decode(value)
}

// reset empties the cache and keeps its buffers.
func (c *chunkCache) reset() {
	for i := range c.chunks {
		cached := &c.chunks[i]
		cached.bitmap = 0
		if cap(cached.plain) > maxRetainedBuf {
			cached.plain = nil
		}
	}
}

// Get reads the value of a number; nil if there is none. The value is valid until four other chunks
// were read, and only during the transaction.
func (r *Reader) Get(set ChunkSet, n uint64) ([]byte, error) {
	c, ok := r.chunk(set, n>>chunkBits)
	if !ok {
		return nil, ErrDamaged
	}
	return c.mustValue(n & chunkMask)
}

// GetAs reads the value of a number and parses it. parse gets nil if there is none.
func GetAs[T any](r *Reader, set ChunkSet, n uint64, parse func([]byte) (T, error)) (T, error) {
	value, err := r.Get(set, n)
	if err != nil {
		var none T
		return none, err
	}
	return parse(value)
}

// chunk returns a chunk, decoded. It is false if the chunk is malformed. A missing chunk is empty.
func (r *Reader) chunk(set ChunkSet, number uint64) (chunk, bool) {
	for _, c := range r.cache.chunks {
		if c.set == set && c.number == number && c.bitmap != 0 {
			return c, true
		}
	}
	value := r.bucket(set.View).Get(set.key(nil, number))
	if value == nil {
		return chunk{}, true
	}
	c, ok := r.cache.take(&r.schema.Views[set.View], set, number, value)
	return *c, ok
}

// ForEach calls f for every value of a set from a number on, in order. It stops at f's first error.
// The value is valid during the call.
func (r *Reader) ForEach(set ChunkSet, from uint64, f func(n uint64, value []byte) error) error {
	prefix := set.prefix()
	columns := r.schema.Views[set.View].Columns
	err := forEachChunk(r.bucket(set.View), columns, set.key(nil, from>>chunkBits), func(key, value []byte) error {
		n, ok := numberBehind(key, prefix)
		if !ok {
			return errEndOfSet
		}
		if n < from {
			return nil
		}
		return f(n, value)
	})
	if errors.Is(err, errEndOfSet) {
		return nil
	}
	return err
}

// errEndOfSet ends a walk at the first chunk of another set.
var errEndOfSet = errors.New("the end of the set")

// forEachChunk calls f for every value at or after a chunk's key, in order, with the key that it
// would have as an entry by itself. It stops at f's first error. f must not retain the key.
func forEachChunk(bucket *bolt.Bucket, columns int, begin []byte, f func(key, value []byte) error) error {
	c := chunk{columns: columns}
	var own []byte
	cursor := bucket.Cursor()
	for key, value := cursor.Seek(begin); key != nil; key, value = cursor.Next() {
		prefix := max(len(key)-8, 0)
		first, ok := numberBehind(key, key[:prefix])
		if !ok || !c.decode(value) {
			return ErrDamaged
		}
		var err error
		sound := c.forEach(func(place uint64, value []byte) bool {
			own = binary.BigEndian.AppendUint64(append(own[:0], key[:prefix]...), first<<chunkBits|place)
			err = f(own, value)
			return err == nil
		})
		if err != nil {
			return err
		}
		if !sound {
			return ErrDamaged
		}
	}
	return nil
}

// nextInChunk finds the first place of a chunk that has a value, from a place on in a direction. It
// reads the bitmap only and decompresses nothing.
func nextInChunk(value []byte, place uint64, desc bool) (uint64, bool) {
	if len(value) < chunkHead {
		return 0, false
	}
	bitmap := binary.BigEndian.Uint64(value)
	if desc {
		bitmap &= ^uint64(0) >> (chunkMask - place)
		return uint64(bits.Len64(bitmap) - 1), bitmap != 0
	}
	bitmap &= ^uint64(0) << place
	return uint64(bits.TrailingZeros64(bitmap)), bitmap != 0
}

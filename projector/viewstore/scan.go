package viewstore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/bits"
	"sync"
)

// scanBatch is the number of chunks that a worker of a scan takes at a time: some 100 µs of work, so that
// handing them over costs little.
const scanBatch = 32

// maxMapped is how many bytes of the file a scan, or its verification, leaves mapped. They count as this
// process's memory.
const maxMapped = 16 << 20

// Scanned is a chunk that a scan passes: the values of up to 64 neighbouring numbers.
type Scanned struct {
	Number uint64 // of the chunk: its place p is the number Number<<6 | p
	Plain  []byte // the values, with their lengths between them
	Spans  []Span // of the values in Plain, in ascending order
}

// Span is where a value lies.
type Span struct {
	Place      uint64 // of its number in the chunk
	Begin, End int
}

// Scan passes each chunk of a set that has a wanted number, or every chunk if wanted is nil, to one of the
// visitors. Each visitor has a separate goroutine, and the chunks come in no order. A Scanned is valid during
// the call. If the bound is exceeded the scan ends early.
func (r *Reader) Scan(b *Bound, set ChunkSet, wanted *NumberSet, visitors []func(*Scanned)) {
	work := make(chan []rawChunk, len(visitors))
	errs := make([]error, len(visitors))
	var workers sync.WaitGroup
	for i, visit := range visitors {
		workers.Go(func() { errs[i] = scanAll(work, visit) })
	}
	r.hand(b, set, wanted, work)
	close(work)
	workers.Wait()
	if err := errors.Join(errs...); err != nil {
		b.Fail(err)
	}
}

// rawChunk is a chunk as the file has it.
type rawChunk struct {
	number uint64
	value  []byte
}

// hand walks the chunks of a set and hands them over in batches.
func (r *Reader) hand(b *Bound, set ChunkSet, wanted *NumberSet, work chan<- []rawChunk) {
	prefix := set.prefix()
	cursor := r.bucket(set.View).Cursor()
	batch, mapped := make([]rawChunk, 0, scanBatch), 0
	defer func() { dropResident(r.tx.DB(), r.tx.Size()) }()
	for key, value := cursor.Seek(set.key(nil, 0)); key != nil && bytes.HasPrefix(key, prefix); key, value = cursor.Next() {
		number, ok := numberBehind(key, prefix)
		if !ok {
			b.Fail(ErrDamaged)
			return
		}
		if !b.Step() {
			return
		}
		if mapped += len(value); mapped > maxMapped {
			dropResident(r.tx.DB(), r.tx.Size())
			mapped = 0
		}
		if wanted != nil && !wanted.inChunk(number) {
			continue
		}
		if batch = append(batch, rawChunk{number, value}); len(batch) == scanBatch {
			work <- batch
			batch = make([]rawChunk, 0, scanBatch)
		}
	}
	work <- batch
}

// scanAll decodes batches and passes their chunks. After damage it takes the rest and passes nothing.
func scanAll(work <-chan []rawChunk, visit func(*Scanned)) (err error) {
	var c chunk
	var found Scanned
	for batch := range work {
		if err == nil {
			err = scanBatchOf(batch, &c, &found, visit)
		}
	}
	return err
}

func scanBatchOf(batch []rawChunk, c *chunk, found *Scanned, visit func(*Scanned)) (err error) {
	defer catchDamage(&err)()
	for _, raw := range batch {
		if !c.decode(raw.value) || !found.take(raw.number, c) {
			return ErrDamaged
		}
		visit(found)
	}
	return nil
}

// take makes a decoded chunk a Scanned. It is false if the chunk is malformed.
func (s *Scanned) take(number uint64, c *chunk) bool {
	s.Number, s.Plain, s.Spans = number, c.plain, s.Spans[:0]
	at := 0
	for bitmap := c.bitmap; bitmap != 0; bitmap &= bitmap - 1 {
		size, n := binary.Uvarint(c.plain[at:])
		if n <= 0 || uint64(len(c.plain)-at-n) < size {
			return false
		}
		begin := at + n
		at = begin + int(size)
		s.Spans = append(s.Spans, Span{uint64(bits.TrailingZeros64(bitmap)), begin, at})
	}
	return at == len(c.plain)
}

// ID is the number of a value.
func (s *Scanned) ID(v Span) uint64 { return s.Number<<chunkBits | v.Place }

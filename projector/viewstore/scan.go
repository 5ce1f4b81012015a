package viewstore

import (
	"bytes"
	"errors"
	"iter"
	"math/bits"
	"runtime"
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
	Number  uint64   // of the chunk: its place p is the number Number<<6 | p
	Places  uint64   // a bit for each place that has a value
	Columns [][]byte // the texts of all values by column, in ascending order of places, each with a NUL behind it

	block []byte // reused buffer
}

// Scan passes each chunk of a set of a view with columns to one of the visitors: those that have a wanted number, or
// all if wanted is nil. Each visitor has a separate goroutine, and the chunks come in no order. A Scanned is valid
// during the call. If the bound is exceeded the scan ends early.
func (r *Reader) Scan(b *Bound, set ChunkSet, wanted *NumberSet, visitors []func(*Scanned)) {
	work := make(chan []rawChunk, len(visitors))
	errs := make([]error, len(visitors))
	var workers sync.WaitGroup
	columns := r.schema.Views[set.View].Columns
	for i, visit := range visitors {
		workers.Go(func() { errs[i] = scanAll(work, columns, visit) })
	}
	func() {
		defer func() { // also where the file is damaged and bbolt panics: the visitors read it, too
			close(work)
			workers.Wait()
		}()
		r.hand(b, set, wanted, work)
	}()
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
		if wanted != nil && wanted.Places(number) == 0 {
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
func scanAll(work <-chan []rawChunk, columns int, visit func(*Scanned)) (err error) {
	var found Scanned
	for batch := range work {
		if err == nil {
			err = scanBatchOf(batch, columns, &found, visit)
		}
		runtime.Gosched()
	}
	return err
}

func scanBatchOf(batch []rawChunk, columns int, found *Scanned, visit func(*Scanned)) (err error) {
	defer catchDamage(&err)()
	for _, raw := range batch {
		if !found.decode(raw, columns) {
			return ErrDamaged
		}
		visit(found)
	}
	return nil
}

// decode reads a chunk into the buffers of the previous one. It is false if the chunk is malformed.
func (s *Scanned) decode(raw rawChunk, columns int) (ok bool) {
	s.Number = raw.number
	if s.Places, s.block, ok = decompress(s.block, raw.value); !ok {
		return false
	}
	s.Columns, ok = splitColumns(s.Columns[:0], s.block, columns, bits.OnesCount64(s.Places))
	return ok
}

// Texts yields the texts of a column, and the places of their values.
func (s *Scanned) Texts(column int) iter.Seq2[uint64, []byte] {
	return func(yield func(uint64, []byte) bool) {
		rest := s.Columns[column]
		for places := s.Places; places != 0; places &= places - 1 {
			end := bytes.IndexByte(rest, 0)
			if !yield(uint64(bits.TrailingZeros64(places)), rest[:end]) {
				return
			}
			rest = rest[end+1:]
		}
	}
}

// PlacesOf returns the places of the values that have some ranks: bit n of ranks is the value n of all, and bit p
// of the places is place p.
func (s *Scanned) PlacesOf(ranks uint64) (places uint64) {
	if s.Places == ^uint64(0) {
		return ranks
	}
	for left := s.Places; left != 0 && ranks != 0; left, ranks = left&(left-1), ranks>>1 {
		if ranks&1 != 0 {
			places |= left & -left
		}
	}
	return places
}

// ID is the number of a place.
func (s *Scanned) ID(place uint64) uint64 { return s.Number<<chunkBits | place }

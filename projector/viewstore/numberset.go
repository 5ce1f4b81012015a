package viewstore

import "math/bits"

// NumberSet is a set of numbers in memory: one bit for each, in 16 KiB for each partition of a hash index
// that has a member. The zero value is empty.
type NumberSet struct {
	partitions []*bitset
	size       int
}

// Add adds a number.
func (s *NumberSet) Add(n uint64) { s.AddPlaces(n>>chunkBits, 1<<(n&chunkMask)) }

// Has reports whether a number is in the set.
func (s *NumberSet) Has(n uint64) bool {
	p := n >> partitionBits
	return p < uint64(len(s.partitions)) && s.partitions[p] != nil && s.partitions[p].has(n&offsetMask)
}

// Places returns the members in a chunk: a bit for each place.
func (s *NumberSet) Places(chunk uint64) uint64 {
	p := chunk >> (partitionBits - chunkBits)
	if p >= uint64(len(s.partitions)) || s.partitions[p] == nil {
		return 0
	}
	return s.partitions[p][chunk%uint64(len(bitset{}))]
}

// AddPlaces adds members in a chunk: a bit for each place.
func (s *NumberSet) AddPlaces(chunk, places uint64) {
	if places == 0 {
		return
	}
	word := &s.partition(chunk >> (partitionBits - chunkBits))[chunk%uint64(len(bitset{}))]
	s.size += bits.OnesCount64(places &^ *word)
	*word |= places
}

// partition returns the bits of a partition, to be added to.
func (s *NumberSet) partition(p uint64) *bitset {
	for uint64(len(s.partitions)) <= p {
		s.partitions = append(s.partitions, nil)
	}
	if s.partitions[p] == nil {
		s.partitions[p] = new(bitset)
	}
	return s.partitions[p]
}

// Len is the number of members.
func (s *NumberSet) Len() int { return s.size }

// Next implements [Postings].
func (s *NumberSet) Next(from uint64, desc bool) (uint64, bool) {
	if s.size == 0 {
		return 0, false
	}
	p, offset := from>>partitionBits, from&offsetMask
	if last := uint64(len(s.partitions) - 1); desc && p > last {
		p, offset = last, offsetMask
	}
	for p < uint64(len(s.partitions)) {
		if s.partitions[p] != nil {
			if found, ok := s.partitions[p].next(offset, desc); ok {
				return p<<partitionBits | found, true
			}
		}
		if !desc {
			p, offset = p+1, 0
			continue
		}
		if p == 0 {
			break
		}
		p, offset = p-1, offsetMask
	}
	return 0, false
}

// offsetMask selects the place of a number in its partition.
const offsetMask = 1<<partitionBits - 1

// bitset is a set of places in one partition.
type bitset [1 << partitionBits / 64]uint64

func (b *bitset) add(offset uint64)      { b[offset/64] |= 1 << (offset % 64) }
func (b *bitset) has(offset uint64) bool { return b[offset/64]&(1<<(offset%64)) != 0 }

// next finds the first member at or after a place; with desc, at or before.
func (b *bitset) next(offset uint64, desc bool) (uint64, bool) {
	word, bit := offset/64, offset%64
	if desc {
		for mask := ^uint64(0) >> (63 - bit); ; mask = ^uint64(0) {
			if w := b[word] & mask; w != 0 {
				return word*64 + 63 - uint64(bits.LeadingZeros64(w)), true
			}
			if word == 0 {
				return 0, false
			}
			word--
		}
	}
	for mask := ^uint64(0) << bit; word < uint64(len(b)); word, mask = word+1, ^uint64(0) {
		if w := b[word] & mask; w != 0 {
			return word*64 + uint64(bits.TrailingZeros64(w)), true
		}
	}
	return 0, false
}

// AddAll adds the members of another set.
func (s *NumberSet) AddAll(other *NumberSet) {
	for p, from := range other.partitions {
		if from == nil {
			continue
		}
		s.partition(uint64(p))
		s.combine(p, from, func(a, b uint64) uint64 { return a | b })
	}
}

// Retain removes what another set does not have.
func (s *NumberSet) Retain(other *NumberSet) {
	for p := range s.partitions {
		from := new(bitset)
		if p < len(other.partitions) && other.partitions[p] != nil {
			from = other.partitions[p]
		}
		s.combine(p, from, func(a, b uint64) uint64 { return a & b })
	}
}

// RemoveAll removes the members of another set.
func (s *NumberSet) RemoveAll(other *NumberSet) {
	for p := range min(len(s.partitions), len(other.partitions)) {
		if from := other.partitions[p]; from != nil {
			s.combine(p, from, func(a, b uint64) uint64 { return a &^ b })
		}
	}
}

// combine makes each word of a partition what it is with another's.
func (s *NumberSet) combine(p int, from *bitset, with func(a, b uint64) uint64) {
	to := s.partitions[p]
	if to == nil {
		return
	}
	for i := range to {
		before := bits.OnesCount64(to[i])
		to[i] = with(to[i], from[i])
		s.size += bits.OnesCount64(to[i]) - before
	}
}

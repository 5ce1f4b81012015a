package projector

// chunkSize is what a slab grows by.
const chunkSize = 1 << 20

// A slab is room for the keys and values of one transaction: some chunks without
// pointers instead of half a million small objects, which the garbage collector
// would have to visit. It is used again for the next transaction.
type slab struct {
	chunks [][]byte
	used   int // chunks that something was put in; the last of them has room
}

// room gives an empty slice that n bytes can be appended to.
func (s *slab) room(n int) []byte {
	if s.used == 0 || cap(s.chunks[s.used-1])-len(s.chunks[s.used-1]) < n {
		s.grow(n)
	}
	chunk := &s.chunks[s.used-1]
	at := len(*chunk)
	*chunk = (*chunk)[:at+n]
	return (*chunk)[at : at : at+n]
}

func (s *slab) grow(n int) {
	if s.used == len(s.chunks) {
		s.chunks = append(s.chunks, nil)
	}
	if cap(s.chunks[s.used]) < n {
		s.chunks[s.used] = make([]byte, 0, max(n, chunkSize))
	}
	s.used++
}

// reset takes all room back: nobody may hold any of it.
func (s *slab) reset() {
	for i := range s.chunks[:s.used] {
		s.chunks[i] = s.chunks[i][:0]
	}
	s.used = 0
}

package viewstore

// arenaPage is the size that an arena grows by.
const arenaPage = 1 << 20

// arena allocates the keys and values of one memtable. It is a bump allocator: a few pages without
// pointers replace half a million small objects, which the garbage collector would have to visit.
// Its pages are reused by the next transaction.
type arena struct {
	pages [][]byte
	used  int // pages in use; the last of them may have free space
}

// alloc returns an empty slice with capacity for n bytes.
func (a *arena) alloc(n int) []byte {
	if a.used == 0 || cap(a.pages[a.used-1])-len(a.pages[a.used-1]) < n {
		a.grow(n)
	}
	page := &a.pages[a.used-1]
	at := len(*page)
	*page = (*page)[:at+n]
	return (*page)[at : at : at+n]
}

func (a *arena) grow(n int) {
	if a.used == len(a.pages) {
		a.pages = append(a.pages, nil)
	}
	if cap(a.pages[a.used]) < n {
		a.pages[a.used] = make([]byte, 0, max(n, arenaPage))
	}
	a.used++
}

// reset frees everything: the caller must not use any slice of the arena afterwards.
func (a *arena) reset() {
	for i := range a.pages[:a.used] {
		a.pages[i] = a.pages[i][:0]
	}
	a.used = 0
}

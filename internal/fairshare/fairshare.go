// Package fairshare gives a limited number of places to parties (here: managers), so that no party
// keeps the others out.
//
// # The rule
//
// Of max places a party may take all while nobody else needs them. What it holds beyond half of them
// does not count against the others:
//
//	counted = Σ min(held(party), max/2)
//	a party gets a place if
//	    total < max, or
//	    counted < max and it holds less than max/2
//
// So a party that comes late finds a place at once, however long the others hold theirs, and no
// party gets a place beyond its half while places are scarce. There are no queues and no clocks:
// who is refused asks again.
//
// # Bounds
//
//	total ≤ max + ⌈max/2⌉     max places while one party is alone, and half of them for the others
//	half = ⌊max/2⌋, at least 1
//
// With max = 1 there is nothing to share: the place belongs to who takes it first.
package fairshare

import "sync"

// Places is a number of places. Any number of goroutines may use it.
type Places struct {
	max, half int

	mu      sync.Mutex
	held    map[string]int // by party; no zeros
	total   int
	changed chan struct{} // closed by the next Release
}

// New returns so many places, at least one.
func New(places int) *Places {
	places = max(places, 1)
	return &Places{max: places, half: max(places/2, 1), held: map[string]int{}, changed: make(chan struct{})}
}

// TryTake takes a place for a party, if it may have one, and reports whether it did. The caller must
// release it.
func (p *Places) TryTake(party string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.total >= p.max && (p.held[party] >= p.half || p.counted() >= p.max) {
		return false
	}
	p.held[party]++
	p.total++
	return true
}

// Release gives a party's place back.
func (p *Places) Release(party string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.total--
	if p.held[party]--; p.held[party] == 0 {
		delete(p.held, party)
	}
	close(p.changed)
	p.changed = make(chan struct{})
}

// Status is what is left of the places.
type Status struct {
	Taken  int
	Free   bool            // any party may have a place
	Shared bool            // only a party that holds less than half may have a place
	Change <-chan struct{} // closed when a place is released
}

// Status returns what is left now.
func (p *Places) Status() Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	free := p.total < p.max
	return Status{Taken: p.total, Free: free, Shared: !free && p.counted() < p.max, Change: p.changed}
}

// counted is the number of places that count against a party that has none.
func (p *Places) counted() int {
	n := 0
	for _, held := range p.held {
		n += min(held, p.half)
	}
	return n
}

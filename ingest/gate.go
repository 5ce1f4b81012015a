package ingest

import "sync"

// gate lets a number of uploads in at once, until it is closed.
type gate struct {
	mu    sync.Mutex
	most  int
	in    int
	shut  bool
	empty chan struct{} // closed when it is shut and nobody is inside
}

func newGate(most int) *gate { return &gate{most: most, empty: make(chan struct{})} }

// entry is what a gate says to whoever comes.
type entry int

const (
	entered entry = iota // leave must be called
	full
	shut
)

func (g *gate) enter() entry {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.shut:
		return shut
	case g.in >= g.most:
		return full
	}
	g.in++
	return entered
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.in--
	if g.shut && g.in == 0 {
		close(g.empty)
	}
}

// close lets nobody in any more. The channel is closed when all have left.
func (g *gate) close() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.shut && g.in == 0 {
		close(g.empty)
	}
	g.shut = true
	return g.empty
}

func (g *gate) inside() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.in
}

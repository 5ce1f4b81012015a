//go:build linux

package forgetfs

import (
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"syscall"
)

const (
	page = 4096
	root = 1 // the id of the root directory
)

// How much of what was not synced survives a cut.
type Survival int

// The survivals, see the package's comment.
const (
	Nothing Survival = iota
	Some
)

// An FS is the state of a file system: as its programs see it, and as it is on the disk.
type FS struct {
	mu     sync.Mutex
	cut    bool
	inodes map[uint64]*inode
	last   uint64    // id
	names  []*change // that are not on the disk yet, in their order
}

// An inode is a file or a directory.
type inode struct {
	id    uint64
	mode  uint32
	links int

	data, disk []byte // of a file
	low, high  int    // the range in which they differ, beside the length

	entries, saved map[string]*inode // of a directory
}

func (n *inode) dir() bool { return n.mode&syscall.S_IFDIR != 0 }

// A change sets names in directories: all of them or none.
type change struct{ sets []setName }

type setName struct {
	dir   *inode
	name  string
	inode *inode // nil: removed
}

func (c *change) touches(dir *inode) bool {
	return slices.ContainsFunc(c.sets, func(s setName) bool { return s.dir == dir })
}

// names reports whether the change gives an inode a name.
func (c *change) names(n *inode) bool {
	return slices.ContainsFunc(c.sets, func(s setName) bool { return s.inode == n })
}

func set(entries map[string]*inode, name string, n *inode) {
	if n == nil {
		delete(entries, name)
	} else {
		entries[name] = n
	}
}

func (c *change) save() {
	for _, s := range c.sets {
		set(s.dir.saved, s.name, s.inode)
	}
}

// New returns an empty file system.
func New() *FS {
	f := &FS{inodes: map[uint64]*inode{}}
	f.newInode(syscall.S_IFDIR | 0o755)
	return f
}

func (f *FS) newInode(mode uint32) *inode {
	f.last++
	n := &inode{id: f.last, mode: mode, links: 1}
	if n.dir() {
		n.entries, n.saved = map[string]*inode{}, map[string]*inode{}
	}
	f.inodes[n.id] = n
	return n
}

// change sets names, at first only as the programs see them.
func (f *FS) change(sets ...setName) {
	for _, s := range sets {
		set(s.dir.entries, s.name, s.inode)
	}
	f.names = append(f.names, &change{sets})
}

func (n *inode) write(data []byte, offset int) {
	end := offset + len(data)
	if end > len(n.data) {
		n.data = append(n.data, make([]byte, end-len(n.data))...)
	}
	copy(n.data[offset:], data)
	n.changed(offset, end)
}

func (n *inode) changed(low, high int) {
	if n.low == n.high {
		n.low, n.high = low, high
		return
	}
	n.low, n.high = min(n.low, low), max(n.high, high)
}

func (n *inode) truncate(size int) {
	if size > len(n.data) {
		n.write(make([]byte, size-len(n.data)), len(n.data))
		return
	}
	n.data = n.data[:size]
	n.changed(size, max(size, len(n.disk)))
}

// sync saves a file's content, and the names on its path.
func (f *FS) sync(n *inode) {
	n.disk = resize(n.disk, len(n.data))
	high := min(n.high, len(n.data))
	if n.low < high {
		copy(n.disk[n.low:high], n.data[n.low:high])
	}
	n.low, n.high = 0, 0
	f.saveNames(func(c *change) bool { return c.names(n) })
}

func resize(b []byte, size int) []byte {
	if size <= len(b) {
		return b[:size]
	}
	old := len(b)
	b = slices.Grow(b, size-old)[:size]
	clear(b[old:])
	return b
}

// syncNames saves the names in a directory, and those on its path.
func (f *FS) syncNames(dir *inode) {
	f.saveNames(func(c *change) bool { return c.touches(dir) || c.names(dir) })
}

// saveNames saves the changes that are wanted, and those that made the directories that these are about.
func (f *FS) saveNames(wanted func(*change) bool) {
	var left []*change
	var saved []*inode
	for _, c := range f.names {
		if !wanted(c) {
			left = append(left, c)
			continue
		}
		c.save()
		for _, s := range c.sets {
			saved = append(saved, s.dir)
			supersede(left, s)
		}
	}
	f.names = left
	if len(saved) > 0 {
		f.saveNames(func(c *change) bool { return slices.ContainsFunc(saved, c.names) })
	}
}

// supersede omits from earlier changes what a later one that is saved sets, too.
func supersede(earlier []*change, later setName) {
	for _, c := range earlier {
		c.sets = slices.DeleteFunc(c.sets, func(s setName) bool { return s.dir == later.dir && s.name == later.name })
	}
}

// Cut cuts the power: what is on the disk becomes what the programs see when the file system is mounted
// again. Operations that have not returned by then are not done.
func (f *FS) Cut(survival Survival, random *rand.Rand) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cut = true
	if survival == Some && len(f.names) > 0 {
		for _, c := range f.names[:random.IntN(len(f.names)+1)] {
			c.save()
		}
	}
	f.names = nil
	for _, id := range slices.Sorted(maps.Keys(f.inodes)) {
		n := f.inodes[id]
		if n.dir() {
			n.entries = maps.Clone(n.saved)
			continue
		}
		if survival == Some {
			n.saveSome(random)
		}
		n.data = slices.Clone(n.disk)
		n.low, n.high = 0, 0
	}
}

// saveSome saves some of the pages that were written since the last fsync.
func (n *inode) saveSome(random *rand.Rand) {
	if n.low == n.high && len(n.data) == len(n.disk) {
		return
	}
	size := len(n.disk)
	switch kind := random.IntN(3); {
	case kind == 0:
		return
	case kind == 1:
		size = len(n.data)
	case len(n.data) > size:
		size += random.IntN(len(n.data) - size)
	}
	n.disk = resize(n.disk, size)
	for from := n.low / page * page; from < min(n.high, size); from += page {
		if random.IntN(2) == 0 {
			to := min(from+page, size, len(n.data))
			if from < to {
				copy(n.disk[from:to], n.data[from:to])
			}
		}
	}
}

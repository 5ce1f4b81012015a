package natstuning

import (
	"bytes"
	"hash/maphash"
	"math/bits"
	"slices"
)

// additions are the subjects of messages, each with its state, in the order in which they came. It is a table without
// pointers: the collector does not read a million strings.
type additions struct {
	list  []addition
	names []byte   // of all, one after the other
	slots []uint64 // a power of two: the upper half of the name's hash, and the place in list + 1; 0: free
}

type addition struct {
	subjectState
	begin, end uint32 // in names
}

var subjectSeed = maphash.MakeSeed()

// reserve takes the memory for so many subjects, with names of so many bytes in all. Growing takes up to twice as much.
func (a *additions) reserve(subjects, size int) {
	a.list, a.names = make([]addition, 0, subjects), make([]byte, 0, size)
	a.slots = make([]uint64, 1<<bits.Len(uint(max(1024, 2*subjects))-1)) //nolint:gosec // positive numbers
}

func hashSubject(subject []byte) uint64 { return maphash.Bytes(subjectSeed, subject) }

func (a *additions) name(i int) []byte { return a.names[a.list[i].begin:a.list[i].end] }

// maybe reports whether a subject may be there. It is quicker than find, of one that is not.
func (a *additions) maybe(hash uint64) bool {
	return len(a.slots) > 0 && a.slots[hash&uint64(len(a.slots)-1)] != 0
}

// find returns the place of a subject in list; -1: it is not there.
func (a *additions) find(hash uint64, subject []byte) int {
	if len(a.slots) == 0 {
		return -1
	}
	for slot := hash; ; slot++ {
		of := a.slots[slot&uint64(len(a.slots)-1)]
		if of == 0 {
			return -1
		}
		if i := int(uint32(of)) - 1; of>>32 == hash>>32 && bytes.Equal(a.name(i), subject) { //nolint:gosec // the lower half
			return i
		}
	}
}

// add adds a message of a block.
func (a *additions) add(subject []byte, hash uint64, block uint32) {
	i := a.find(hash, subject)
	if i < 0 {
		if len(a.slots) <= 2*len(a.list) {
			a.grow()
		}
		begin := uint32(len(a.names)) //nolint:gosec // of a turn
		a.names = append(a.names, subject...)
		i = len(a.list)
		a.list = append(a.list, addition{subjectState{fblk: block}, begin, uint32(len(a.names))}) //nolint:gosec // as above
		a.take(hash, i)
	}
	of := &a.list[i]
	of.total, of.lblk = of.total+1, block
}

// take puts a place of list into a free slot.
func (a *additions) take(hash uint64, i int) {
	for slot := hash; ; slot++ {
		if of := &a.slots[slot&uint64(len(a.slots)-1)]; *of == 0 {
			*of = hash>>32<<32 | uint64(i+1) //nolint:gosec // a positive number
			return
		}
	}
}

// sorted lists places in list by their names, but for those that are left out.
func (a *additions) sorted(out []bool) []int {
	places := make([]int, 0, len(a.list))
	for i := range a.list {
		if !out[i] {
			places = append(places, i)
		}
	}
	slices.SortFunc(places, func(i, j int) int { return bytes.Compare(a.name(i), a.name(j)) })
	return places
}

func (a *additions) grow() {
	a.slots = make([]uint64, max(1024, 2*len(a.slots)))
	for i := range a.list {
		a.take(hashSubject(a.name(i)), i)
	}
}

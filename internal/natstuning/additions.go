package natstuning

import (
	"bytes"
	"cmp"
	"slices"
	"sync"
	"unsafe"
)

// additions are the subjects of messages, each with its state. There are no pointers among them: the collector does not
// read a million strings.
type additions struct {
	list  []addition // as they came; after sortAndCombine sorted, and one of each subject
	names []byte     // of all, one after the other
}

type addition struct {
	subjectState
	begin, end uint32 // in names
}

// reserve takes the memory for so many additions, with subjects of so many bytes in all. Growing takes up to twice as
// much.
func (a *additions) reserve(additions, size int) {
	a.list, a.names = make([]addition, 0, additions), make([]byte, 0, size)
}

func (a *additions) name(of *addition) []byte { return a.names[of.begin:of.end] }

// add adds messages at a subject. An import may have millions at one, one after the other.
func (a *additions) add(subject []byte, state subjectState) {
	if last := len(a.list) - 1; last >= 0 && bytes.Equal(a.name(&a.list[last]), subject) {
		a.list[last].combine(state)
		return
	}
	begin := uint32(len(a.names)) //nolint:gosec // of a turn
	a.names = append(a.names, subject...)
	end := uint32(len(a.names)) //nolint:gosec // as above
	a.list = append(a.list, addition{state, begin, end})
}

// sortAndCombine sorts the additions and makes one of those at the same subject. With more than one core two of them
// sort a half each.
func (a *additions) sortAndCombine(cores int) {
	if cores == 1 {
		*a = a.sorted()
		return
	}
	middle := len(a.list) / 2
	halves := [2]additions{{a.list[:middle], a.names}, {a.list[middle:], a.names}}
	var sorting sync.WaitGroup
	for i := range halves {
		sorting.Go(func() { halves[i] = halves[i].sorted() })
	}
	sorting.Wait()
	a.list, a.names = a.list[:0], a.names[:0] // the halves are copies
	for len(halves[0].list)+len(halves[1].list) > 0 {
		next := &halves[0]
		if len(halves[0].list) == 0 || len(halves[1].list) > 0 && bytes.Compare(halves[1].first(), next.first()) < 0 {
			next = &halves[1]
		}
		a.add(next.first(), next.list[0].subjectState)
		next.list = next.list[1:]
	}
}

// first is the first name in list.
func (a *additions) first() []byte { return a.name(&a.list[0]) }

// sorted returns the additions in order, those at the same subject as one. The names are in that order, too: what
// follows reads them one after the other, which takes a third of the time.
func (a *additions) sorted() additions {
	order, size := make([]sortedName, len(a.list)), 0
	for i := range order {
		order[i].place = uint32(i) //nolint:gosec // of a turn
		size += len(a.name(&a.list[i]))
	}
	a.sort(order, 0)
	var sorted additions
	sorted.reserve(len(order), size)
	for _, next := range order {
		of := &a.list[next.place]
		sorted.add(a.name(of), of.subjectState)
	}
	return sorted
}

// A sortedName is a name's place in the list, and a part of the name that can be compared as a number.
type sortedName struct {
	part  uint64
	place uint32
}

// partBytes are the bytes of a name in a part of it. Its last byte tells how many there are.
const partBytes = 7

// sort sorts names that have their first depth bytes in common: by the next part of each, and those with the same one
// by what follows. Comparing whole names takes four times as long, as most have much in common.
func (a *additions) sort(names []sortedName, depth int) {
	for i := range names {
		names[i].part = partOf(a.name(&a.list[names[i].place]), depth)
	}
	slices.SortFunc(names, func(x, y sortedName) int { return cmp.Compare(x.part, y.part) })
	for len(names) > 0 {
		same := 1
		for same < len(names) && names[same].part == names[0].part {
			same++
		}
		if same > 1 && names[0].part&0xff == partBytes {
			a.sort(names[:same], depth+partBytes)
		}
		names = names[same:]
	}
}

// partOf is the part of a name from a depth on.
func partOf(name []byte, depth int) (part uint64) {
	name = name[depth:min(depth+partBytes, len(name))]
	for i := range partBytes {
		part <<= 8
		if i < len(name) {
			part |= uint64(name[i])
		}
	}
	return part<<8 | uint64(len(name))
}

// byName has the places in list of additions that were combined. It takes some 50 bytes for each.
func (a *additions) byName() map[string]int {
	places := make(map[string]int, len(a.list))
	for i := range a.list {
		name := a.name(&a.list[i])
		places[unsafe.String(unsafe.SliceData(name), len(name))] = i
	}
	return places
}

package natstuning

import (
	"bytes"
	"cmp"
	"slices"
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

// sortAndCombine sorts the additions and makes one of those at the same subject.
func (a *additions) sortAndCombine() {
	order := make([]sortedName, len(a.list))
	for i := range order {
		order[i].place = uint32(i) //nolint:gosec // of a turn
	}
	a.sort(order, 0)
	combined := make([]addition, 0, len(order))
	for _, next := range order {
		of := &a.list[next.place]
		if last := len(combined) - 1; last >= 0 && bytes.Equal(a.name(&combined[last]), a.name(of)) {
			combined[last].combine(of.subjectState)
		} else {
			combined = append(combined, *of)
		}
	}
	a.list = combined
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

package viewstore

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/klauspost/compress/s2"
)

// FuzzSlot: arbitrary bytes of a slot are rejected, or are names of its partition that encode to the
// same bytes.
func FuzzSlot(f *testing.F) {
	var deltas indexDeltas
	deltas.insert(0, []byte("name"), 9)
	deltas.insert(0, nil, 1<<partitionBits-1)
	f.Add(uint32(0), deltas.all[0].slots[0])
	f.Add(uint32(1), []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0})
	f.Add(uint32(7), []byte{0x80, 0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, partition uint32, data []byte) {
		var again indexDeltas
		n := 0
		sound := slot{partition, data}.forEach(func(name []byte, seq uint64) bool {
			if partitionOf(seq) != partition {
				t.Errorf("sequence %d in partition %d", seq, partition)
			}
			n += len(name) + 1 + offsetSize
			again.insert(0, name, seq)
			return true
		})
		if n > len(data) {
			t.Errorf("%d bytes from %d", n, len(data))
		}
		if same := withoutNames(nil, data, nil); !bytes.Equal(same, data) {
			t.Errorf("without no names: %x, want %x", same, data)
		}
		_, err := slot{partition, data}.find([]byte("\x00none\x00"))
		if (err == nil) != sound || err != nil && !errors.Is(err, ErrDamaged) {
			t.Errorf("%v, sound: %v", err, sound)
		}
		if sound && again.used > 0 && len(again.all[0].slots[0]) > len(data) {
			t.Errorf("encoded to %d bytes, decoded from %d", len(again.all[0].slots[0]), len(data))
		}
	})
}

// FuzzChunk: arbitrary bytes of a chunk are rejected, or are values that encode to a chunk of the
// same values. nextInChunk agrees with the bitmap.
func FuzzChunk(f *testing.F) {
	var c chunk
	var a arena
	c.put(3, []byte("a value"))
	c.put(63, nil)
	f.Add(bytes.Clone(c.encode(&a)), uint64(5))
	c.columns = 2
	f.Add(c.encode(&a), uint64(5))
	f.Add([]byte("short"), uint64(0))
	f.Add(append(bytes.Repeat([]byte{0xff}, 8), s2.Encode(nil, []byte{0xff, 1, 2})...), uint64(63))
	f.Add([]byte("\x00\x00\x00\x00\x00\x00\x00\x01\xff\xff\xff\xff\x0f"), uint64(0)) // decompresses to 4 GB
	f.Fuzz(func(t *testing.T, data []byte, place uint64) {
		place &= chunkMask
		for _, desc := range []bool{false, true} {
			if n, ok := nextInChunk(data, place, desc); ok && (n > chunkMask || desc && n > place || !desc && n < place) {
				t.Errorf("from %d, desc %v: %d", place, desc, n)
			}
		}
		if n, _ := s2.DecodedLen(data[min(len(data), chunkHead):]); n > 1<<20 && n <= maxChunk {
			return
		}
		for _, columns := range []int{0, 2} {
			compareEncoded(t, data, columns)
		}
	})
}

// compareEncoded encodes the values of a chunk again, if it has some.
func compareEncoded(t *testing.T, data []byte, columns int) {
	c, copied, empty := chunk{columns: columns}, chunk{columns: columns}, chunk{columns: columns}
	if !c.decode(data) {
		return
	}
	if !empty.merge(&c) {
		if columns > 0 || c.merge(&chunk{}) {
			t.Error("values were added to a malformed chunk")
		}
		return
	}
	var a arena
	if !copied.decode(empty.encode(&a)) || copied.bitmap != c.bitmap {
		t.Fatalf("bitmap %x, want %x", copied.bitmap, c.bitmap)
	}
	for place := range uint64(chunkMask + 1) {
		want, ok := c.value(place)
		got, copiedOK := copied.value(place)
		if !ok || !copiedOK || !bytes.Equal(got, want) || (got == nil) != (c.bitmap>>place&1 == 0) {
			t.Errorf("place %d: %q %v, want %q %v", place, got, copiedOK, want, ok)
		}
	}
}

// FuzzPostingBlock: in arbitrary bytes of a block every step goes on in its direction, so that a walk
// ends. Edits of any block end, and are found if the block was in order.
func FuzzPostingBlock(f *testing.F) {
	f.Add([]byte{0, 1, 0, 5, 15, 255}, uint64(1))
	f.Add([]byte{0, 1, 0, 5, 15, 255}, uint64(6))
	f.Add([]byte{255, 255, 0}, uint64(0))
	f.Add([]byte{9}, uint64(4095))
	f.Fuzz(func(t *testing.T, data []byte, place uint64) {
		place &= blockMask
		for _, desc := range []bool{false, true} {
			if n, ok := nextInBlock(data, place, desc); ok && (desc && n > place || !desc && n < place) {
				t.Errorf("from %d, desc %v: %d", place, desc, n)
			}
		}
		edits := []postingEdit{{place, true}}
		edited := mergeBlock(nil, data, edits)
		if again := mergeBlock(nil, edited, edits); !bytes.Equal(again, edited) && inOrder(data) {
			t.Errorf("edited twice: %x, once: %x", again, edited)
		}
		if n, ok := nextInBlock(edited, place, false); inOrder(data) && (!ok || n != place) {
			t.Errorf("%d is not in %x", place, edited)
		}
		removed := mergeBlock(nil, edited, []postingEdit{{place, false}})
		if n, ok := nextInBlock(removed, place, false); inOrder(data) && ok && n == place {
			t.Errorf("%d is still in %x", place, removed)
		}
	})
}

// inOrder reports whether the bytes are a block as one is written.
func inOrder(data []byte) bool {
	last := -1
	for i := 0; i+1 < len(data); i += 2 {
		member := int(data[i])<<8 | int(data[i+1])
		if member <= last || member > blockMask {
			return false
		}
		last = member
	}
	return len(data)%2 == 0
}

// FuzzMeta: arbitrary bytes of the meta bucket are an ErrDamaged, or a position.
func FuzzMeta(f *testing.F) {
	position, err := json.Marshal(Position{Format: testSchema.Version, Created: time.Unix(1, 2), Seq: 3, ID: "id"})
	check(f, err)
	f.Add(position, binary.BigEndian.AppendUint64(make([]byte, 8*len(testSchema.Views)), entrySum(positionKey, position)))
	f.Add(position, make([]byte, 8*len(testSchema.Views)+8))
	f.Add(position, []byte("short"))
	f.Add([]byte(`{"format":2}`), []byte{})
	f.Add([]byte(`{"seq":-1}`), []byte{})
	f.Fuzz(func(t *testing.T, position, sums []byte) {
		p, parsed, err := decodeMeta(position, sums, &testSchema)
		switch {
		case err != nil && !errors.Is(err, ErrDamaged):
			t.Errorf("%v, want ErrDamaged", err)
		case err == nil && p.Format == testSchema.Version && len(parsed) != len(testSchema.Views):
			t.Errorf("%d checksums", len(parsed))
		}
	})
}

package viewstore

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"testing"
	"time"

	"github.com/klauspost/compress/s2"
	bolt "go.etcd.io/bbolt"
)

// TestFileFormat holds the file to the bytes that the package's documentation gives. A file that an
// earlier version wrote must stay readable: a difference is a new format.
func TestFileFormat(t *testing.T) {
	h := newHarness(t)
	h.SetPosition(Position{Format: 1, Created: time.Unix(1, 5).UTC(), Seq: 7, Time: time.Unix(2, 0).UTC(), ID: "event"})
	h.write(func(m *Memtable) {
		m.PutNew(plain, []byte("key"), []byte("value"))
		m.Count(counters, "count", 258)
		for _, seq := range []uint64{3, 4<<17 + 0x010203} {
			m.Insert(unfiltered, []byte("key"), []byte("key\x00product"), seq)
		}
		m.Put(ChunkSet{View: values}, 64+2, []byte("two"))
		m.Put(ChunkSet{View: values}, 64+63, []byte("last"))
		m.Put(ChunkSet{grouped, 9}, 5, nil)
		m.Put(ChunkSet{View: texts}, 1, []byte("a\x00\x00b\x00"))
		m.Put(ChunkSet{View: texts}, 2, []byte("\x00cd\x00b\x00"))
		m.Append(lists, "list", 1)
		m.Append(lists, "list", 4096+0x0abc)
		m.Append(lists, "list", 4096+0x0abd)
	})
	slot := func(inPartition uint32) string { // 128 in each range
		return fmt.Sprintf("%04x", inPartition*128+crc32.Checksum([]byte("key"), castagnoli)%128)
	}
	name := hex.EncodeToString(append([]byte{11}, "key\x00product"...))
	list := hex.EncodeToString([]byte("list\x00"))
	want := map[View]map[string]string{
		plain:      {hex.EncodeToString([]byte("key")): hex.EncodeToString([]byte("value"))},
		counters:   {hex.EncodeToString([]byte("count")): "0000000000000102"},
		names:      {},
		unfiltered: {"00000000" + slot(0): name + "000003", "00000004" + slot(4): name + "010203"},
		values:     {"0000000000000001": "8000000000000004" + compressed("\x03two\x04last")},
		grouped:    {"0000000000000009" + "0000000000000000": "0000000000000020" + compressed("\x00")},
		texts: {"0000000000000000": "0000000000000006" +
			compressed("\x00\x00\x00\x03\x00\x00\x00\x04\x00\x00\x00\x04"+"a\x00\x00"+"\x00cd\x00"+"b\x00b\x00")},
		lists: {list + "0000000000000000": "0001", list + "0000000000000001": "0abc0abd"},
	}
	check(t, h.db.View(func(tx *bolt.Tx) error {
		var sums []byte
		for v, spec := range testSchema.Views {
			sums = binary.BigEndian.AppendUint64(sums, compareBucket(t, tx.Bucket([]byte(spec.Name)), spec.Name, want[View(v)]))
		}
		meta := tx.Bucket([]byte("meta"))
		position := `{"format":1,"created":"1970-01-01T00:00:01.000000005Z","seq":7,"time":"1970-01-01T00:00:02Z","id":"event"}`
		sums = binary.BigEndian.AppendUint64(sums, entrySum([]byte("position"), []byte(position)))
		if got := meta.Get([]byte("sums")); string(got) != string(sums) {
			t.Errorf("checksums %x, want %x", got, sums)
		}
		if got := meta.Get([]byte("position")); string(got) != position || !json.Valid(got) {
			t.Errorf("position %s, want %s", got, position)
		}
		return nil
	}))
}

func compressed(plain string) string { return hex.EncodeToString(s2.Encode(nil, []byte(plain))) }

// compareBucket compares the entries of a view, and returns their checksum by its definition.
func compareBucket(t *testing.T, bucket *bolt.Bucket, name string, want map[string]string) (sum uint64) {
	t.Helper()
	n := 0
	check(t, bucket.ForEach(func(key, value []byte) error {
		if got, wanted := hex.EncodeToString(value), want[hex.EncodeToString(key)]; got != wanted {
			t.Errorf("%s: %x: %s, want %s", name, key, got, wanted)
		}
		n++
		k := crc32.Checksum(key, castagnoli)
		sum += uint64(k)<<32 + uint64(crc32.Update(k+uint32(len(key)), castagnoli, value))
		return nil
	}))
	if n != len(want) {
		t.Errorf("%s: %d entries, want %d", name, n, len(want))
	}
	return sum
}

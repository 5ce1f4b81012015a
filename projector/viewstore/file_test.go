package viewstore

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// fill writes something of each layout.
func fill(h *harness, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 1))
	h.write(func(m *Memtable) {
		for n := uint64(1); n <= 1000; n++ {
			name := fmt.Appendf(nil, "%d-%x", seed, random.Uint32())
			m.PutNew(plain, name, name)
			m.Count(counters, "all", 1)
			m.Insert(unfiltered, name, name, n)
			m.Put(ChunkSet{grouped, seed}, n, bytes.Repeat(name, 5))
			m.Append(lists, "all", seed<<20+n)
		}
	})
}

// TestReload: a transaction that failed leaves nothing in memory.
func TestReload(t *testing.T) {
	h := newHarness(t)
	fill(h, 1)
	p, sums := h.Position(), slices.Clone(h.sums)
	digest, err := h.Digest()
	check(t, err)
	m := NewMemtable(h.overlay)
	m.PutNew(plain, []byte("a"), nil)
	m.Append(lists, string(make([]byte, bolt.MaxKeySize)), 1)
	m.Freeze()
	w, err := h.Begin()
	check(t, err)
	if err := w.Commit(m, Position{Format: 1, Seq: 99}); !errors.Is(err, berrors.ErrKeyTooLarge) {
		t.Fatalf("%v, want a key that is too large", err)
	}
	if slices.Equal(h.sums, sums) {
		t.Error("nothing is left in memory, so this shows nothing")
	}
	check(t, h.Reload())
	if h.Position() != p || !slices.Equal(h.sums, sums) {
		t.Errorf("position %+v, want %+v; or other checksums", h.Position(), p)
	}
	if got, err := h.Digest(); got != digest || err != nil {
		t.Errorf("digest %s, %v, want %s", got, err, digest)
	}
}

// TestOpenVerifies: a file of another version opens unverified, and one whose entries differ from
// its checksums does not open.
func TestOpenVerifies(t *testing.T) {
	h := newHarness(t)
	fill(h, 1)
	p := h.Position()
	check(t, h.SavePosition(Position{Format: p.Format, Seq: 5, ID: "id"}))
	h.close()
	h.open()
	if got := h.Position(); got.Seq != 5 || got.ID != "id" {
		t.Errorf("position %+v", got)
	}
	newer := testSchema
	newer.Version++
	h.close()
	s, err := Open(h.path, newer)
	check(t, err)
	if got := s.Position().Format; got != testSchema.Version {
		t.Errorf("format %d", got)
	}
	check(t, s.Close())
	for _, spec := range testSchema.Views {
		spoiled := filepath.Join(t.TempDir(), "views")
		content, err := os.ReadFile(h.path)
		check(t, err)
		check(t, os.WriteFile(spoiled, content, 0o600))
		db, _, err := openFile(spoiled)
		check(t, err)
		check(t, db.Update(func(tx *bolt.Tx) error { return tx.Bucket([]byte(spec.Name)).Put([]byte("zz"), []byte("a")) }))
		check(t, db.Close())
		if _, err := Open(spoiled, testSchema); !errors.Is(err, ErrDamaged) {
			t.Errorf("an entry too many in %s: %v", spec.Name, err)
		}
	}
	h.open()
}

// TestTruncatedFile: a file that lost its end does not open.
func TestTruncatedFile(t *testing.T) {
	h := newHarness(t)
	fill(h, 1)
	var size int64
	h.read(func(r *Reader) { size = r.Size() })
	h.close()
	whole, err := os.ReadFile(h.path)
	check(t, err)
	for _, n := range []int64{1, 4096, size / 2, size - 4096, size - 1} {
		path := filepath.Join(t.TempDir(), "views")
		check(t, os.WriteFile(path, whole[:n], 0o600))
		if _, err := Open(path, testSchema); !errors.Is(err, ErrDamaged) {
			t.Errorf("%d of %d bytes: %v", n, size, err)
		}
	}
	h.open()
}

// TestLocked: one process has a file open at a time, and a damaged file needs no lock.
func TestLocked(t *testing.T) {
	h := newHarness(t)
	if _, err := Lock(h.path); !errors.Is(err, ErrInUse) {
		t.Errorf("a file in use: %v", err)
	}
	path := filepath.Join(t.TempDir(), "views")
	release, err := Lock(path)
	check(t, err)
	if _, err := Open(path, testSchema); !errors.Is(err, ErrInUse) {
		t.Errorf("a locked file: %v", err)
	}
	release()
	check(t, os.WriteFile(path, bytes.Repeat([]byte("garbage "), 4096), 0o600))
	release, err = Lock(path)
	check(t, err)
	release()
}

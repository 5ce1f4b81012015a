package viewstore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	bolt "go.etcd.io/bbolt"
)

const testPage = 4096 // bytes; files that bbolt makes on other page sizes have larger ones

// TestLostPageWrites drops each single page write of a file's last commit, as a power cut may, for
// several commits. The file is either found to be damaged, or holds the views of one commit and can be
// written: the last one, the one before, or an earlier one whose root page came back. Files of versions
// up to 0.1.0 store bbolt's free list; a lost write of it, over a list of an earlier commit, passes every
// checksum.
func TestLostPageWrites(t *testing.T) {
	for name, stored := range map[string]bool{"stored free list": true, "no free list": false} {
		t.Run(name, func(t *testing.T) {
			damaged, sound := 0, 0
			for _, c := range lastCommits(t, stored) {
				for _, lost := range c.lostWrites() {
					if openLost(t, lost, c.digests) {
						sound++
					} else {
						damaged++
					}
				}
			}
			t.Logf("%d lost writes are detected, %d leave sound views", damaged, sound)
			if damaged < 10 || sound == 0 {
				t.Errorf("%d lost writes are detected, %d leave sound views: the test shows little", damaged, sound)
			}
		})
	}
}

// aCommit is a file before and after a commit, and the digests of the views up to it.
type aCommit struct {
	before, after []byte
	digests       []string
}

// lastCommits are several commits of one file.
func lastCommits(t *testing.T, stored bool) (commits []aCommit) {
	t.Helper()
	h := newHarness(t)
	h.db.NoFreelistSync = !stored
	var last aCommit
	for n := range uint64(18) {
		digest, err := h.Digest()
		check(t, err)
		content, err := os.ReadFile(h.path)
		check(t, err)
		last = aCommit{last.after, content, append(last.digests, digest)}
		if n > 8 {
			commits = append(commits, last)
		}
		if n <= 8 {
			fill(h, n)
		} else {
			touch(h, n)
		}
	}
	return commits
}

// touch changes few pages. bbolt then writes its free list where an earlier list was.
func touch(h *harness, n uint64) {
	h.write(func(m *Memtable) {
		m.Set(plain, []byte("touched"), NumberKey(n))
		m.Count(counters, "all", 1)
	})
}

// lostWrites are the files after the commit, each without one page of it.
func (c aCommit) lostWrites() (files [][]byte) {
	for at := 0; at < len(c.after); at += testPage {
		old := make([]byte, min(testPage, len(c.after)-at))
		if at < len(c.before) {
			copy(old, c.before[at:])
		}
		if !bytes.Equal(old, c.after[at:at+len(old)]) {
			lost := bytes.Clone(c.after)
			copy(lost[at:], old)
			files = append(files, lost)
		}
	}
	return files
}

// openLost opens a file that lost a write. It returns false if the file is found to be damaged.
func openLost(t *testing.T, content []byte, digests []string) bool {
	t.Helper()
	h := &harness{TB: t, path: filepath.Join(t.TempDir(), "views")}
	check(t, os.WriteFile(h.path, content, 0o600))
	_, checked := Check(h.path, testSchema)
	s, err := Open(h.path, testSchema)
	if errors.Is(checked, ErrDamaged) != errors.Is(err, ErrDamaged) {
		// bbolt looks through the file in another goroutine, whose panics end the process.
		t.Fatalf("only one finds the damage: bbolt, or what reads the file before it: %v; %v", checked, err)
	}
	if errors.Is(err, ErrDamaged) {
		return false
	}
	check(t, err)
	h.Store, h.overlay = s, NewOverlay(s)
	defer h.close()
	digest, err := h.Digest()
	check(t, err)
	if !slices.Contains(digests, digest) {
		t.Fatalf("the views are those of none of %d commits", len(digests))
	}
	for n := range uint64(3) {
		touch(h, n)
		fill(h, 200+n)
		check(t, h.Verify())
	}
	return true
}

// TestStaleFreeList: a stored free list that is a commit old, which no checksum covers, is not used.
func TestStaleFreeList(t *testing.T) {
	for _, c := range lastCommits(t, true) {
		stale := bytes.Clone(c.after)
		from, to := freelistOf(c.before), freelistOf(c.after)
		copy(stale[to+8:], c.before[from+8:from+testPage]) // all but the page's own id
		if !openLost(t, stale, c.digests) {
			t.Error("sound views were not opened")
		}
	}
}

// freelistOf is the offset of the free list that the file's last commit stored.
func freelistOf(file []byte) uint64 {
	last := file
	if number := func(page []byte) uint64 { return binary.NativeEndian.Uint64(page[metaFreelist+16:]) }; number(file[testPage:]) > number(file) {
		last = file[testPage:]
	}
	return testPage * binary.NativeEndian.Uint64(last[metaFreelist:])
}

// TestForeignRootPage: a file whose root page holds any other page of it is damaged. Views are nowhere
// to be found in most of them, but such a file is not taken for one that is new.
func TestForeignRootPage(t *testing.T) {
	h := newHarness(t)
	fill(h, 1)
	fill(h, 2)
	var root, pages int
	check(t, h.db.View(func(tx *bolt.Tx) error {
		root, pages = int(tx.Cursor().Bucket().Root()), int(tx.Size()/testPage)
		return nil
	}))
	content, err := os.ReadFile(h.path)
	check(t, err)
	tried := 0
	for page := 2; page < pages; page++ {
		foreign := bytes.Clone(content[testPage*page : testPage*(page+1)])
		count, overflow := binary.NativeEndian.Uint16(foreign[10:]), binary.NativeEndian.Uint32(foreign[12:])
		if page == root || count == 0 || overflow > 0 {
			continue // an empty page is that of a new file
		}
		if first, _ := elementAt(foreign, 0, binary.NativeEndian.Uint16(foreign[8:])); first.flags == bucketElement {
			continue // the root of an earlier commit, which was as sound
		}
		tried++
		changed := bytes.Clone(content)
		copy(changed[testPage*root:], foreign)
		binary.NativeEndian.PutUint64(changed[testPage*root:], uint64(root)) // its own id
		path := filepath.Join(t.TempDir(), "views")
		check(t, os.WriteFile(path, changed, 0o600))
		if _, err := Check(path, testSchema); !errors.Is(err, ErrDamaged) {
			t.Errorf("page %d as the root: Check: %v", page, err)
		}
		if p, err := ReadPosition(path); !errors.Is(err, ErrDamaged) {
			t.Errorf("page %d as the root: position %v, %v", page, p, err)
		}
		if _, err := Open(path, testSchema); !errors.Is(err, ErrDamaged) {
			t.Errorf("page %d as the root: Open: %v", page, err)
		}
	}
	if tried < 20 {
		t.Errorf("only %d pages", tried)
	}
}

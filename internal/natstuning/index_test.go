package natstuning

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestIndexOfARunningServer: it is the one that the server writes at its stop, but for the order of subjects.
func TestIndexOfARunningServer(t *testing.T) {
	t.Parallel()
	g := newGrowing(t, rand.New(rand.NewPCG(1, 1)))
	path := filepath.Join(msgsOf(g.dir), IndexName)
	if last, err := ExtendIndexOf(g.srv, "S"); err == nil {
		t.Errorf("of a stream without messages: %d", last)
	}
	for range 3 {
		g.publish(40)
		if last, err := ExtendIndexOf(g.srv, "S"); err != nil || last != g.last {
			t.Fatalf("up to %d, want %d: %v", last, g.last, err)
		}
		ours := g.indexOf(g.dir)
		if err := writeServersIndex(g.srv, "S"); err != nil {
			t.Fatal(err)
		}
		ours.compare(t, g.indexOf(g.dir))
	}
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if last, err := ExtendIndexOf(g.srv, "S"); err != nil || last != g.last {
		t.Errorf("up to %d: %v", last, err)
	}
	if after, err := os.Stat(path); err != nil || !os.SameFile(before, after) {
		t.Errorf("an index that lacks nothing was written: %v", err)
	}
	if _, err := ExtendIndexOf(g.srv, "MISSING"); err == nil {
		t.Error("a stream that does not exist: no error")
	}
}

// TestIndexIsSorted: an extended index has its subjects sorted, also after one that the server wrote; but where that
// has too many they stay as they are, and the others follow.
func TestIndexIsSorted(t *testing.T) {
	t.Parallel()
	g := newGrowing(t, rand.New(rand.NewPCG(6, 6)))
	for range 4 {
		g.publish(40)
		if _, err := ExtendIndexOf(g.srv, "S"); err != nil {
			t.Fatal(err)
		}
		if i := g.indexOf(g.dir); !i.sorted || i.subjects < 10 {
			t.Errorf("sorted %v, %d subjects", i.sorted, i.subjects)
		}
		g.publish(1)
		if err := writeServersIndex(g.srv, "S"); err != nil {
			t.Fatal(err)
		}
		if g.indexOf(g.dir).sorted {
			t.Fatal("the server's index is sorted: this test shows nothing")
		}
	}
	g.publish(40)
	for toSort, want := range map[uint64]bool{1: false, 1000: true} {
		msgs := msgsOf(g.copy())
		x := &extension{stream: "S", msgs: msgs, turn: 1000, toSort: toSort, readers: 1, upTo: math.MaxUint64}
		if err := x.extend(); err != nil || x.sorted != want {
			t.Errorf("up to %d subjects: sorted %v, want %v: %v", toSort, x.sorted, want, err)
		}
	}
}

// TestIndexWhileTheServerStores: each index of a running server is one that a start can extend to the last message.
func TestIndexWhileTheServerStores(t *testing.T) {
	t.Parallel()
	g := newGrowing(t, rand.New(rand.NewPCG(2, 2)))
	g.publish(1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		g.publish(100)
	}()
	for running := true; running; {
		select {
		case <-ended:
			running = false
		default:
		}
		if _, err := ExtendIndexOf(g.srv, "S"); err != nil {
			t.Error(err)
		}
	}
	g.check(g.dir)
}

// TestIndexOfAnUnfinishedBlock: a message that is on the disk in part is not in the index of a running server. A server
// that does not run has to see such a one itself.
func TestIndexOfAnUnfinishedBlock(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 3))
	g := newGrowing(t, random)
	g.publish(20)
	for range 6 {
		dir := g.copy()
		newest := filepath.Join(msgsOf(dir), BlockName(g.lastBlock(dir)))
		content, err := os.ReadFile(newest)
		if err != nil {
			t.Fatal(err)
		}
		cut := random.IntN(len(content))
		if err := os.WriteFile(newest, content[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		x := &extension{stream: "S", msgs: msgsOf(dir), turn: 1000, readers: 1, upTo: g.last}
		if err := x.extend(); err != nil && x.messages > 0 {
			t.Fatalf("cut at %d of %d: %v", cut, len(content), err)
		}
		if x.lastSeq >= g.last {
			t.Errorf("cut at %d of %d: the index has all messages", cut, len(content))
		}
		if err := os.WriteFile(newest, content, 0o600); err != nil {
			t.Fatal(err)
		}
		part := &extension{stream: "S", msgs: msgsOf(dir), turn: 1000, readers: 1, upTo: g.last - uint64(1+random.IntN(5))}
		if err := part.extend(); err != nil || part.lastSeq != max(part.upTo, x.lastSeq) {
			t.Errorf("up to %d instead of %d: %v", part.lastSeq, part.upTo, err)
		}
		if last, _, err := ExtendIndex(msgsOf(dir), "S"); err != nil || last != g.last {
			t.Errorf("cut at %d: later up to %d: %v", cut, last, err)
		}
		g.check(dir)
	}
}

// TestUnusableIndex: one that cannot be read is made again from all messages.
func TestUnusableIndex(t *testing.T) {
	t.Parallel()
	g := newGrowing(t, rand.New(rand.NewPCG(7, 7)))
	g.publish(60)
	if _, err := ExtendIndexOf(g.srv, "S"); err != nil {
		t.Fatal(err)
	}
	g.publish(20)
	for name, change := range map[string]func([]byte) []byte{
		"none":                  nil,
		"empty":                 func([]byte) []byte { return nil },
		"half of it":            func(b []byte) []byte { return b[:len(b)/2] },
		"another bit":           flip(40),
		"another hash":          flip(-1),
		"of an old version":     rehashed(flip(1)),
		"longer":                rehashed(func(b []byte) []byte { return append(b, 0) }),
		"shorter":               rehashed(func(b []byte) []byte { return b[:len(b)-9] }),
		"its subjects are many": rehashed(func(b []byte) []byte { return bytes.Replace(b, []byte("\x03s.1"), []byte("\xff\x03s.1"), 1) }),
	} {
		t.Run(name, func(t *testing.T) {
			dir := g.copy()
			path := filepath.Join(msgsOf(dir), IndexName)
			content, err := os.ReadFile(path)
			if err == nil && change == nil {
				err = os.Remove(path)
			} else if err == nil {
				err = os.WriteFile(path, change(content), fs.FileMode(0o600))
			}
			if err != nil {
				t.Fatal(err)
			}
			if last, _, err := ExtendIndex(msgsOf(dir), "S"); err != nil || last != g.last {
				t.Fatalf("up to %d, want %d: %v", last, g.last, err)
			}
			g.check(dir)
		})
	}
}

// TestIndexOfARunningServerIsChecked: where there is no index the server has not just made what is read. A message that has
// changed on the disk is found.
func TestIndexOfARunningServerIsChecked(t *testing.T) {
	t.Parallel()
	g := newGrowing(t, rand.New(rand.NewPCG(5, 5)))
	for g.publish(1); g.lastBlock(g.dir) < 3; {
		g.publish(5)
	}
	first := filepath.Join(msgsOf(g.dir), BlockName(1))
	content, err := os.ReadFile(first)
	if err == nil {
		err = os.WriteFile(first, flip(RecordHeader+2)(content), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	if last, err := ExtendIndexOf(g.srv, "S"); !errors.Is(err, ErrIndex) {
		t.Errorf("up to %d: %v", last, err)
	}
}

// TestAdditions: they are what a map has of the same messages, sorted, by one core and by two.
func TestAdditions(t *testing.T) {
	t.Parallel()
	for cores := 1; cores <= 2; cores++ {
		for _, messages := range []uint32{0, 1, 2, 9000} {
			testAdditions(t, cores, messages)
		}
	}
}

func testAdditions(t *testing.T, cores int, messages uint32) {
	t.Helper()
	random := rand.New(rand.NewPCG(4, 4))
	var a additions
	want := map[string]subjectState{}
	subjects := []string{"", "\x00", "\x00\x00", "sssssss", strings.Repeat("s", 14), strings.Repeat("s", 14) + "\x00"}
	for block := range messages {
		s := make([]byte, random.IntN(30)) // with common beginnings of all lengths
		for i := range s {
			s[i] = "sssssssst.\x00\xff"[random.IntN(12)]
		}
		if random.IntN(2) == 0 {
			s = []byte(subjects[random.IntN(len(subjects))])
		}
		subjects = append(subjects, string(s))
		a.add(s, subjectState{1, block, block})
		of, known := want[string(s)]
		if !known {
			of.fblk = block
		}
		of.total, of.lblk = of.total+1, block
		want[string(s)] = of
	}
	a.sortAndCombine(cores)
	got := map[string]subjectState{}
	for i := range a.list {
		of := &a.list[i]
		got[string(a.name(of))] = of.subjectState
		if i > 0 && bytes.Compare(a.name(&a.list[i-1]), a.name(of)) >= 0 {
			t.Errorf("%q comes after %q", a.name(of), a.name(&a.list[i-1]))
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("%d messages sorted by %d: it has other subjects", messages, cores)
	}
	for name, place := range a.byName() {
		if got := a.name(&a.list[place]); string(got) != name {
			t.Errorf("%q is at the place of %q", name, got)
		}
	}
}

// TestIndexOnAFullDisk: an error of the file, at its begin or at its end, ends the encoding.
func TestIndexOnAFullDisk(t *testing.T) {
	for _, space := range []int{0, 3 << 20} {
		err := writeIndex(&fullDisk{space}, "S", func(w *indexWriter) error {
			for range 100 {
				w.write(make([]byte, 1<<20))
			}
			return nil
		})
		if !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("with space for %d bytes: %v", space, err)
		}
	}
	wrong := errors.New("wrong")
	err := writeIndex(&fullDisk{1 << 30}, "S", func(w *indexWriter) error {
		w.write(make([]byte, 1<<21))
		return wrong
	})
	if !errors.Is(err, wrong) {
		t.Error(err)
	}
}

// A fullDisk takes so many bytes.
type fullDisk struct{ space int }

func (d *fullDisk) Write(b []byte) (int, error) {
	if d.space -= len(b); d.space < 0 {
		return 0, syscall.ENOSPC
	}
	return len(b), nil
}

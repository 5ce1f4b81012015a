package projector

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/projector/viewstore"
)

// TestSameViewsHoweverFolded folds the same events with other transaction boundaries and restarts:
// digest and answers are the same, and the file is sound at each open.
func TestSameViewsHoweverFolded(t *testing.T) {
	for seed := range uint64(3) {
		all := manyImports(seed, 3, 300)
		log := newMemLog(all...)
		whole := newHarness(t, t.TempDir(), log)
		want := answersOf(whole)
		digest, err := whole.Digest()
		check(t, err)

		dir := t.TempDir()
		foldInPieces(t, dir, log, rand.New(rand.NewPCG(seed, 7)))
		pieces := newHarness(t, dir, log)
		if got := answersOf(pieces); got != want {
			t.Errorf("seed %d: other answers: %s", seed, firstDifference(got, want))
		}
		if got, err := pieces.Digest(); err != nil || got != digest {
			t.Errorf("seed %d: digest %s, %v, want %s", seed, got, err, digest)
		}
	}
}

// foldInPieces folds with random transaction boundaries and restarts. Most memtables are written only
// after some events of the next one were folded.
func foldInPieces(t *testing.T, dir string, log *memLog, random *rand.Rand) {
	t.Helper()
	var l *batchWriter
	var w *viewstore.WriteTx
	open := func() { l = newBatchWriter(openViews(t, dir), maxBatchEvents) }
	write := func() {
		if w != nil {
			check(t, l.onCommitted(l.immutable.commit(w)))
			w = nil
		}
	}
	rotate := func() {
		write()
		var err error
		w, err = l.rotate()
		check(t, err)
	}
	open()
	for _, m := range log.Messages {
		check(t, l.apply(decoded(t, m)))
		switch random.IntN(200) {
		case 0, 1, 2, 3:
			rotate()
		case 4:
			l.overlay.Release()
			write()
		case 5: // a restart
			rotate()
			write()
			check(t, l.store.Close())
			open()
		}
	}
	write()
	check(t, l.finish())
	check(t, l.store.Close())
}

func decoded(t *testing.T, m eventlog.Message) fact {
	t.Helper()
	envelope, err := events.Decode(m.Data)
	check(t, err)
	return fact{Envelope: envelope, seq: m.Seq, time: m.Time, body: m.Data}
}

func firstDifference(a, b string) string {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	return "…" + a[max(0, i-80):min(len(a), i+40)] + "… and …" + b[max(0, i-80):min(len(b), i+40)] + "…"
}

func TestRebuildGivesTheSame(t *testing.T) {
	log := newMemLog(manyImports(5, 3, 300)...)
	dir := t.TempDir()
	r := newHarness(t, dir, log)
	want := answersOf(r)
	digest, err := r.Digest()
	check(t, err)
	if _, err := Rebuild(t.Context(), log, dir, nil); !errors.Is(err, viewstore.ErrInUse) {
		t.Errorf("a rebuild while a projector runs: %v", err)
	}
	r.stop()

	var done, total uint64
	result, err := Rebuild(t.Context(), log, dir, func(d, n uint64) { done, total = d, n })
	check(t, err)
	n := uint64(len(log.Messages))
	if result.Digest != digest || result.Events != n || done != n || total != n || result.Duration <= 0 {
		t.Errorf("%+v, progress %d of %d; want %d events, digest %s", result, done, total, n, digest)
	}
	if got := answersOf(newHarness(t, dir, log)); got != want {
		t.Errorf("other answers: %s", firstDifference(got, want))
	}
}

func TestHotCopy(t *testing.T) {
	r := newHarness(t, t.TempDir(), newMemLog(manyImports(5, 2, 100)...))
	r.catchUp()
	digest, err := r.Digest()
	check(t, err)
	dir := t.TempDir()
	verify(t, dir) // nothing there
	n := r.copyTo(filepath.Join(dir, FileName))
	verify(t, dir)
	s := openViews(t, dir)
	if got, err := s.Digest(); err != nil || got != digest || n == 0 {
		t.Errorf("the copy of %d bytes has digest %s, %v, want %s", n, got, err, digest)
	}
	check(t, s.Close())
	check(t, os.Truncate(filepath.Join(dir, FileName), n/2))
	if _, err := Verify(dir); !errors.Is(err, ErrDamaged) {
		t.Errorf("half a copy: %v", err)
	}
}

func TestInterruptedRebuildKeepsTheOldViews(t *testing.T) {
	log := newMemLog(manyImports(5, 2, 100)...)
	dir := t.TempDir()
	r := newHarness(t, dir, log)
	r.catchUp()
	r.stop()
	before, err := os.ReadFile(filepath.Join(dir, FileName))
	check(t, err)
	log.AddBody("imports.1.new", []byte(`{"specversion":"1.0","id":"1/new","source":"licenseimport","type":"ImportPaused","data":{}}`))
	var unknown *events.UnknownTypeError
	if _, err := Rebuild(t.Context(), log, dir, nil); !errors.As(err, &unknown) {
		t.Fatalf("%v, want an unknown type", err)
	}
	after, err := os.ReadFile(filepath.Join(dir, FileName))
	check(t, err)
	if !bytes.Equal(before, after) {
		t.Error("the old file changed")
	}
	if _, err := os.Stat(filepath.Join(dir, FileName+".new")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the new file is left: %v", err)
	}
}

// TestFilesThatAreNotServed damages the file in many ways: Open detects each, and the views are the
// same afterwards.
func TestFilesThatAreNotServed(t *testing.T) {
	log := newMemLog(manyImports(9, 3, 200)...)
	dir := t.TempDir()
	path := filepath.Join(dir, FileName)
	r := newHarness(t, dir, log)
	r.catchUp()
	digest, err := r.Digest()
	check(t, err)
	r.stop()
	good := used(t, path)
	spoiled := map[string][]byte{
		"truncated": good[:len(good)/2], "truncated to a page": good[:4096], "no end": good[:bytes.LastIndex(good, []byte("Key-"))],
		"garbage": bytes.Repeat([]byte("garbage "), len(good)/8), "short": []byte("x"),
		// Which pages are free depends on the commits: only all of them together surely hold one in use.
		"zeroes behind the meta pages": append(append([]byte{}, good[:8192]...), make([]byte, len(good)-8192)...),
	}
	for name, content := range spoiled {
		check(t, os.WriteFile(path, content, 0o600))
		r := newHarness(t, dir, log)
		r.catchUp()
		if got, err := r.Digest(); err != nil || got != digest {
			t.Errorf("%s: digest %s, %v, want %s", name, got, err, digest)
		}
		r.stop()
		if _, err := os.Stat(path + ".bad"); err != nil {
			t.Errorf("%s: not set aside: %v", name, err)
		}
		_ = os.Remove(path + ".bad")
	}
}

// used is the content of a views' file without the unused pages at its end.
func used(t *testing.T, path string) []byte {
	t.Helper()
	s, err := viewstore.Open(path, schema)
	check(t, err)
	var size int64
	check(t, s.Read(func(r *viewstore.Reader) error { size = r.Size(); return nil }))
	check(t, s.Close())
	content, err := os.ReadFile(path)
	check(t, err)
	return content[:size]
}

// TestBitFlips: a flipped bit is in bytes that nothing reads, or is detected, or returns the file to
// the previous commit, from which folding continues.
func TestBitFlips(t *testing.T) {
	flipped := t.TempDir()
	path := filepath.Join(flipped, FileName)
	dir := t.TempDir()
	log := newMemLog(manyImports(9, 2, 100)...)
	r := newHarness(t, dir, log)
	r.catchUp()
	digest, err := r.Digest()
	check(t, err)
	r.stop()
	good := used(t, filepath.Join(dir, FileName))
	random := rand.New(rand.NewPCG(1, 1))
	found := 0
	// How many of the bytes are read depends on the commits: more flips are tried where few are found.
	for n := 0; n < 150 || found < 15 && n < 3000; n++ {
		at, bit := random.IntN(len(good)), byte(1)<<random.IntN(8)
		good[at] ^= bit
		check(t, os.WriteFile(path, good, 0o600))
		good[at] ^= bit
		s, err := viewstore.Open(path, schema)
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Errorf("a flipped bit at %d: %v", at, err)
			}
			found++
			continue
		}
		check(t, s.Close())
		r := newHarness(t, flipped, log)
		r.catchUp()
		if got, err := r.Digest(); err != nil || got != digest {
			t.Errorf("a flipped bit at %d is not detected: %s %v", at, got, err)
		}
		r.stop()
	}
	if found < 15 {
		t.Errorf("only %d were found: the test can hardly fail", found)
	}
}

// TestViewsAreNeverDeletedBecauseOfTheStream: a stream that does not hold what the views hold is
// refused, and the file stays byte for byte.
func TestViewsAreNeverDeletedBecauseOfTheStream(t *testing.T) {
	all := manyImports(2, 2, 50)
	dir := t.TempDir()
	r := newHarness(t, dir, newMemLog(all...))
	r.catchUp()
	r.stop()
	before, err := os.ReadFile(filepath.Join(dir, FileName))
	check(t, err)
	for name, test := range map[string]struct {
		log  *memLog
		says string
	}{
		"other events": {newMemLog(append(manyImports(3, 2, 50), all...)...), "another event at their sequence"},
		"shorter":      {newMemLog(all[:20]...), "ahead of the stream, which ends at 20 (68 licenses of the imports ["},
		"empty":        {newMemLog(), "ahead of the stream, which ends at 0"},
	} {
		_, err := Open(t.Context(), dir, test.log)
		if _, lost := errors.AsType[*eventlog.LossError](err); !lost || !strings.Contains(err.Error(), test.says) ||
			!strings.Contains(err.Error(), "80 licenses") {
			t.Errorf("%s: opened with %v", name, err)
		}
		_, err = Rebuild(t.Context(), test.log, dir, nil)
		if _, lost := errors.AsType[*eventlog.LossError](err); !lost {
			t.Errorf("%s: rebuilt with %v", name, err)
		}
		after, err := os.ReadFile(filepath.Join(dir, FileName))
		if entries, _ := os.ReadDir(dir); err != nil || !bytes.Equal(before, after) || len(entries) != 1 {
			t.Errorf("%s: the directory changed: %v %v", name, entries, err)
		}
	}
}

// TestViewsOfARestoredStream: a restore makes the stream again, at another time and with the same
// events. The views stay and are folded on.
func TestViewsOfARestoredStream(t *testing.T) {
	all := manyImports(2, 2, 50)
	dir := t.TempDir()
	r := newHarness(t, dir, newMemLog(all...))
	r.catchUp()
	want, err := r.Digest()
	check(t, err)
	r.stop()
	later := newMemLog(all...)
	later.Created = logBegins.Add(1)
	p, err := Open(t.Context(), dir, later)
	check(t, err)
	defer p.Close()
	if got, err := p.Digest(); err != nil || got != want || p.Position() != events.Seq(len(all)) {
		t.Errorf("digest %s at %d, %v; want %s", got, p.Position(), err, want)
	}
}

// electingLog is a log whose leader does not answer the first requests.
type electingLog struct {
	*memLog
	left int // requests without an answer
}

func (l *electingLog) unanswered() error {
	if l.left--; l.left >= 0 {
		return fmt.Errorf("ask stream LICENSES: %w", context.DeadlineExceeded)
	}
	return nil
}

func (l *electingLog) State(ctx context.Context) (eventlog.State, error) {
	if err := l.unanswered(); err != nil {
		return eventlog.State{}, err
	}
	return l.memLog.State(ctx)
}

func (l *electingLog) MessageAt(ctx context.Context, seq events.Seq) (eventlog.Message, bool, error) {
	if err := l.unanswered(); err != nil {
		return eventlog.Message{}, false, err
	}
	return l.memLog.MessageAt(ctx, seq)
}

// TestOpenWaitsForALeader: a projector that starts while the stream elects a leader waits, and ends only when it is
// told to.
func TestOpenWaitsForALeader(t *testing.T) {
	dir, log := t.TempDir(), newMemLog(manyImports(2, 2, 50)...)
	r := newHarness(t, dir, log)
	r.catchUp()
	r.stop()
	for left := range 4 {
		p, err := Open(t.Context(), dir, &electingLog{log, left})
		check(t, err)
		check(t, p.Close())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if p, err := Open(ctx, dir, &electingLog{log, 1}); err == nil {
		t.Error("opened after the end", p.Close())
	}
}

// TestSetLostAside never replaces a file.
func TestSetLostAside(t *testing.T) {
	dir := t.TempDir()
	names := map[string]bool{}
	for range 3 {
		check(t, os.WriteFile(filepath.Join(dir, FileName), []byte("views"), 0o600))
		name, err := SetLostAside(dir)
		check(t, err)
		names[name] = true
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 3 || len(names) != 3 {
		t.Errorf("%v of %v, %v", names, entries, err)
	}
	if name, err := SetLostAside(dir); name != "" || err != nil {
		t.Errorf("nothing to set aside: %q, %v", name, err)
	}
}

func verify(t *testing.T, dir string) {
	t.Helper()
	_, err := Verify(dir)
	check(t, err)
}

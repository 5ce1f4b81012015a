package projector

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"licenseimport/events"
	"licenseimport/projector/viewstore"
)

// shrinkingIn is the variable that tells TestShrinkingProcess its directory.
const shrinkingIn = "PROJECTOR_TEST_SHRINKING_IN"

func halfEmpty(u viewstore.Usage) bool { return u.Free > u.Size/2 }

// grow folds events into a directory in many commits while something reads, and returns the reader.
func grow(t *testing.T, log *memLog, dir string, all []events.Event) (stop func()) {
	t.Helper()
	r := newHarness(t, dir, log)
	log.Add(all[:1]...)
	r.catchUp()
	reading, done := make(chan struct{}), make(chan error, 1)
	go func() {
		done <- r.store().ReadAll(func(*viewstore.Reader) error { <-reading; return nil })
	}()
	for i := 1; i < len(all); i += 8 {
		log.Add(all[i:min(i+8, len(all))]...)
		r.catchUp()
	}
	close(reading)
	check(t, <-done)
	return r.stop
}

// runShrinking runs a projector on a directory that looks for free pages all the time.
func runShrinking(t *testing.T, dir string, log Log) *harness {
	t.Helper()
	p, err := Open(t.Context(), dir, log)
	check(t, err)
	p.shrinkEvery, p.wasteful = time.Millisecond, halfEmpty
	return runHarness(t, p)
}

// waitUntilShrunk waits for another store.
func (r *harness) waitUntilShrunk(before *viewstore.Store) {
	r.Helper()
	ctx, cancel := context.WithTimeout(r.Context(), 30*time.Second)
	defer cancel()
	for r.store() == before {
		select {
		case <-ctx.Done():
			r.Fatal("the file was not made smaller")
		case <-time.After(time.Millisecond):
		}
	}
}

// TestShrinkWhileServing: a file that grew under a slow reader is made smaller while the projector folds
// and answers. No read fails, a slow one ends on the file that it began with, and the answers are those of
// views that were folded at once.
func TestShrinkWhileServing(t *testing.T) {
	all := manyImports(7, 3, 300)
	half := len(all) / 2
	log, dir := newMemLog(), t.TempDir()
	grow(t, log, dir, all[:half])()
	path := filepath.Join(dir, FileName)
	grown, err := Verify(dir)
	check(t, err)
	if !halfEmpty(grown) {
		t.Fatalf("%+v: less than half is free", grown)
	}

	p, err := Open(t.Context(), dir, log)
	check(t, err)
	p.shrinkEvery, p.wasteful = time.Millisecond, halfEmpty
	old := p.store()
	began, slow, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- p.readAll(func(views *viewstore.Reader) error {
			close(began)
			<-slow
			n := 0
			err := views.ForEach(allLicenses, 0, func(uint64, []byte) error { n++; return nil })
			if err == nil && n == 0 {
				err = errors.New("the slow reader sees no license")
			}
			return err
		})
	}()
	<-began
	r := runHarness(t, p)
	reads := make(chan error, 1)
	go func() {
		for r.store() == old {
			if err := r.Read(t.Context(), func(*Reader) error { return nil }); err != nil {
				reads <- err
				return
			}
		}
		reads <- nil
	}()
	log.Add(all[half:]...)
	r.waitUntilShrunk(old)
	check(t, <-reads)
	if info, err := os.Stat(path); err != nil || info.Size() >= grown.Size {
		t.Errorf("%d bytes, %v; it had %d", info.Size(), err, grown.Size)
	}
	close(slow)
	check(t, <-done)

	shrunk := answersOf(r)
	check(t, r.Ready(t.Context()))
	check(t, r.store().Verify())
	fresh := newHarness(t, t.TempDir(), log)
	if shrunk != answersOf(fresh) {
		t.Error("the answers differ from those of views that were folded at once")
	}
	got, err := r.Digest()
	check(t, err)
	if want, err := fresh.Digest(); got != want || err != nil {
		t.Errorf("digest %s, want %s, %v", got, want, err)
	}
	if _, err := viewstore.ReadPosition(path); !errors.Is(err, ErrInUse) {
		t.Errorf("another process may open the new file: %v", err)
	}
	r.stop()
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// TestTruncatedAfterShrink: a file that took another one's place is still watched.
func TestTruncatedAfterShrink(t *testing.T) {
	all := manyImports(7, 2, 200)
	log, dir := newMemLog(), t.TempDir()
	grow(t, log, dir, all)()
	r := runShrinking(t, dir, log)
	old := r.store()
	r.waitUntilShrunk(old)
	smaller := r.store()
	check(t, os.Truncate(filepath.Join(dir, FileName), 8192))
	readUntilReplaced(t, r, func() bool { return r.store() != smaller })
	r.catchUp()
	check(t, r.store().Verify())
}

// TestNoShrinkToOtherViews: a smaller file whose views are not those of the file does not take its place.
func TestNoShrinkToOtherViews(t *testing.T) {
	all := manyImports(7, 2, 100)
	log := newMemLog(all...)
	r := newHarness(t, t.TempDir(), log)
	r.catchUp()
	other := t.TempDir()
	all[len(all)-1] = started(900, "eve")
	_, err := Rebuild(t.Context(), newMemLog(all...), other, nil)
	check(t, err)
	s := openViews(t, other)
	defer func() { check(t, s.Close()) }()
	before := r.store()
	if err := r.replaceWith(t.Context(), &replacement{Store: s}); err == nil || r.store() != before {
		t.Errorf("other views took the place: %v", err)
	}
}

// TestShrinkNeedsSpace: without free space for a second file nothing is written.
func TestShrinkNeedsSpace(t *testing.T) {
	r := newHarness(t, t.TempDir(), newMemLog(manyImports(7, 1, 10)...))
	r.catchUp()
	if _, err := r.smaller(t.Context(), viewstore.Usage{Size: 1 << 60}); err == nil {
		t.Error("a file of 2^60 bytes has space")
	}
	if _, err := os.Stat(r.fresh()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

// TestKilledWhileShrinking: a process that is killed at any moment leaves one whole file, from which the
// next one goes on.
func TestKilledWhileShrinking(t *testing.T) {
	all := shrinkingEvents()
	log, dir := newMemLog(), t.TempDir()
	grow(t, log, dir, all[:len(all)/2])()
	grown, err := os.ReadFile(filepath.Join(dir, FileName))
	check(t, err)
	want, err := Rebuild(t.Context(), newMemLog(all...), t.TempDir(), nil)
	check(t, err)
	took := killShrinking(t, dir, 0)
	const kills = 10
	for i := range kills {
		dir := t.TempDir()
		check(t, os.WriteFile(filepath.Join(dir, FileName), grown, 0o600))
		killShrinking(t, dir, took*time.Duration(i+1)/kills)
		if _, err := Verify(dir); err != nil {
			t.Errorf("killed after %d tenths: %v", i+1, err)
		}
		r := newHarness(t, dir, newMemLog(all...))
		r.catchUp()
		if got, err := r.Digest(); got != want.Digest || err != nil {
			t.Errorf("killed after %d tenths: digest %s, want %s, %v", i+1, got, want.Digest, err)
		}
		r.stop()
		if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
			t.Errorf("left behind: %v, %v", entries, err)
		}
	}
}

func shrinkingEvents() []events.Event { return manyImports(8, 2, 300) }

// killShrinking runs TestShrinkingProcess on a directory and kills it some time after its views are open; 0:
// when its file was replaced. It returns that time.
func killShrinking(t *testing.T, dir string, after time.Duration) time.Duration {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestShrinkingProcess$")
	cmd.Env = append(os.Environ(), shrinkingIn+"="+dir)
	out, err := cmd.StdoutPipe()
	check(t, err)
	check(t, cmd.Start())
	lines := bufio.NewScanner(out)
	lines.Scan() // open
	began := time.Now()
	if after == 0 {
		lines.Scan() // replaced
		after = time.Since(began)
	} else {
		time.Sleep(after)
	}
	check(t, cmd.Process.Kill())
	_ = cmd.Wait() // it was killed
	return after
}

// TestShrinkingProcess is the process that TestKilledWhileShrinking kills.
func TestShrinkingProcess(t *testing.T) {
	dir := os.Getenv(shrinkingIn)
	if dir == "" {
		return
	}
	r := runShrinking(t, dir, newMemLog(shrinkingEvents()...))
	old := r.store()
	_, _ = os.Stdout.WriteString("open\n")
	r.waitUntilShrunk(old)
	_, _ = os.Stdout.WriteString("replaced\n")
	<-t.Context().Done()
}

package projector

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"licenseimport/events"
)

// TestRebuildWhileServing: the views are folded again while the projector folds and answers. The file is another one
// afterwards, with the same views, and the projector goes on with it.
func TestRebuildWhileServing(t *testing.T) {
	all := manyImports(7, 3, 300)
	half := len(all) / 2
	log, dir := newMemLog(all[:half]...), t.TempDir()
	r := newHarness(t, dir, log)
	r.catchUp()
	before := answersOf(r)
	for range 2 {
		old, seen := r.store(), uint64(0)
		result, err := r.Rebuild(t.Context(), func(done, _ uint64) { seen = done })
		check(t, err)
		digest, err := r.Digest()
		check(t, err)
		if result.Digest != digest || result.Events != uint64(half) || seen != result.Events || r.store() == old {
			t.Errorf("%+v of %d events, digest %s; another file: %t", result, seen, digest, r.store() != old)
		}
	}
	if after := answersOf(r); after != before {
		t.Errorf("answers were\n%s\nand are\n%s", before, after)
	}
	check(t, r.Ready(t.Context()))
	log.Add(all[half:]...)
	rebuilding := make(chan error, 1)
	go func() { _, err := r.Rebuild(t.Context(), nil); rebuilding <- err }()
	r.catchUp()
	check(t, <-rebuilding)
	check(t, r.store().Verify())
	fresh := newHarness(t, t.TempDir(), log)
	fresh.catchUp()
	got, err := r.Digest()
	check(t, err)
	if want, err := fresh.Digest(); got != want || err != nil {
		t.Errorf("digest %s, want %s, %v", got, want, err)
	}
	r.stop()
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// TestRebuildMendsViews: a rebuild takes the place of views that are not those of the stream.
func TestRebuildMendsViews(t *testing.T) {
	all := manyImports(7, 2, 100)
	dir, want := t.TempDir(), t.TempDir()
	good, err := Rebuild(t.Context(), newMemLog(all...), want, nil)
	check(t, err)
	wrong := append(append([]events.Event(nil), all[:len(all)-2]...), started(900, "eve"), all[len(all)-1])
	_, err = Rebuild(t.Context(), newMemLog(wrong...), dir, nil)
	check(t, err)
	r := newHarness(t, dir, newMemLog(all...))
	result, err := r.Rebuild(t.Context(), nil)
	check(t, err)
	if digest, err := r.Digest(); err != nil || digest != good.Digest || result.Digest != digest {
		t.Errorf("digest %s, of the rebuild %s, want %s; %v", digest, result.Digest, good.Digest, err)
	}
}

// TestRebuildThatFails leaves the views as they are: without space, when its caller leaves, and where nothing folds.
func TestRebuildThatFails(t *testing.T) {
	all := manyImports(7, 2, 300)
	log, dir := newMemLog(all...), t.TempDir()
	r := newHarness(t, dir, log)
	r.catchUp()
	before := r.store()
	ctx, leave := context.WithCancel(t.Context())
	if _, err := r.Rebuild(ctx, func(uint64, uint64) { leave() }); !errors.Is(err, context.Canceled) {
		t.Errorf("the caller left: %v", err)
	}
	if err := r.Read(t.Context(), func(*Reader) error { return nil }); err != nil || r.store() != before {
		t.Errorf("the views afterwards: %v", err)
	}
	_, err := r.Rebuild(t.Context(), nil) // the one before has ended by then
	check(t, err)
	defer func(wait time.Duration) { rebuildWait = wait }(rebuildWait)
	rebuildWait = 10 * time.Millisecond
	r.cancel()
	<-r.ended
	r.ended <- nil
	if _, err := r.Rebuild(t.Context(), nil); !errors.Is(err, ErrNotFolding) {
		t.Errorf("nothing folds: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, FileName+".new")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file is left: %v", err)
	}
}

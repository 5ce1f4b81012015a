package projector

import (
	"path/filepath"
	"testing"

	"licenseimport/events"
)

// TestReload: what a transaction that failed left in memory is forgotten, so that folding goes on
// from the last commit. (The full disk itself is TestDiskFillsUp of internal/robustnesstest.)
func TestReload(t *testing.T) {
	all := manyImports(5, 2, 100)
	dir := t.TempDir()
	_, err := Rebuild(t.Context(), newTape(all[:len(all)/2]...), dir, nil)
	check(t, err)
	s, err := openStore(filepath.Join(dir, FileName))
	check(t, err)
	position, sums := s.position, s.sums
	l := newBatchWriter(s, maxBatchEvents)
	stream := follow(t.Context(), newTape(all...), position.Seq, events.Seq(len(all)), func(events.Seq) {})
	for f := range stream.facts {
		stream.release(f)
		check(t, l.apply(f))
	}
	w, err := l.rotate()
	check(t, err)
	check(t, w.write(l.immutable))
	check(t, w.tx.Rollback())
	if s.sums == sums {
		t.Error("nothing is left in memory, so this shows nothing")
	}
	check(t, s.reload())
	if s.position != position || s.sums != sums {
		t.Errorf("position %+v, want %+v; or other checksums", s.position, position)
	}
	check(t, s.close())
	want, err := Rebuild(t.Context(), newTape(all...), t.TempDir(), nil)
	check(t, err)
	got, err := CatchUp(t.Context(), newTape(all...), dir)
	if got.Digest != want.Digest || err != nil {
		t.Errorf("%+v, %v, want %s", got, err, want.Digest)
	}
}

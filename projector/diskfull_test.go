package projector

import (
	"errors"
	"testing"

	"licenseimport/events"
	"licenseimport/projector/viewstore"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// TestReload: after a transaction that failed, folding continues from the last commit, on the same
// store. (TestDiskFillsUp of internal/robustnesstest fills a real disk.)
func TestReload(t *testing.T) {
	all := manyImports(5, 2, 100)
	dir := t.TempDir()
	_, err := Rebuild(t.Context(), newMemLog(all[:len(all)/2]...), dir, nil)
	check(t, err)
	s := openViews(t, dir)
	before := s.Position()
	bw := foldRest(t, s, all)
	bw.active.PutNew(jobIndex, make([]byte, bolt.MaxKeySize+1), nil) // the last view but one: most is written by then
	w, err := bw.rotate()
	check(t, err)
	if err := bw.immutable.commit(w); !errors.Is(err, berrors.ErrKeyTooLarge) {
		t.Fatalf("%v, want a key that is too large", err)
	}
	check(t, s.Reload())
	if s.Position() != before {
		t.Errorf("position %+v, want %+v", s.Position(), before)
	}
	check(t, s.Verify())
	check(t, foldRest(t, s, all).finish())
	check(t, s.Verify())
	got, err := s.Digest()
	check(t, err)
	check(t, s.Close())
	want, err := Rebuild(t.Context(), newMemLog(all...), t.TempDir(), nil)
	if got != want.Digest || err != nil {
		t.Errorf("digest %s, want %+v, %v", got, want, err)
	}
}

// foldRest folds the events after the last commit, and commits none.
func foldRest(t *testing.T, s *viewstore.Store, all []events.Event) *batchWriter {
	t.Helper()
	bw := newBatchWriter(s, maxBatchEvents)
	after, last := events.Seq(s.Position().Seq), events.Seq(len(all))
	stream := follow(t.Context(), newMemLog(all...), after, last, func(events.Seq) {})
	for f := range stream.facts {
		stream.release(f)
		check(t, bw.apply(f))
	}
	check(t, stream.wait())
	return bw
}

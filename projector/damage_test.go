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

// damages are what may happen to the views' file while it is open.
var damages = map[string]func(t *testing.T, path string, size int64){
	"truncated to half":   func(t *testing.T, path string, size int64) { check(t, os.Truncate(path, size/2)) },
	"truncated to a page": func(t *testing.T, path string, _ int64) { check(t, os.Truncate(path, 4096)) },
	"emptied":             func(t *testing.T, path string, _ int64) { check(t, os.Truncate(path, 0)) },
	"meta pages zeroed":   func(t *testing.T, path string, _ int64) { overwriteZeros(t, path, 0, 8192) },
	"all zeroed":          func(t *testing.T, path string, size int64) { overwriteZeros(t, path, 0, size) },
}

func overwriteZeros(t *testing.T, path string, at, n int64) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	check(t, err)
	_, err = file.WriteAt(make([]byte, n), at)
	check(t, errors.Join(err, file.Close()))
}

// TestDamageWhileOpen: a projector whose file is damaged under it answers every read within its limit,
// says that it is not ready, folds the stream into a new file, and keeps the damaged one. It stops in
// bounded time.
func TestDamageWhileOpen(t *testing.T) {
	for name, damage := range damages {
		for _, writes := range []bool{false, true} {
			if writes {
				name += ", and a commit follows"
			}
			t.Run(name, func(t *testing.T) {
				log, dir := newMemLog(manyImports(9, 3, 200)...), t.TempDir()
				r := newHarness(t, dir, log)
				r.catchUp()
				want, err := r.Digest()
				check(t, err)
				before := r.store()
				path := filepath.Join(dir, FileName)
				info, err := os.Stat(path)
				check(t, err)
				damage(t, path, info.Size())
				if writes {
					log.Add(started(1000, "anna"))
					want = ""
				}
				readUntilReplaced(t, r, func() bool { return r.store() != before })
				r.catchUp()
				check(t, r.Ready(t.Context()))
				if got, err := r.Digest(); err != nil || want != "" && got != want {
					t.Errorf("digest %s, %v; want %s", got, err, want)
				}
				check(t, r.store().Verify())
				if _, err := os.Stat(path + ".bad"); err != nil {
					t.Errorf("the damaged file was not set aside: %v", err)
				}
			})
		}
	}
}

// readUntilReplaced reads and probes from several goroutines until the file is another one.
func readUntilReplaced(t *testing.T, r *harness, replaced func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	done := make(chan error, 4)
	for range cap(done) {
		go func() {
			for !replaced() {
				if ctx.Err() != nil {
					done <- errors.New("the damage was not noticed")
					return
				}
				began := time.Now()
				_ = r.Ready(ctx)
				_, _ = r.Job(events.JobID(2))
				if took := time.Since(began); took > 15*time.Second {
					done <- errors.New("a read took " + took.String())
					return
				}
			}
			done <- nil
		}()
	}
	for range cap(done) {
		check(t, <-done)
	}
}

// TestStopIsBounded: Run returns although a commit hangs.
func TestStopIsBounded(t *testing.T) {
	defer func(before time.Duration) { stopTime = before }(stopTime)
	stopTime = 50 * time.Millisecond
	log := newMemLog(started(1, "anna"))
	r := newHarness(t, t.TempDir(), log)
	r.catchUp()
	w, err := r.store().Begin() // the projector's next transaction waits for this one
	check(t, err)
	log.Add(started(2, "anna"))
	if _, err := r.FindJob(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	r.cancel()
	select {
	case err := <-r.ended:
		check(t, err)
		r.ended <- nil // for stop
	case <-time.After(20 * time.Second):
		t.Error("Run goes on")
	}
	check(t, w.Rollback())
}

//go:build unix

package crashtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestKillDuringUpload kills the server in the middle of an upload, again and
// again on one directory. That upload imports nothing; those before and after it are
// whole.
func TestKillDuringUpload(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 1))
	s := newServer(t)
	var files []*file
	for round := range 5 {
		whole := shape{name: fmt.Sprintf("whole-%d", round), rows: 500, seed: uint64(round)}.generate()
		must(t, s.client.send(t.Context(), whole, attempt{}))
		cut := shape{name: fmt.Sprintf("cut-%d", round), rows: 4000, seed: uint64(round)}.generate()
		cutByKill(t, s, cut, round%2 == 0, random.IntN(len(cut.text)))
		files = append(files, whole, cut)
		must(t, s.start())
	}
	report := verify(t, s.nats, s.client, files...)
	if report.Acknowledged != 5*500 || report.CutOff != 5*4000 || report.Imported != 5*490 {
		t.Error("the counts are not those of five whole uploads and five cut off")
	}
}

// cutByKill kills the server before a byte of the file is sent; patient: when the
// server has stored rows of it, so that the import was there to be seen.
func cutByKill(t *testing.T, s *server, f *file, patient bool, at int) {
	t.Helper()
	if patient {
		at = max(at, len(f.text)/10)
	}
	err := s.client.send(t.Context(), f, attempt{at: at, spring: func() {
		if patient {
			if err := waitFor("rows of "+f.Name, func() error { return seen(s.client, f.Name) }); err != nil {
				t.Error(err)
			}
		}
		s.kill()
	}})
	if err == nil {
		t.Fatalf("%s was answered although the server was killed before byte %d of %d", f.Name, at, len(f.text))
	}
	f.Whole = false // what was sent afterwards went nowhere
}

// TestKillAtTheSeal kills the server at moments around the one in which an upload
// becomes a promise. Whatever the client saw, the upload is whole or nothing; what
// was answered is whole.
func TestKillAtTheSeal(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 3))
	s := newServer(t)
	var files []*file
	for round := range 12 {
		f := shape{name: fmt.Sprintf("upload-%d", round), rows: 300, seed: uint64(round)}.generate()
		killed := make(chan struct{})
		err := s.client.send(t.Context(), f, attempt{behind: func() {
			pause := time.Duration(random.Int64N(int64(60 * time.Millisecond)))
			go func() {
				defer close(killed)
				rest(context.Background(), pause)
				s.kill()
			}()
		}})
		<-killed
		if err == nil != f.Acknowledged {
			t.Errorf("%s: %v", f.Name, err)
		}
		files = append(files, f)
		must(t, s.start())
	}
	report := verify(t, s.nats, s.client, files...)
	if report.Acknowledged+report.Recovered+report.CutOff != 12*300 {
		t.Error("rows are missing in the reckoning")
	}
}

// seen tells whether the list of imports has one of the file.
func seen(c *client, name string) error {
	all, err := c.list()
	if err == nil && !slices.ContainsFunc(all, func(i imported) bool { return i.FileName == name }) {
		err = fmt.Errorf("%d imports, none of it", len(all))
	}
	return err
}

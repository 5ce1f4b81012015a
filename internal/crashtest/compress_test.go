//go:build unix

package crashtest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"licenseimport/events"
)

// TestKillWhileFilesAreCompressed: a quiet server compresses what it has stored, and is killed meanwhile, twice.
// Afterwards all is there: views from nothing give the same answers, and the next import goes on.
func TestKillWhileFilesAreCompressed(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	note := strings.Repeat("a note that fills blocks; ", 80)
	f := linesFile("licenses.csv", events.Licenses, "license__license_key,product__short_code,license__note", 14000,
		func(i int) string { return fmt.Sprintf("lic-%06d,psc,%d %s", i, i, note) })
	must(t, s.client.send(t.Context(), f, attempt{}))
	if got := s.waitOf(t, f); got["created_licenses_count"] != 14000 {
		t.Fatalf("the result is %v", got)
	}
	before := kindAnswers(t, s.client, f)
	files := 0
	for _, share := range []int{4, 2} {
		must(t, waitFor("compressed files", func() error {
			all, compressed, err := blocks(s.data)
			if files = all; err == nil && compressed < all/share {
				err = errors.New("too few are compressed")
			}
			return err
		}))
		must(t, s.restartByKill())
	}
	must(t, waitFor("all full files to be compressed", func() error {
		all, compressed, err := blocks(s.data)
		if err == nil && compressed < all-2 { // each stream appends to its last one
			err = fmt.Errorf("%d of %d are", compressed, all)
		}
		return err
	}))
	if files < 6 {
		t.Errorf("only %d files: the test is about many", files)
	}
	same(t, before, kindAnswers(t, s.client, f))
	must(t, s.withoutViews())
	same(t, before, kindAnswers(t, s.client, f))
	again := linesFile("again.csv", events.Licenses, "license__license_key,product__short_code", 20000,
		func(i int) string { return fmt.Sprintf("lic-%06d,psc", i) })
	must(t, s.client.send(t.Context(), again, attempt{}))
	want := map[string]int{"total_row_count": 20000, "created_licenses_count": 6000, "existed_licenses_count": 14000}
	if got := s.waitOf(t, again); !contains(got, want) {
		t.Errorf("the result is %v, want %v", got, want)
	}
}

// blocks counts the files of both streams' messages.
func blocks(data string) (all, compressed int, err error) {
	paths, err := filepath.Glob(filepath.Join(data, "nats", "jetstream", "$G", "streams", "[RL]*", "msgs", "*.blk"))
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			return 0, 0, err
		}
		if all++; bytes.HasPrefix(content, []byte("cmp")) {
			compressed++
		}
	}
	return all, compressed, err
}

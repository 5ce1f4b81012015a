//go:build unix

package crashtest

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestSameKeysAtOnce imports 10,000 keys by two files at the same time, each decided by
// a separate processor: one from its beginning, one from its end, so that they meet. Each key is
// imported once, by one of them; the other one's row existed.
func TestSameKeysAtOnce(t *testing.T) {
	t.Parallel()
	s := newSystem(t, time.Minute)
	files := []*file{
		shape{name: "one", keys: "same", rows: 10000, seed: 1}.generate(),
		backwards(shape{name: "other", keys: "same", rows: 10000, seed: 1}.generate()),
	}
	var uploads sync.WaitGroup
	for _, f := range files {
		uploads.Go(func() {
			if err := s.client.send(t.Context(), f, attempt{}); err != nil {
				t.Error(err)
			}
		})
	}
	uploads.Wait()
	report := verify(t, s.url, s.client, files...)
	if report.Acknowledged != 20000 || report.Imported != 9800 || report.Rejected != 200 || report.Existed != 10000 {
		t.Error("the counts are not those of a file and its repetition")
	}
	for _, f := range files {
		t.Logf("%s made %d of the licenses", f.Name, report.Results[f.Job].CreatedLicenses)
	}
}

// backwards is a file with its last row first.
func backwards(f *file) *file {
	lines := strings.SplitAfter(strings.TrimPrefix(f.text, header), "\n")
	slices.Reverse(lines)
	slices.Reverse(f.Rows)
	f.text = header + strings.Join(lines, "")
	return f
}

package eventlog

import (
	"slices"
	"strings"
	"testing"
	"time"

	"licenseimport/events"
)

// TestRecordedLosses compares what a directory held with what its server has recovered.
func TestRecordedLosses(t *testing.T) {
	t.Parallel()
	made := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	whole := func() record {
		r := record{Streams: map[string]recorded{}}
		for _, name := range streamNames() {
			r.Streams[name] = recorded{Created: made, Last: 120, Messages: 100, Store: "this"}
		}
		return r
	}
	for _, test := range []struct {
		name, stream string
		now          recorded // of that stream; zero: it is not there
		want         []string
	}{
		{"the same", "LICENSES", recorded{made, 120, 100, "this"}, nil},
		{"more", "LICENSES", recorded{made, 130, 110, "this"}, nil},
		{"missing", "KV_products", recorded{}, []string{"KV_products does not exist"}},
		{"another", "KV_managers", recorded{made.Add(1), 120, 100, "this"}, []string{"KV_managers is another one"}},
		{"cut", "LICENSES", recorded{made, 60, 60, "this"}, []string{"LICENSES ends at sequence 60, although it went up to 120"}},
		{"a hole", "LICENSES", recorded{made, 120, 40, "this"}, []string{"LICENSES holds 40 messages, although it held 100"}},
		{"rows that were purged", "ROWS", recorded{made, 120, 0, "this"}, nil},
		{"rows that were cut", "ROWS", recorded{made, 60, 60, "this"}, nil}, // the import says which are missing
		{"no row ever", "ROWS", recorded{made, 0, 0, "this"}, []string{"ROWS ends at sequence 0"}},
		{"keys that expired", "KV_jobs", recorded{made, 120, 0, "this"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			now := whole()
			if now.Streams[test.stream] = test.now; test.now.Created.IsZero() {
				delete(now.Streams, test.stream)
			}
			if got := whole().losses(now); !slices.EqualFunc(got, test.want, strings.Contains) {
				t.Errorf("lost: %q, want %q", got, test.want)
			}
		})
	}
}

// TestARecordNeverSaysMoreThanIsOnTheDisk: sequences are recorded only once they are some seconds
// old, and a stream that was deleted stays recorded.
func TestARecordNeverSaysMoreThanIsOnTheDisk(t *testing.T) {
	t.Parallel()
	made := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	at := func(last events.Seq) record {
		return record{Streams: map[string]recorded{"LICENSES": {Created: made, Last: last, Messages: uint64(last)}}}
	}
	first := record{}.merge(record{}, at(7))
	if got := first.Streams["LICENSES"]; got.Last != 0 || !got.Created.Equal(made) {
		t.Errorf("a new stream is recorded as %+v", got)
	}
	second := first.merge(at(7), at(9))
	if got := second.Streams["LICENSES"]; got.Last != 7 || got.Messages != 7 {
		t.Errorf("some seconds later as %+v", got)
	}
	if got := second.merge(at(9), record{}).Streams["LICENSES"]; got.Last != 7 {
		t.Errorf("deleted: %+v", got)
	}
}

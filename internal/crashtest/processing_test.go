//go:build unix

package crashtest

import (
	"math/rand/v2"
	"testing"
)

// TestKillDuringProcessing accepts two files and kills the server at several
// moments while it decides their rows. Each row has one outcome in the end, and
// the answers are those that views from nothing give.
func TestKillDuringProcessing(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(2, 2))
	s := newServer(t)
	f := shape{name: "big", rows: 30000, seed: 1}.generate()
	all := shape{name: "all", rows: 30, seed: 2}.generate() // of which no row is invalid
	must(t, s.client.send(t.Context(), f, attempt{}))
	must(t, s.client.send(t.Context(), all, attempt{query: "?mode=all_or_nothing"}))
	reached := 0
	for range 3 {
		reached += 1 + random.IntN(8000)
		must(t, decided(s.nats, f.Job, reached))
		must(t, s.restartByKill())
	}
	report := verify(t, s.nats, s.client, f, all)
	if report.Rejected != 300 || report.Existed != 300 || report.Imported != 30000-600+30 {
		t.Error("the counts are not those of the files")
	}
	before := answers(t, s.client)
	must(t, s.withoutViews())
	same(t, before, answers(t, s.client))
}

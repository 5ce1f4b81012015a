package eventlog

import (
	"testing"
	"time"

	"licenseimport/events"
)

// TestFilesAreCompressed: once no import has gone on for a while, and not before, all full files of rows become
// smaller; the rows are what they were, and can be made durable.
func TestFilesAreCompressed(t *testing.T) {
	t.Parallel()
	log, _ := openOn(t, t.TempDir())
	last := store(t, log, 1, 0, rowEvents(t, 1, 1, 900, 30_000))
	now := time.Now().Add(time.Hour)
	c := compressor{direct: &log.server.direct}
	step := func(after time.Duration) bool { now = now.Add(after); return c.step(log.server.running(), now) }
	if step(0) || step(quietAfter-time.Second) {
		t.Error("a file is compressed right after the start")
	}
	last = store(t, log, 1, last, rowEvents(t, 1, 901, 1800, 10))
	last = store(t, log, 1, last, rowEvents(t, 1, 1801, 1901, 10))
	if step(time.Second) || step(quietAfter-time.Second) {
		t.Error("a file is compressed during an import")
	}
	last = store(t, log, 1, last, rowEvents(t, 1, 1902, 1910, 10)) // few
	for more := step(time.Second); more; {
		more = step(0)
	}
	blocks, err := blockFiles(log.server.rows.blocks())
	if err != nil || len(blocks) < 3 {
		t.Fatalf("%d blocks, %v: the test is about several", len(blocks), err)
	}
	for i, block := range blocks {
		if compressed(t, block) != (i < len(blocks)-1) {
			t.Errorf("block %d of %d is compressed: %v", i+1, len(blocks), compressed(t, block))
		}
	}
	if err := log.SyncRows(t.Context(), 1, RowMark{}, RowMark{Row: 1910, Seq: last}); err != nil {
		t.Error(err)
	}
	rows, err := log.Rows(t.Context(), 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Stop()
	for row := events.Row(1); row <= 1910; row++ {
		m, err := rows.Next(t.Context())
		if arrival, ok := events.ArrivalOf(m.Data); err != nil || !ok || arrival.Row != row {
			t.Fatalf("row %d: %+v, %v", row, arrival, err)
		}
	}
}

package eventlog

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"licenseimport/events"
	"licenseimport/internal/natstuning"
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
	blocks, err := natstuning.BlockFiles(log.server.rows.blocks())
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
	expectRows(t, log, 1910)
}

// TestCompressedFileIsAppendedTo: after a crash that left nothing of the files behind a compressed one, or not even
// their names, the server appends to that one. All is read again, also by the next server.
func TestCompressedFileIsAppendedTo(t *testing.T) {
	t.Parallel()
	for name, crash := range map[string]func(path string) error{
		"the last file is empty": func(path string) error { return os.Truncate(path, 0) },
		"the last file is torn":  func(path string) error { return os.Truncate(path, 20) },
		"the last file is gone":  os.Remove,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			log, stop := openOn(t, dir)
			store(t, log, 1, 0, rowEvents(t, 1, 1, 600, 30_000))
			c, now := compressor{direct: &log.server.direct}, time.Now().Add(time.Hour)
			c.step(log.server.running(), now)
			for c.step(log.server.running(), now.Add(2*quietAfter)) {
			}
			blocks, err := natstuning.BlockFiles(log.server.rows.blocks())
			if err != nil || len(blocks) < 3 || !compressed(t, blocks[len(blocks)-2]) {
				t.Fatalf("%d blocks, %v: the test is about compressed ones", len(blocks), err)
			}
			stop()
			must(t, crash(blocks[len(blocks)-1].Path))
			for _, lost := range []string{filepath.Join(log.server.rows.blocks(), "index.db"), filepath.Join(dir, RecordFile)} {
				must(t, os.Remove(lost))
			}
			log, stop = openOn(t, dir)
			last, _, err := log.LastRow(t.Context(), 1)
			if err != nil {
				t.Fatal(err)
			}
			row, _ := events.ArrivalOf(last.Data)
			if row.Row < 300 {
				t.Fatalf("only %d rows are left", row.Row)
			}
			if _, err := log.AppendRows(t.Context(), 1, last.Seq, rowEvents(t, 1, row.Row+1, row.Row+100, 100)); err != nil {
				t.Fatal(err)
			}
			expectRows(t, log, row.Row+100)
			stop()
			must(t, os.Remove(filepath.Join(log.server.rows.blocks(), "index.db")))
			log, _ = openOn(t, dir)
			expectRows(t, log, row.Row+100)
		})
	}
}

// expectRows reads the rows of job 1 from the files.
func expectRows(t *testing.T, log *Log, most events.Row) {
	t.Helper()
	rows, err := log.Rows(t.Context(), 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Stop()
	for row := events.Row(1); row <= most; row++ {
		m, err := rows.Next(t.Context())
		if arrival, ok := events.ArrivalOf(m.Data); err != nil || !ok || arrival.Row != row {
			t.Fatalf("row %d: %+v, %v", row, arrival, err)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

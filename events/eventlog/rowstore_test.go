package eventlog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"licenseimport/events"
	"licenseimport/internal/failpoint"
	"licenseimport/internal/natstuning"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// openOn opens a log on a server with a directory; stop ends both.
func openOn(t *testing.T, dir string) (log *Log, stop func()) {
	t.Helper()
	server, err := StartServer(ServerConfig{Dir: dir, Port: -1, Record: true})
	if err != nil {
		t.Fatal(err)
	}
	log, err = Open(t.Context(), Config{Server: server})
	if err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() { log.Close(); server.Shutdown() })
	t.Cleanup(stop)
	return log, stop
}

// rowEvents are the arrivals of a job's rows, with a note of so many bytes.
func rowEvents(t *testing.T, job events.JobID, from, to events.Row, size int) (bodies [][]byte) {
	t.Helper()
	for row := from; row <= to; row++ {
		e := &events.RowReceived{JobID: job, Row: row, Line: uint64(row) + 1}
		e.Values[events.ColumnKey] = fmt.Sprintf("key-%d", row) + strings.Repeat("x", size)
		body, err := events.Encode(e, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		bodies = append(bodies, body)
	}
	return bodies
}

func store(t *testing.T, log *Log, job events.JobID, last events.Seq, bodies [][]byte) events.Seq {
	t.Helper()
	seq, err := log.AppendRows(t.Context(), job, last, bodies)
	if err != nil {
		t.Fatal(err)
	}
	return seq
}

// TestSyncRowsFindsTheRows: of two uploads that take turns, over several blocks, in one stretch or in two, and with
// rows that are stored twice; while the server compresses full blocks, and after it has.
func TestSyncRowsFindsTheRows(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	log, stop := openOn(t, dir)
	compressBlocks(t, log)
	stop()
	log, _ = openOn(t, dir) // which applies the stream's new setting
	const size = 2000
	marks := map[events.JobID]RowMark{}
	for from := events.Row(1); from <= 6000; from += 1000 {
		for job := events.JobID(1); job <= 2; job++ {
			bodies := rowEvents(t, job, from, from+999, size)
			for _, body := range bodies[:10] { // late messages of an earlier attempt
				if from > 1 {
					if _, err := log.js.Publish(t.Context(), events.RowsSubject(job), body); err != nil {
						t.Fatal(err)
					}
				}
			}
			last := marks[job].Seq
			if m, _, err := log.LastRow(t.Context(), job); err != nil {
				t.Fatal(err)
			} else if m.Seq > last {
				last, bodies = m.Seq, bodies[10:]
			}
			marks[job] = RowMark{Row: from + 999, Seq: store(t, log, job, last, bodies)}
			if from == 3001 && job == 2 {
				if err := log.SyncRows(t.Context(), job, RowMark{}, marks[job]); err != nil {
					t.Errorf("the first rows of job %d: %v", job, err)
				}
				defer func(mark RowMark) {
					if err := log.SyncRows(t.Context(), job, mark, marks[job]); err != nil {
						t.Errorf("the other rows of job %d: %v", job, err)
					}
				}(marks[job])
			}
		}
	}
	blocks, err := natstuning.BlockFiles(log.server.rows.blocks())
	if err != nil || len(blocks) < 2 {
		t.Errorf("%d blocks, %v: the test is about several", len(blocks), err)
	}
	for range 2 { // the server compresses full blocks meanwhile
		for job, mark := range marks {
			if err := log.SyncRows(t.Context(), job, RowMark{}, mark); err != nil {
				t.Errorf("job %d: %v", job, err)
			}
		}
		awaitTrue(t, "compressed blocks", func() bool {
			return !slices.ContainsFunc(blocks[:len(blocks)-1], func(b natstuning.BlockFile) bool { return !compressed(t, b) })
		})
	}
}

// compressBlocks changes a setting of ROWS as an operator may.
func compressBlocks(t *testing.T, log *Log) {
	t.Helper()
	rows, err := log.js.Stream(t.Context(), events.RowsStream)
	if err != nil {
		t.Fatal(err)
	}
	config := rows.CachedInfo().Config
	config.Compression = jetstream.S2Compression
	if _, err := log.js.UpdateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
}

func compressed(t *testing.T, block natstuning.BlockFile) bool {
	t.Helper()
	is, err := natstuning.IsCompressed(block.Path)
	if err != nil {
		t.Fatal(err)
	}
	return is
}

// TestSyncRowsFailsWithoutTheRows: a row that is not in the files, or is missing between others, is not durable.
func TestSyncRowsFailsWithoutTheRows(t *testing.T) {
	t.Parallel()
	log, _ := openOn(t, t.TempDir())
	log.server.rows.flushWait = 50 * time.Millisecond
	last := store(t, log, 1, 0, rowEvents(t, 1, 1, 10, 10))
	gap := store(t, log, 2, 0, append(rowEvents(t, 2, 1, 4, 10), rowEvents(t, 2, 6, 10, 10)...))
	for name, test := range map[string]struct {
		job         events.JobID
		after, upTo RowMark
	}{
		"a row that was not stored":    {1, RowMark{}, RowMark{11, last}},
		"a sequence beyond the stream": {1, RowMark{}, RowMark{10, gap + 1}},
		"a gap":                        {2, RowMark{}, RowMark{10, gap}},
		"rows of another job":          {1, RowMark{10, last}, RowMark{19, gap}},
		"a job without rows":           {3, RowMark{}, RowMark{1, gap}},
	} {
		if err := log.SyncRows(t.Context(), test.job, test.after, test.upTo); (err == nil) == (failpoint.Variable == "") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := log.SyncRows(t.Context(), 1, RowMark{}, RowMark{10, last}); err != nil {
		t.Errorf("the rows that there are: %v", err)
	}
	loop := filepath.Join(t.TempDir(), "loop")
	if err := os.Symlink(loop, loop); err != nil {
		t.Fatal(err)
	}
	if err := log.server.rows.syncFile(loop); err == nil {
		t.Error("a file that cannot be opened is synced")
	}
	if err := log.SyncRows(t.Context(), 1, RowMark{}, RowMark{10, last}); err != nil {
		t.Errorf("after a file that could not be opened: %v", err)
	}
	failed := errors.New("the disk is broken")
	log.server.rows.failed.Store(&failed)
	if err := log.SyncRows(t.Context(), 1, RowMark{}, RowMark{10, last}); err == nil || !strings.Contains(err.Error(), failed.Error()) {
		t.Errorf("after an fsync that failed: %v", err)
	}
}

// TestEachStreamIsReleased: a ROWS that replaces another one while the server runs, as a restored one does, is made durable
// like the first.
func TestEachStreamIsReleased(t *testing.T) {
	t.Parallel()
	log, _ := openOn(t, t.TempDir())
	for range 2 {
		stream, err := log.js.Stream(t.Context(), events.RowsStream)
		if err != nil {
			t.Fatal(err)
		}
		if err := log.js.DeleteStream(t.Context(), events.RowsStream); err != nil {
			t.Fatal(err)
		}
		if _, err := log.js.CreateStream(t.Context(), stream.CachedInfo().Config); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(log.server.rows.guards, 0o700); err != nil { // release removes it, as the last thing that it does
			t.Fatal(err)
		}
		if err := log.requestRowSync(t.Context(), rowSyncRequest{}); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(log.server.rows.guards); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the stream was not released: %v", err)
		}
	}
}

// TestStoredOf: what is left to send, by the job's last row.
func TestStoredOf(t *testing.T) {
	t.Parallel()
	bodies := rowEvents(t, 7, 11, 20, 0)
	for _, test := range []struct {
		name  string
		last  Message
		n     int
		known bool
	}{
		{"nothing", Message{Seq: 100}, 0, true},
		{"the first", Message{Seq: 101, Data: bodies[0]}, 1, true},
		{"all", Message{Seq: 110, Data: bodies[9]}, 10, true},
		{"a late copy of a row before them", Message{Seq: 101, Data: rowEvents(t, 7, 9, 9, 0)[0]}, 0, true},
		{"a row after them", Message{Seq: 101, Data: rowEvents(t, 7, 21, 21, 0)[0]}, 0, false},
		{"another job's row", Message{Seq: 101, Data: rowEvents(t, 8, 11, 11, 0)[0]}, 0, false},
		{"the rows were purged", Message{}, 0, false},
		{"no row", Message{Seq: 101, Data: []byte("x")}, 0, false},
	} {
		if n, known := storedOf(bodies, test.last, 100); n != test.n || known != test.known {
			t.Errorf("%s: %d, %v", test.name, n, known)
		}
	}
}

// TestBrokenFastBatchIsResumed: the connection breaks while rows are sent. Afterwards each row is there after the
// one before it.
func TestBrokenFastBatchIsResumed(t *testing.T) {
	t.Parallel()
	log, _ := openOn(t, t.TempDir())
	log.timeout = 300 * time.Millisecond // a lost response is waited for as long
	var mark RowMark
	for from := events.Row(1); from <= 5000; from += 1000 {
		var breaker sync.WaitGroup
		breaker.Go(func() { _ = log.conn.ForceReconnect() })
		mark = RowMark{from + 999, store(t, log, 1, mark.Seq, rowEvents(t, 1, from, from+999, 500))}
		breaker.Wait()
	}
	if err := log.SyncRows(t.Context(), 1, RowMark{}, mark); err != nil {
		t.Error(err)
	}
}

// TestRowsModeFollowsTheServer: the process with the embedded server, another one, and a stream that is replaced.
func TestRowsModeFollowsTheServer(t *testing.T) {
	t.Parallel()
	log, _ := openOn(t, t.TempDir())
	if !log.fastRows.Load() {
		t.Error("ROWS of the embedded server takes no fast batches")
	}
	remote, err := Open(t.Context(), Config{URL: log.server.URL()})
	if err != nil {
		t.Fatal(err)
	}
	defer remote.Close()
	mark := RowMark{10, store(t, remote, 1, 0, rowEvents(t, 1, 1, 10, 0))}
	if err := remote.SyncRows(t.Context(), 1, RowMark{}, mark); err != nil || !remote.fastRows.Load() {
		t.Errorf("from another process: %v", err)
	}
	if err := log.js.DeleteStream(t.Context(), events.RowsStream); err != nil {
		t.Fatal(err)
	}
	if _, err := log.js.CreateStream(t.Context(), streams[0]); err != nil {
		t.Fatal(err)
	}
	store(t, remote, 1, 0, rowEvents(t, 1, 1, 10, 0))
	if remote.fastRows.Load() {
		t.Error("a process does not notice that the stream takes atomic batches now")
	}
}

// TestGuardPutsBlocksBack: a start that ended before it could sync what it wrote is undone by the next one.
func TestGuardPutsBlocksBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	log, stop := openOn(t, dir)
	bodies := rowEvents(t, 1, 1, 100, 100)
	mark := RowMark{100, store(t, log, 1, 0, bodies)}
	if err := log.SyncRows(t.Context(), 1, RowMark{}, mark); err != nil {
		t.Fatal(err)
	}
	stop()
	rows := newRowStore(dir, filepath.Join(dir, "nats"))
	if err := rows.guard(); err != nil {
		t.Fatal(err)
	}
	blocks, err := natstuning.BlockFiles(rows.blocks())
	if err != nil || len(blocks) != 1 {
		t.Fatal(blocks, err)
	}
	lost := filepath.Join(dir, "lost") // as a compaction that a power cut emptied
	if err := errors.Join(os.WriteFile(lost, nil, 0o600), os.Rename(lost, blocks[0].Path)); err != nil {
		t.Fatal(err)
	}
	log, _ = openOn(t, dir)
	if err := log.SyncRows(t.Context(), 1, RowMark{}, mark); err != nil {
		t.Errorf("after the next start: %v", err)
	}
	if _, err := os.Stat(rows.guards); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the guard is still there: %v", err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "rows-guard*")); len(left) > 0 || err != nil {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestRowsBelowARelativeDirectory: a data directory is named as its operator names it, and has a stream already.
func TestRowsBelowARelativeDirectory(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, dir := range []string{"d", "./d", "./d/", "e/f/../data"} {
		for range 2 {
			log, stop := openOn(t, dir)
			mark := RowMark{10, store(t, log, 1, 0, rowEvents(t, 1, 1, 10, 0))}
			if err := log.SyncRows(t.Context(), 1, RowMark{}, mark); err != nil {
				t.Errorf("%s: %v", dir, err)
			}
			if err := log.PurgeRows(t.Context(), 1); err != nil {
				t.Error(err)
			}
			stop()
		}
	}
}

// TestRecordOmitsUnsyncedRows: what a power cut may delete is not expected at the next start.
func TestRecordOmitsUnsyncedRows(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	log, stop := openOn(t, dir)
	last := store(t, log, 1, 0, rowEvents(t, 1, 1, 100, 100))
	if err := log.SyncRows(t.Context(), 1, RowMark{}, RowMark{100, last}); err != nil {
		t.Fatal(err)
	}
	store(t, log, 2, 0, rowEvents(t, 2, 1, 100, 100))
	stop()
	r, err := readRecord(dir)
	if got := r.Streams[events.RowsStream].Last; err != nil || got != last {
		t.Errorf("the record says %d, %v; want %d", got, err, last)
	}
}

// TestPurgeCompactsBlocks: after a purge has rewritten the blocks, the rows of another job are found, also
// at the next start.
func TestPurgeCompactsBlocks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	log, stop := openOn(t, dir)
	var purged, left RowMark
	for from := events.Row(1); from <= 6000; from += 1000 {
		purged = RowMark{from + 999, store(t, log, 1, purged.Seq, rowEvents(t, 1, from, from+999, 3000))}
		left = RowMark{left.Row + 100, store(t, log, 2, left.Seq, rowEvents(t, 2, left.Row+1, left.Row+100, 3000))}
	}
	before := blockSizes(t, log.server.rows)
	if err := log.PurgeRows(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if after := blockSizes(t, log.server.rows); slices.Equal(before, after) {
		t.Error("nothing was compacted: the test is about that")
	}
	for range 2 {
		if err := log.SyncRows(t.Context(), 2, RowMark{}, left); err != nil {
			t.Error(err)
		}
		stop()
		log, stop = openOn(t, dir)
	}
	if err := natstuning.SyncRewrites(log.server.running(), "MISSING"); !errors.Is(err, natstuning.ErrNoStream) {
		t.Errorf("a stream that does not exist: %v", err)
	}
}

func blockSizes(t *testing.T, rows *rowStore) (sizes []int64) {
	t.Helper()
	blocks, err := natstuning.BlockFiles(rows.blocks())
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range blocks {
		if info, err := os.Stat(b.Path); err == nil {
			sizes = append(sizes, info.Size())
		}
	}
	return sizes
}

// TestSyncRowsWithoutItsServer: a ROWS that takes fast batches, on a server that cannot make rows durable, as a copy of
// a data directory would be. No upload is sealed there.
func TestSyncRowsWithoutItsServer(t *testing.T) {
	t.Parallel()
	log, _ := openOn(t, t.TempDir())
	mark := RowMark{10, store(t, log, 1, 0, rowEvents(t, 1, 1, 10, 0))}
	log.server.rowSyncs.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := log.SyncRows(ctx, 1, RowMark{}, mark); !errors.Is(err, nats.ErrNoResponders) && !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// TestSequencesGoOnAfterAllRowsAreLost: the next row does not get the sequence of one that was durable.
func TestSequencesGoOnAfterAllRowsAreLost(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	log, stop := openOn(t, dir)
	last := store(t, log, 1, 0, rowEvents(t, 1, 1, 100, 100))
	if err := log.SyncRows(t.Context(), 1, RowMark{}, RowMark{100, last}); err != nil {
		t.Fatal(err)
	}
	blocks := log.server.rows.blocks()
	stop()
	if err := os.Remove(filepath.Join(blocks, "1.blk")); err != nil {
		t.Fatal(err)
	}
	log, _ = openOn(t, dir)
	if next := store(t, log, 2, 0, rowEvents(t, 2, 1, 1, 100)); next != last+1 {
		t.Errorf("the next row is at %d, want %d", next, last+1)
	}
}

// TestRowsThatAreBeingCreated: a process that asks while another one's ROWS has files, and is not yet one of the
// server's streams, is told nothing wrong. Rows of a stream that is not there are not durable.
func TestRowsThatAreBeingCreated(t *testing.T) {
	t.Parallel()
	log, _ := openOn(t, t.TempDir())
	meta := filepath.Join(log.server.rows.dir, metaFile)
	settings, err := os.ReadFile(meta)
	if err != nil {
		t.Fatal(err)
	}
	if err := log.js.DeleteStream(t.Context(), events.RowsStream); err != nil {
		t.Fatal(err)
	}
	write(t, meta, settings)
	log.server.rows.released = release{}
	if err := log.requestRowSync(t.Context(), rowSyncRequest{}); err != nil {
		t.Error(err)
	}
	mark := RowMark{Row: 1, Seq: 1}
	if err := log.requestRowSync(t.Context(), rowSyncRequest{Job: 1, UpTo: mark, First: 1}); err == nil {
		t.Error("rows of no stream are durable")
	}
}

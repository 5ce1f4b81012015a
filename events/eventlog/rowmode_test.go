package eventlog

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"licenseimport/events"
)

// atomicRows puts a ROWS of an earlier version, with the rows of an upload, into a new directory.
func atomicRows(t *testing.T, dir string) (bodies [][]byte) {
	t.Helper()
	log, stop := openOn(t, dir)
	defer stop()
	rows, err := log.js.Stream(t.Context(), events.RowsStream)
	if err != nil {
		t.Fatal(err)
	}
	config := streams[0]
	config.Metadata = rows.CachedInfo().Config.Metadata
	if err := log.js.DeleteStream(t.Context(), events.RowsStream); err != nil {
		t.Fatal(err)
	}
	if _, err := log.js.CreateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	bodies = rowEvents(t, 1, 1, 100, 100)
	store(t, log, 1, 0, bodies)
	stop() // writes the record
	if err := os.Remove(filepath.Join(dir, RecordFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err) // it names the stream that was deleted
	}
	return bodies
}

// TestRowsOfAnEarlierVersionAreMoved: a server that may do so makes ROWS take fast batches, and its rows stay. Another
// server leaves it as it is.
func TestRowsOfAnEarlierVersionAreMoved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	bodies := atomicRows(t, dir)
	log, stop := openOn(t, dir)
	if log.fastRows.Load() {
		t.Error("ROWS was moved by a server that may not")
	}
	before, err := log.StreamState(t.Context(), events.RowsStream)
	if err != nil {
		t.Fatal(err)
	}
	last := store(t, log, 1, before.Last, rowEvents(t, 1, 101, 200, 100))
	stop()
	for range 2 {
		server, err := StartServer(ServerConfig{Dir: dir, Record: true, MoveRows: true})
		if err != nil {
			t.Fatal(err)
		}
		log, err := Open(t.Context(), Config{Server: server})
		if err != nil {
			t.Fatal(err)
		}
		after, err := log.StreamState(t.Context(), events.RowsStream)
		if err != nil || !log.fastRows.Load() || !after.Created.Equal(before.Created) || after.Last != last || after.Messages != uint64(last) {
			t.Fatalf("%+v, %v; fast: %v", after, err, log.fastRows.Load())
		}
		next := events.Row(last) + 1
		last = store(t, log, 1, last, rowEvents(t, 1, next, next+9, 100))
		if err := log.SyncRows(t.Context(), 1, RowMark{}, RowMark{events.Row(last), last}); err != nil {
			t.Error(err)
		}
		row, _, err := log.get(t.Context(), events.RowsStream, getRequest{Seq: 1})
		if err != nil || string(row.Data) != string(bodies[0]) {
			t.Errorf("the first row: %s, %v", row.Data, err)
		}
		log.Close()
		server.Shutdown()
	}
}

// TestMoveOfRowsGoesOn: the start is killed at each step of a move, and the next one goes on.
func TestMoveOfRowsGoesOn(t *testing.T) {
	t.Parallel()
	for name, half := range map[string]func(t *testing.T, r *rowStore, settings []byte){
		"the new files are not complete": func(t *testing.T, r *rowStore, settings []byte) {
			write(t, filepath.Join(r.next()+".tmp", metaFile), settings)
		},
		"none is in place": func(t *testing.T, r *rowStore, settings []byte) {
			write(t, filepath.Join(r.next(), metaFile), settings)
			write(t, filepath.Join(r.next(), metaSum), checksum(settings))
		},
		"one is in place": func(t *testing.T, r *rowStore, settings []byte) {
			write(t, filepath.Join(r.next(), metaFile), settings)
			write(t, filepath.Join(r.next(), metaSum), checksum(settings))
			write(t, filepath.Join(r.dir, metaFile), settings)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			atomicRows(t, dir)
			r := newRowStore(dir, filepath.Join(dir, "nats"))
			settings, err := r.movable()
			if err != nil || settings == nil {
				t.Fatal(err)
			}
			half(t, r, settings)
			server, err := StartServer(ServerConfig{Dir: dir, MoveRows: true})
			if err != nil {
				t.Fatal(err)
			}
			defer server.Shutdown()
			log, err := Open(t.Context(), Config{Server: server})
			if err != nil {
				t.Fatal(err)
			}
			defer log.Close()
			if state, err := log.StreamState(t.Context(), events.RowsStream); err != nil || state.Messages != 100 || !log.fastRows.Load() {
				t.Errorf("%+v, %v", state, err)
			}
			if left, err := filepath.Glob(filepath.Join(dir, "rows-*")); len(left) > 0 || err != nil {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, data, 0o600)); err != nil {
		t.Fatal(err)
	}
}

package eventlog

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"licenseimport/events"
	"licenseimport/internal/failpoint"
	"licenseimport/internal/fsx"
	"licenseimport/internal/natstuning"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
)

// A rowStore makes rows durable in the embedded server's files, for a ROWS with persist mode async. The
// server itself syncs such a stream every two minutes only.
//
// Three things together prove that a sealed job's rows survive a power cut:
//
//   - sync, before the seal: it reads the blocks of the stream from the disk's directory, finds the rows
//     there one after the other, and syncs these files and their directory.
//   - natstuning.SyncRewrites: from then on the server replaces a block, by its compaction after a purge,
//     only by one that is synced.
//   - guard and release, around the server's start: the recovery of a stream may compact blocks before
//     SyncRewrites can act. Until it has, and all is synced, links keep the blocks as they were.
type rowStore struct {
	data      string        // the data directory
	dir       string        // of the stream
	guards    string        // directory of the links
	flushWait time.Duration // for the server to write what it has acknowledged: usually 2 ms

	synced atomic.Uint64         // the highest sequence that sync was asked for
	failed atomic.Pointer[error] // the first fsync that failed: what it was to write may be lost

	mu       sync.Mutex
	released release // the last one that was done
}

// A release is for one stream of one server: a restored stream is another one.
type release struct {
	srv     *server.Server
	created time.Time
}

func newRowStore(data, store string) *rowStore {
	data = filepath.Clean(data)
	return &rowStore{data: data, dir: streamDir(store, events.RowsStream), guards: filepath.Join(data, "rows-guard"), flushWait: 10 * time.Second}
}

func (r *rowStore) blocks() string { return natstuning.MessagesDir(r.dir) }

// async reports whether the directory is that of a stream with persist mode async, and when that was created.
func (r *rowStore) async() (async bool, created time.Time, err error) {
	text, err := os.ReadFile(filepath.Join(r.dir, "meta.inf"))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return false, created, nil
	}
	if err != nil {
		return false, created, err
	}
	var meta struct {
		Created time.Time `json:"created"`
		jetstream.StreamConfig
	}
	if json.Unmarshal(text, &meta) != nil {
		return false, created, nil // the server will not recover the stream
	}
	return meta.PersistMode == jetstream.AsyncPersistMode, meta.Created, nil
}

// guard is called before the server starts. Where the last start did not come to release, it first puts the
// blocks back as they were before that start: rows that were purged may be there again, and are purged again.
func (r *rowStore) guard() error {
	async, _, err := r.async()
	if err != nil || !async {
		return err
	}
	if _, err := os.Stat(r.guards); err == nil {
		return r.putBack()
	}
	unfinished := r.guards + ".tmp"
	if err := os.RemoveAll(unfinished); err != nil {
		return err
	}
	if err := os.MkdirAll(unfinished, 0o700); err != nil {
		return err
	}
	blocks, err := natstuning.BlockFiles(r.blocks())
	if err != nil {
		return err
	}
	for _, b := range blocks {
		if err := linkOrCopy(b.Path, filepath.Join(unfinished, filepath.Base(b.Path))); err != nil {
			return err
		}
	}
	if err := fsx.Sync(unfinished); err != nil {
		return err
	}
	return fsx.Rename(unfinished, r.guards)
}

// putBack replaces each block that is not the guarded file any more, and removes the server's index of the
// blocks, which it makes again.
func (r *rowStore) putBack() error {
	guarded, err := natstuning.BlockFiles(r.guards)
	if err != nil {
		return err
	}
	changed := false
	for _, b := range guarded {
		target := filepath.Join(r.blocks(), filepath.Base(b.Path))
		if sameFile(b.Path, target) {
			continue
		}
		changed = true
		if err := linkOrCopy(b.Path, target+".back"); err != nil {
			return err
		}
		if err := os.Rename(target+".back", target); err != nil {
			return err
		}
	}
	if !changed {
		return nil
	}
	if err := os.Remove(filepath.Join(r.blocks(), "index.db")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return fsx.Sync(r.blocks())
}

func sameFile(a, b string) bool {
	first, err := os.Stat(a)
	if err != nil {
		return false
	}
	second, err := os.Stat(b)
	return err == nil && os.SameFile(first, second)
}

// linkOrCopy gives a file a second name, or copies it where the file system has no links.
func linkOrCopy(from, to string) error {
	if err := os.Remove(to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if os.Link(from, to) == nil {
		return nil
	}
	data, err := os.ReadFile(from)
	if err == nil {
		err = fsx.WritePrivate(to, data)
	}
	return err
}

// release is called when a server has started, when the stream was made, and before each sync. The first
// call for a stream of a server acts. From then on the server changes the stream's files only in ways that keep what is
// synced.
func (r *rowStore) release(srv *server.Server) error {
	if srv == nil {
		return errStopped
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	async, created, err := r.async()
	next := release{srv, created}
	if err != nil || !async || r.released == next {
		return err
	}
	if !failpoint.Rewrites {
		if err := natstuning.SyncRewrites(srv, events.RowsStream); err != nil {
			return fmt.Errorf("stream %s cannot be made durable: %w", events.RowsStream, err)
		}
	}
	if err := fsx.SyncTree(r.dir); err != nil {
		return err
	}
	for dir := r.dir; dir != r.data; {
		dir = filepath.Dir(dir)
		if err := fsx.Sync(dir); err != nil {
			return err
		}
	}
	unfinished := r.guards + ".tmp"
	if err := os.RemoveAll(unfinished); err != nil {
		return err
	}
	if err := fsx.Rename(r.guards, unfinished); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.RemoveAll(unfinished); err != nil {
		return err
	}
	r.released = next
	return nil
}

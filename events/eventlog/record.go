package eventlog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"licenseimport/events"
	"licenseimport/internal/fsx"
	"licenseimport/internal/natstuning"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
)

// RecordFile is the name of the file in a data directory that says which streams the embedded server holds. It
// is outside of the server's own directory, so it shows when that one is lost. Without the file
// nothing is known, as in the directory of an earlier version.
const RecordFile = "streams.json"

// A record is the content of the file.
type record struct {
	Streams map[string]recorded `json:"streams"`
	Async   bool                `json:"-"` // ROWS holds rows that may be not on the disk yet
}

// recorded is what the server held of a stream.
type recorded struct {
	Created  time.Time  `json:"created"`
	Last     events.Seq `json:"last_seq"` // this and Messages: at least; of some seconds before
	Messages uint64     `json:"messages"`
	Store    string     `json:"store,omitempty"`
}

// recordInterval is the time between two updates of the sequences in the file.
const recordInterval = 5 * time.Second

func readRecord(dir string) (r record, err error) {
	path := filepath.Join(dir, RecordFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return r, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		return r, fmt.Errorf("read %s, which says what the data directory holds (put a copy back, or remove the file: "+
			"then no start can tell whether something is missing): %w", path, err)
	}
	return r, nil
}

func (r record) write(dir string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return fsx.WritePrivate(filepath.Join(dir, RecordFile), append(text, '\n'))
}

// lossesIn compares the record with a server's directory.
func (r record) lossesIn(store string) (lost []string) {
	for _, name := range slices.Sorted(maps.Keys(r.Streams)) {
		if dir := streamDir(store, name); !recoverable(dir) {
			lost = append(lost, fmt.Sprintf("the stream %s does not exist: the directory %s is not there, or lacks meta.inf or meta.sum", name, dir))
		} else if r.Streams[name].Last > 0 && !hasMessages(dir, name) {
			lost = append(lost, fmt.Sprintf("the stream %s is empty: there are no files of messages in %s", name,
				natstuning.MessagesDir(dir)))
		}
	}
	return lost
}

// hasMessages reports whether the directory of a stream has files of messages. Of a stream that
// shrinks only their directory has to be there.
func hasMessages(dir, name string) bool {
	files, err := os.ReadDir(natstuning.MessagesDir(dir))
	isBlock := func(file os.DirEntry) bool { return filepath.Ext(file.Name()) == ".blk" }
	return err == nil && (shrinks(name) || slices.ContainsFunc(files, isBlock))
}

func streamDir(store, name string) string {
	return filepath.Join(store, "jetstream", "$G", "streams", name)
}

func messagesDir(store, name string) string { return natstuning.MessagesDir(streamDir(store, name)) }

// losses compares the record with what a server has recovered. ROWS may be shorter: an import whose
// rows are lost ends as rows_missing and says which are left.
func (r record) losses(now record) (lost []string) {
	for _, name := range slices.Sorted(maps.Keys(r.Streams)) {
		before, after := r.Streams[name], now.Streams[name]
		switch {
		case after.Created.IsZero():
			lost = append(lost, fmt.Sprintf("the stream %s does not exist: the NATS server could not recover it", name))
		case !after.Created.Equal(before.Created):
			lost = append(lost, fmt.Sprintf("the stream %s is another one: it was made at %s, not at %s", name,
				after.Created.UTC().Format(time.DateTime), before.Created.UTC().Format(time.DateTime)))
		case after.Last < before.Last && (after.Last == 0 || name != events.RowsStream):
			lost = append(lost, fmt.Sprintf("the stream %s ends at sequence %d, although it went up to %d", name, after.Last, before.Last))
		case after.Messages < before.Messages && !shrinks(name):
			lost = append(lost, fmt.Sprintf("the stream %s holds %d messages, although it held %d", name, after.Messages, before.Messages))
		}
	}
	return lost
}

// shrinks reports whether a stream has fewer messages later: rows are purged, and idempotency keys
// expire.
func shrinks(name string) bool { return name == events.RowsStream || name == BucketStream(Jobs) }

// foreign reports whether the record is that of another data directory, whose streams are others,
// while the streams here belong together.
func (r record) foreign(now record) bool {
	store := ""
	for name, s := range now.Streams {
		if store == "" {
			store = s.Store
		}
		if s.Store == "" || s.Store != store || r.Streams[name].Store == store {
			return false
		}
	}
	return store != "" && len(r.Streams) > 0
}

// left describes what a server, or its directory, still holds.
func (r record) left() (left []string) {
	for _, name := range slices.Sorted(maps.Keys(r.Streams)) {
		if s := r.Streams[name]; s.Last > 0 {
			left = append(left, fmt.Sprintf("%s (up to sequence %d)", name, s.Last))
		}
	}
	return left
}

// checkBeforeStart compares the directory with its record, and with what is claimed of it, before
// the server starts: a server that starts could change what is left.
func (c ServerConfig) checkBeforeStart(r record, store string) error {
	if c.AcceptLoss {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(r.Streams)) {
		if err := denied(streamDir(store, name)); err != nil {
			return err
		}
	}
	lost := r.lossesIn(store)
	if _, err := os.Stat(store); errors.Is(err, fs.ErrNotExist) && len(lost) == 0 && slices.ContainsFunc(c.Claims, Claim.any) {
		lost = []string{fmt.Sprintf("there is no directory %s with the streams", store)}
	}
	if len(lost) == 0 {
		return nil
	}
	var left []string
	for _, name := range slices.Sorted(maps.Keys(r.Streams)) {
		dir := streamDir(store, name)
		if recoverable(dir) {
			left = append(left, name)
		} else if _, err := os.Stat(dir); err == nil {
			left = append(left, "parts of "+name+" in "+dir)
		}
	}
	return &LossError{Lost: lost, Left: append(left, inventory{claims: c.Claims}.left()...)}
}

// denied returns the error of a stream's directory that this process may not read: what is in it is not lost.
func denied(dir string) error {
	_, err := os.Stat(filepath.Join(dir, "meta.inf"))
	if err == nil {
		_, err = os.ReadDir(natstuning.MessagesDir(dir))
	}
	if errors.Is(err, fs.ErrPermission) {
		return err
	}
	return nil
}

// recoverable reports whether the server will recover the stream of a directory.
func recoverable(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "meta.inf"))
	_, sumErr := os.Stat(filepath.Join(dir, "meta.sum"))
	return err == nil && sumErr == nil
}

// setRemainsAside moves what is left of streams that cannot be recovered to another place: creating
// such a stream again would delete it.
func (c ServerConfig) setRemainsAside(store string) error {
	if !c.AcceptLoss {
		return nil
	}
	aside := c.lostDir()
	for _, name := range streamNames() {
		dir := streamDir(store, name)
		if _, err := os.Stat(dir); err != nil || recoverable(dir) {
			continue
		}
		if err := os.MkdirAll(aside, 0o700); err != nil {
			return err
		}
		if err := fsx.Rename(dir, filepath.Join(aside, name)); err != nil {
			return err
		}
		slog.Warn("what is left of a lost stream is set aside", "stream", name, "directory", filepath.Join(aside, name))
	}
	return nil
}

// lostDir is a new place for what is left of lost streams.
func (c ServerConfig) lostDir() string {
	return filepath.Join(c.Dir, "lost-"+time.Now().UTC().Format("20060102T150405.000000000Z"))
}

// checkRecovered compares the record with what the server has recovered.
func (s *Server) checkRecovered(before record) error {
	if len(before.Streams) == 0 || s.config.AcceptLoss {
		return nil
	}
	now, err := s.held()
	if err != nil {
		return err
	}
	if before.foreign(now) {
		return &LossError{
			Lost: []string{fmt.Sprintf("the file %s is that of another data directory, and what it says of this one's is missing; if the streams are the right ones, delete it",
				filepath.Join(s.config.Dir, RecordFile))},
			Left: now.left(),
		}
	}
	if lost := before.losses(now); len(lost) > 0 {
		return &LossError{Lost: lost, Left: now.left()}
	}
	return nil
}

// CheckRecord compares the file streams.json of a data directory with what its running server holds: a server that
// finds a file of messages damaged drops these messages, without a word. A loss is a *[LossError].
func (l *Log) CheckRecord(ctx context.Context, dir string) error {
	before, err := readRecord(dir)
	if err != nil {
		return err
	}
	now := record{Streams: map[string]recorded{}}
	for name := range before.Streams {
		info, err := l.info(ctx, name)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		now.Streams[name] = recorded{
			Created: info.Created, Last: events.Seq(info.State.LastSeq), Messages: info.State.Msgs,
			Store: info.Config.Metadata[storeMark],
		}
	}
	if lost := before.losses(now); len(lost) > 0 {
		return &LossError{Lost: lost, Left: now.left()}
	}
	return nil
}

// indexFiles are the server's indexes of the streams.
func indexFiles(store string) map[string]os.FileInfo {
	files := map[string]os.FileInfo{}
	for _, name := range streamNames() {
		path := filepath.Join(messagesDir(store, name), natstuning.IndexName)
		if file, err := os.Stat(path); err == nil {
			files[path] = file
		}
	}
	return files
}

// removeNewIndexes removes the indexes that the server has written since before. It has stopped after a loss: with
// indexes of what it found it would not look at a file of messages that is put back.
func (s *Server) removeNewIndexes(before map[string]os.FileInfo) (err error) {
	for path, file := range indexFiles(s.store) {
		if old, existed := before[path]; !existed || !old.ModTime().Equal(file.ModTime()) {
			err = errors.Join(err, os.Remove(path))
		}
	}
	return err
}

// raiseMost notes how many messages LICENSES holds: it never holds less again, unless a file of it is damaged.
func (s *Server) raiseMost(now record) {
	s.most.Store(max(s.most.Load(), now.Streams[events.LicensesStream].Messages))
}

// held is what the server holds now of the log's streams.
func (s *Server) held() (record, error) {
	r := record{Streams: map[string]recorded{}}
	srv := s.running()
	if srv == nil {
		return r, errStopped
	}
	info, err := srv.Jsz(&server.JSzOptions{Accounts: true, Streams: true, Config: true})
	if err != nil {
		return r, err
	}
	names := streamNames()
	for _, account := range info.AccountDetails {
		for _, stream := range account.Streams {
			if slices.Contains(names, stream.Name) {
				r.Streams[stream.Name] = recorded{
					Created: stream.Created, Last: events.Seq(stream.State.LastSeq), Messages: stream.State.Msgs, Store: stream.Config.Metadata[storeMark],
				}
			}
			r.Async = r.Async || stream.Name == events.RowsStream && stream.Config.PersistMode == server.AsyncPersistMode
		}
	}
	return r, nil
}

// Record keeps the file streams.json up to date from now on, as [ServerConfig.Record] does from the
// start on.
func (s *Server) Record() { s.record.Store(true) }

// A recorder writes the record of a running server.
type recorder struct {
	server  *Server
	written record
	seen    record // some seconds ago: what was stored then is on the disk by now
	at      time.Time
}

func (s *Server) newRecorder(before record) *recorder {
	return &recorder{server: s, written: before}
}

// update writes the record if a stream is new, or if the sequences have grown since the last
// interval. A stream that was deleted meanwhile stays recorded.
func (r *recorder) update() {
	if !r.server.record.Load() {
		return
	}
	now, err := r.server.held()
	if err != nil {
		return // during a restart
	}
	r.server.raiseMost(now)
	now = now.durable(r.server.rows)
	grown := r.written.merge(r.seen, now)
	due := time.Since(r.at) >= recordInterval
	if due {
		r.seen, r.at = now, time.Now()
	}
	if due || len(grown.Streams) > len(r.written.Streams) {
		r.write(grown)
	}
}

// finish writes the record of a server that has stopped. What it held is on the disk.
func (r *recorder) finish(held record) {
	if r.server.record.Load() {
		held = held.durable(r.server.rows)
		r.write(r.written.merge(held, held))
	}
}

func (r *recorder) write(grown record) {
	if maps.EqualFunc(grown.Streams, r.written.Streams, recorded.equal) {
		return
	}
	if err := grown.write(r.server.config.Dir); err != nil {
		slog.Warn("what the data directory holds cannot be recorded", "error", err)
		return
	}
	r.written = grown
}

func (s recorded) equal(other recorded) bool {
	return s.Created.Equal(other.Created) && s.Last == other.Last && s.Messages == other.Messages && s.Store == other.Store
}

// durable is the record without the rows that a power cut may delete.
func (r record) durable(rows *rowStore) record {
	held, exists := r.Streams[events.RowsStream]
	if synced := events.Seq(rows.synced.Load()); exists && r.Async && held.Last > synced {
		held.Last, held.Messages = synced, 0
		r.Streams[events.RowsStream] = held
	}
	return r
}

// merge adds to a record the streams that are there now, with the sequences that were seen before.
// A stream that was made again while the server ran does not replace the one that was recorded.
func (r record) merge(seen, now record) record {
	merged := record{Streams: maps.Clone(r.Streams)}
	if merged.Streams == nil {
		merged.Streams = map[string]recorded{}
	}
	for name, s := range now.Streams {
		old, known := merged.Streams[name]
		s.Last, s.Messages = 0, 0
		if before := seen.Streams[name]; before.Created.Equal(s.Created) {
			s.Last, s.Messages = before.Last, before.Messages
		}
		if known && !old.Created.Equal(s.Created) {
			continue
		}
		s.Last, s.Messages = max(s.Last, old.Last), max(s.Messages, old.Messages)
		merged.Streams[name] = s
	}
	return merged
}

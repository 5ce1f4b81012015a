package natstuning

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/minio/highwayhash"
	"github.com/nats-io/nats-server/v2/server"
)

// A Stage is one file that takes the place of the directories in which the server stages a stream's atomic batches.
//
// The server makes a store of its own for each batch, with a directory, files and an index of subjects, reads the
// messages back from there when the batch is committed, and deletes all of it. It needs that store after a kill only:
// if the stream ends within a batch, the server completes it from the staged copy. A batch in a Stage is in memory.
// Its commit writes it to the file and syncs that before the first message is stored, so a start after a kill can
// make the server's own copy of it: see [RestoreStage].
//
// One file is enough for a stream, since the server commits one batch after the other: the last one is stored and
// synced before the next one is written over it.
//
//	bytes   what
//	8       checksum of what follows; 0: the batch has ended
//	8       the length of what follows, in little-endian order
//	        the batch's id, and the subject, headers and body of each message; before each its length, as a varint
type Stage struct {
	file *os.File

	mu         sync.Mutex
	content    []byte
	committing *staged // its messages may be stored in part
	blocked    bool
	failed     error // of the first write that failed
}

const stageHead = 16 // bytes before the content

// stageKey is the key of the checksum, which guards against parts of two batches.
var stageKey = make([]byte, highwayhash.Size)

// OpenStage opens the file, and makes it where there is none. What it holds has to be restored before. The caller makes
// its directory, and syncs that, or a power cut could take the file away.
func OpenStage(path string) (*Stage, error) {
	if err := checkVersion(); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the caller's own path
	if err != nil {
		return nil, err
	}
	return &Stage{file: file}, nil
}

// Close closes the file. The server has ended.
func (s *Stage) Close() error { return s.file.Close() }

// Blocked reports whether a batch was refused because the one before it is stored in part, as after a failed write.
// The server has to be started again, which completes that one.
func (s *Stage) Blocked() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.blocked
}

// failure is the error of the first write that failed.
func (s *Stage) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed
}

// Begin has the stream stage the batch of this id in the stage, before the first of its messages is published. If the
// batch has too many others beside it, the server refuses it later, as it does any. After an error, also one of an
// earlier batch's write, the server stages the batch in a directory.
func (s *Stream) Begin(id string, stage *Stage) (err error) {
	if err := stage.failure(); err != nil {
		return err
	}
	defer recoverReflection(&err)
	lock := lockOf(s.value)
	lock.Lock()
	defer lock.Unlock()
	batches := privateField(s.value, "batches")
	if batches.IsNil() {
		batches.Set(reflect.New(batches.Type().Elem()))
	}
	mu := privateField(batches, "mu").Addr().Interface().(*sync.Mutex)
	mu.Lock()
	defer mu.Unlock()
	staging := privateField(batches, "atomic")
	if staging.IsNil() {
		staging.Set(reflect.MakeMap(staging.Type()))
	}
	if staging.Len() >= maxStaging {
		return nil
	}
	batch, store := reflect.New(staging.Type().Elem().Elem()), &staged{stage: stage, id: id}
	privateField(batch, "store").Set(reflect.ValueOf(store))
	setupCleanupTimer(batch.UnsafePointer(), s.stream, id, batches.UnsafePointer())
	store.timer = privateField(batch, "timer").Interface().(*time.Timer)
	batchesInFlight.Add(1)
	staging.SetMapIndex(reflect.ValueOf(id), batch)
	return nil
}

// maxStaging is the server's limit of batches of one stream that are not committed yet.
const maxStaging = 50

// batchesInFlight is the server's own count: it takes a batch out when it has ended.
//
//go:linkname batchesInFlight github.com/nats-io/nats-server/v2/server.globalInflightAtomicBatches
var batchesInFlight atomic.Int64

// setupCleanupTimer is the server's own method of an atomicBatch: 10 s after the last message it gives the batch up.
//
//go:linkname setupCleanupTimer github.com/nats-io/nats-server/v2/server.(*atomicBatch).setupCleanupTimer
func setupCleanupTimer(batch, stream unsafe.Pointer, id string, batches unsafe.Pointer)

// A staged batch is what the server takes for its store. The server's goroutine of the stream uses it, and the one of
// the timer, under the lock of the stream's batches. It has those methods of a store that the server uses.
type staged struct {
	server.StreamStore
	stage    *Stage
	id       string
	timer    *time.Timer // after which the server gives the batch up
	messages []storedMessage
}

// Type makes the server stage the last message, too.
func (*staged) Type() server.StorageType { return server.FileStorage }

// stagedLists are used again. They have no messages.
var stagedLists = sync.Pool{New: func() any { return new([]storedMessage) }}

// StoreMsg adds a message. The server does not change it any more.
func (b *staged) StoreMsg(subject string, header, body []byte, _ int64) (seq uint64, _ int64, err error) {
	if b.messages == nil {
		b.messages = *stagedLists.Get().(*[]storedMessage)
	}
	b.messages = append(b.messages, storedMessage{subj: subject, hdr: header, msg: body})
	return uint64(len(b.messages)), 0, nil
}

// LoadMsg returns a message by its number in the batch.
func (b *staged) LoadMsg(seq uint64, m *server.StoreMsg) (*server.StoreMsg, error) {
	if seq == 0 || seq > uint64(len(b.messages)) {
		return nil, server.ErrStoreMsgNotFound
	}
	*fields(m) = b.messages[seq-1]
	return m, nil
}

// FlushAllPending makes the batch durable before the server stores its messages. After an error the server stores
// nothing, but has stopped the timer and forgets the batch, which would count as one in flight for ever.
func (b *staged) FlushAllPending() error {
	err := b.stage.write(b)
	if err != nil {
		b.timer.Reset(0)
	}
	return err
}

// Delete ends the batch: it is stored, or was refused, or given up.
func (b *staged) Delete(bool) error {
	b.stage.end(b)
	if list := b.messages; list != nil {
		clear(list)
		list, b.messages = list[:0], nil
		stagedLists.Put(&list)
	}
	return nil
}

// Stop ends the batch with the server, which may have stored a part of it.
func (*staged) Stop() error { return nil }

var errCommitting = errors.New("another batch is stored in part")

func (s *Stage) write(b *staged) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.committing != nil {
		s.blocked = true
		return errCommitting
	}
	if len(b.messages) == 1 { // it is stored as a whole or not at all
		return nil
	}
	s.content = b.content(s.content)
	_, err := s.file.WriteAt(s.content, 0)
	if err == nil {
		err = syncData(s.file)
	}
	if err != nil {
		s.failed = err
		return err
	}
	s.committing = b
	return nil
}

func (s *Stage) end(b *staged) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.committing == b {
		s.committing = nil
		// Not synced. A copy that a power cut leaves is not used: the stream does not end within that batch.
		_, _ = s.file.WriteAt(make([]byte, 8), 0)
	}
}

// content is that of the file, in the memory of another one.
func (b *staged) content(memory []byte) []byte {
	to := append(memory[:0], make([]byte, stageHead)...)
	to = binary.AppendUvarint(to, uint64(len(b.id)))
	to = append(to, b.id...)
	for _, m := range b.messages {
		to = binary.AppendUvarint(to, uint64(len(m.subj)))
		to = append(to, m.subj...)
		for _, part := range [][]byte{m.hdr, m.msg} {
			to = binary.AppendUvarint(to, uint64(len(part)))
			to = append(to, part...)
		}
	}
	binary.LittleEndian.PutUint64(to[8:], uint64(len(to)-stageHead))
	binary.LittleEndian.PutUint64(to, highwayhash.Sum64(to[8:], stageKey))
	return to
}

// parseStage is the batch in the content of a stage's file; nil if there is none, or it was not written to its end.
func parseStage(content []byte) *staged {
	if len(content) < stageHead {
		return nil
	}
	length := binary.LittleEndian.Uint64(content[8:])
	if length > uint64(len(content)-stageHead) {
		return nil
	}
	content = content[:stageHead+length]
	if binary.LittleEndian.Uint64(content) != highwayhash.Sum64(content[8:], stageKey) {
		return nil
	}
	parts := content[stageHead:]
	id, parts, ok := takePart(parts)
	b := &staged{id: string(id)}
	for ok && len(parts) > 0 {
		var subject, header, body []byte
		subject, parts, _ = takePart(parts)
		header, parts, _ = takePart(parts)
		body, parts, ok = takePart(parts) // false, too, where one before was
		b.messages = append(b.messages, storedMessage{subj: string(subject), hdr: header, msg: body})
	}
	if !ok {
		return nil
	}
	return b
}

// takePart is what follows its length. After an error there is nothing left.
func takePart(from []byte) (part, rest []byte, ok bool) {
	length, n := binary.Uvarint(from)
	if n <= 0 || length > uint64(len(from)-n) {
		return nil, nil, false
	}
	from = from[n:]
	return from[:length], from[length:], true
}

// RestoreStage makes the server's own copy of a batch whose commit had begun, in the directory of a stream whose server
// does not run. If the stream ends within that batch, the server completes it at its start. It deletes the copy in any
// case.
func RestoreStage(path, stream string) error {
	content, err := os.ReadFile(path) //nolint:gosec // the caller's own path
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	batch := parseStage(content)
	if batch == nil {
		return nil
	}
	if _, err := os.Stat(MessagesDir(stream)); errors.Is(err, fs.ErrNotExist) {
		return nil // the stream was deleted
	}
	name := hashOfName(batch.id)
	dir := filepath.Join(stream, "batches", name)
	records, err := batch.records(name, time.Now().UnixNano())
	if err == nil {
		err = errors.Join(os.RemoveAll(dir), os.MkdirAll(MessagesDir(dir), 0o750))
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(MessagesDir(dir), BlockName(1)), records, 0o600)
	}
	return err
}

// records are the batch's messages as those of the first block of a stream of this name.
func (b *staged) records(name string, now int64) (records []byte, err error) {
	sum, err := blockHash(name, 1)
	if err != nil {
		return nil, err
	}
	for i, m := range b.messages {
		if records, err = appendRecord(records, sum, uint64(i)+1, now, m); err != nil {
			return nil, fmt.Errorf("message %d of the staged batch: %w", i+1, err)
		}
	}
	return records, nil
}

// hashOfName is the server's own function for the name of a batch's directory.
//
//go:linkname hashOfName github.com/nats-io/nats-server/v2/server.getHash
func hashOfName(name string) string

package natstuning

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"time"
	"unsafe"

	"github.com/minio/highwayhash"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats-server/v2/server/avl"
)

// IndexName is the name of the index among a stream's messages.
const IndexName = "index.db"

// How an index begins, and the version of its format.
const (
	indexMagic   = 11
	indexVersion = 4
)

// subjectState has the fields of the server's psi: the number of messages at a subject, and the first and last
// block that has one.
type subjectState struct {
	total uint64
	fblk  uint32
	lblk  uint32
}

// WriteIndex writes the index of one of the server's streams, index.db, as the server does at its stop and, up to
// a million subjects, each two minutes. A server that was killed reads all messages of a stream without an index
// of its last state: 2 CPU seconds for each million. The stream takes no appends meanwhile, and its readers wait:
// 0.1 s for each million subjects. The server's checks of the index at its start are the same for this one.
func WriteIndex(srv *server.Server, stream string) (err error) {
	defer recoverReflection(&err)
	store, err := fileStoreOf(srv, stream)
	if err != nil {
		return err
	}
	if !privateField(store, "prf").IsNil() {
		return fmt.Errorf("stream %s is encrypted", stream)
	}
	if unchanged(store) {
		return nil
	}
	alone := privateField(store, "wfsmu").Addr().Interface().(*sync.Mutex)
	alone.Lock()
	defer alone.Unlock()
	path := filepath.Join(MessagesDir(privateField(store, "fcfg").FieldByName("StoreDir").String()), IndexName)
	return replaceIndex(path, stream, func(w *indexWriter) error { return w.store(store) })
}

// replaceIndex writes an index beside the one that is there, and puts it in its place.
func replaceIndex(path, stream string, write func(*indexWriter) error) error {
	file, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600) //nolint:gosec // the server's own path
	if err != nil {
		return err
	}
	err = writeIndex(file, stream, write)
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), path) // not synced: the server checks the hash
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

// unchanged reports whether nothing was stored since the server read the index at its start: only then it does not know
// the last block's checksum.
func unchanged(store reflect.Value) bool {
	defer rlock(store)()
	last := privateField(store, "lmb")
	if last.IsNil() {
		return false
	}
	defer rlock(last)()
	return privateField(last, "lchk").Interface().([8]byte) == [8]byte{}
}

// An indexWriter encodes an index.
type indexWriter struct {
	out    *bufio.Writer
	record []byte
	err    error
}

// keyedHash is the server's hash for an index and for a block's records. Their name is its key.
func keyedHash(name string) (hash.Hash64, error) {
	key := sha256.Sum256([]byte(name))
	return highwayhash.New64(key[:])
}

func writeIndex(file io.Writer, stream string, write func(*indexWriter) error) error {
	sum, err := keyedHash(stream)
	if err != nil {
		return err
	}
	w := &indexWriter{out: bufio.NewWriterSize(io.MultiWriter(file, sum), 1<<20)}
	if err := write(w); err != nil {
		return err
	}
	if err := errors.Join(w.err, w.out.Flush()); err != nil {
		return err
	}
	_, err = file.Write(sum.Sum(nil))
	return err
}

// store writes what the index has of a store, which it locks.
func (w *indexWriter) store(store reflect.Value) error {
	defer rlock(store)()
	state := privateField(store, "state").Interface().(server.StreamState)
	base := unixNano(state.FirstTime)
	subjects := privateField(store, "psim")
	w.head(&savedIndex{
		messages: state.Msgs, bytes: state.Bytes, firstSeq: state.FirstSeq, lastSeq: state.LastSeq,
		base: base, lastTime: unixNano(state.LastTime),
	}, uint64(subjects.MethodByName("Size").Call(nil)[0].Int()))
	if err := w.subjects(subjects); err != nil {
		return err
	}
	blocks := privateField(store, "blks")
	w.unsigned(uint64(blocks.Len()))
	var messages, bytes uint64
	for i := range blocks.Len() {
		m, b, err := w.block(blocks.Index(i), base)
		if err != nil {
			return err
		}
		messages, bytes = messages+m, bytes+b
	}
	if messages != state.Msgs || bytes != state.Bytes {
		return fmt.Errorf("the blocks have %d messages with %d bytes, the stream %d with %d", messages, bytes, state.Msgs, state.Bytes)
	}
	last := privateField(store, "lmb")
	if last.IsNil() {
		return errors.New("it has no block")
	}
	defer rlock(last)()
	checksum := privateField(last, "lchk").Interface().([8]byte)
	if checksum == [8]byte{} {
		return errors.New("the last block's checksum is not loaded")
	}
	w.unsigned(privateField(last, "index").Uint())
	w.write(checksum[:])
	return nil
}

// subjects writes the state of each subject.
func (w *indexWriter) subjects(tree reflect.Value) error {
	each := tree.MethodByName("IterFast")
	callback := each.Type().In(0)
	if !sameFields(callback.In(1).Elem(), reflect.TypeFor[subjectState]()) {
		return errors.New("this build of the server has another state of a subject")
	}
	write := func(subject []byte, of *subjectState) bool {
		w.subject(subject, of)
		return w.err == nil
	}
	// Both functions take a slice of bytes and a pointer to a struct of the same fields.
	each.Call([]reflect.Value{reflect.NewAt(callback, unsafe.Pointer(&write)).Elem()})
	return w.err
}

// block writes the state of a block, and returns the number of its messages and their bytes.
func (w *indexWriter) block(block reflect.Value, base int64) (messages, bytes uint64, err error) {
	defer rlock(block)()
	if privateField(block, "dmap").Addr().Interface().(*avl.SequenceSet).Size() > 0 {
		return 0, 0, errors.New("messages were deleted")
	}
	number := func(name string) uint64 { return privateField(block, name).Uint() }
	first, last := privateField(block, "first"), privateField(block, "last")
	w.indexed(indexedBlock{
		number: number("index"), bytes: number("bytes"),
		firstSeq: first.FieldByName("seq").Uint(), firstTime: first.FieldByName("ts").Int() - base,
		lastSeq: last.FieldByName("seq").Uint(), lastTime: last.FieldByName("ts").Int() - base,
		ttls: number("ttls"), schedules: number("schedules"),
	})
	return number("msgs"), number("bytes"), w.err
}

// head writes what precedes the states of so many subjects.
func (w *indexWriter) head(of *savedIndex, subjects uint64) {
	w.write([]byte{indexMagic, indexVersion})
	w.unsigned(of.messages, of.bytes, of.firstSeq)
	w.signed(of.base)
	w.unsigned(of.lastSeq)
	w.signed(of.lastTime)
	w.unsigned(subjects)
}

// subject writes the state of a subject.
func (w *indexWriter) subject(subject []byte, of *subjectState) {
	record := binary.AppendUvarint(w.record[:0], uint64(len(subject)))
	record = append(record, subject...)
	record = binary.AppendUvarint(record, of.total)
	record = binary.AppendUvarint(record, uint64(of.fblk))
	w.record = binary.AppendUvarint(record, uint64(of.lblk))
	w.write(w.record)
}

// indexed writes the state of a block.
func (w *indexWriter) indexed(b indexedBlock) {
	w.unsigned(b.number, b.bytes, b.firstSeq)
	w.signed(b.firstTime)
	w.unsigned(b.lastSeq)
	w.signed(b.lastTime)
	w.unsigned(b.deleted, b.ttls, b.schedules)
}

func (w *indexWriter) write(b []byte) {
	if w.err == nil {
		_, w.err = w.out.Write(b)
	}
}

func (w *indexWriter) unsigned(numbers ...uint64) {
	for _, n := range numbers {
		w.write(binary.AppendUvarint(w.out.AvailableBuffer(), n))
	}
}

func (w *indexWriter) signed(n int64) { w.write(binary.AppendVarint(w.out.AvailableBuffer(), n)) }

// unixNano is a time in nanoseconds; 0 for the zero time.
func unixNano(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

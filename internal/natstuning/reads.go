package natstuning

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"sync"
	"unsafe"

	"github.com/nats-io/nats-server/v2/server"
)

// A Message is one that a stream stores.
type Message struct {
	Subject string
	Seq     uint64
	Time    int64  // Unix time of its storage, in nanoseconds
	Data    []byte // without headers

	buffer []byte // that Data is in
}

// A Stream reads, fills and compresses a stream of an embedded server without its protocol. A read, but for
// [Stream.Has], sees an atomic batch as a whole or not at all, and only when the server has synced it: Stream holds the
// lock that keeps the server's own readers out until then. Any number of goroutines may use it.
type Stream struct {
	store   server.StreamStore
	isolate *sync.RWMutex
	value   reflect.Value  // a *server.stream
	stream  unsafe.Pointer // the same
	inbound unsafe.Pointer // the queue of what clients have published

	compressing sync.Mutex
}

// storedMessage has the fields of server.StoreMsg, which has no exported ones.
type storedMessage struct {
	subj string
	hdr  []byte
	msg  []byte
	buf  []byte
	seq  uint64
	ts   int64
}

// OpenStream returns one of the server's streams. An error of the Stream's methods, but for [ErrTooMany], is that of
// the server's store: it was closed, as by the server's end, and the stream has to be opened once more.
func OpenStream(srv *server.Server, name string) (s *Stream, err error) {
	if err := checkVersion(); err != nil {
		return nil, err
	}
	defer recoverReflection(&err)
	if !sameFields(reflect.TypeFor[server.StoreMsg](), reflect.TypeFor[storedMessage]()) {
		return nil, errors.New("this build of the server has other fields of a message")
	}
	found := streamOf(srv, name)
	if !found.IsValid() {
		return nil, ErrNoStream
	}
	store := storeOf(found)
	if !store.IsValid() {
		return nil, ErrNoStream
	}
	return &Stream{
		store:   store.Interface().(server.StreamStore),
		isolate: privateField(found, "isolateMu").Addr().Interface().(*sync.RWMutex),
		value:   found,
		stream:  found.UnsafePointer(),
		inbound: privateField(found, "msgs").UnsafePointer(),
	}, nil
}

// sameFields reports whether two structs have the same fields in the same places, also where these are structs.
func sameFields(a, b reflect.Type) bool {
	if a.Size() != b.Size() || a.NumField() != b.NumField() {
		return false
	}
	for i := range a.NumField() {
		one, other := a.Field(i), b.Field(i)
		same := one.Type == other.Type || one.Type.Kind() == reflect.Struct && other.Type.Kind() == reflect.Struct &&
			sameFields(one.Type, other.Type)
		if one.Name != other.Name || !same || one.Offset != other.Offset {
			return false
		}
	}
	return true
}

// Read appends to messages those after a sequence whose subject matches the filter ("": all), in order, until
// there are none, the slice is full, or maxRead bytes are read. No message up to the sequence end is unread, and head is the stream's last
// sequence. reuse: messages that an earlier Read has put into the rest of the slice are not needed any more, and their
// memory takes the new ones.
func (s *Stream) Read(
	filter string, after uint64, messages []Message, reuse bool,
) (read []Message, end, head uint64, err error) {
	s.isolate.RLock()
	defer s.isolate.RUnlock()
	var state server.StreamState
	s.store.FastState(&state)
	head = state.LastSeq
	var stored server.StoreMsg
	wildcards := strings.ContainsAny(filter, "*>")
	bytes := 0
	for end = after; len(messages) < cap(messages) && bytes < maxRead; {
		fields(&stored).buf = nil // the message before has it
		if reuse {
			fields(&stored).buf = spare(messages[:len(messages)+1][len(messages)].buffer)
		}
		_, seq, err := s.store.LoadNextMsg(filter, wildcards, end+1, &stored)
		if errors.Is(err, server.ErrStoreEOF) {
			return messages, max(end, seq), head, nil
		}
		if err != nil {
			return messages, end, head, err
		}
		end = seq
		messages = append(messages, message(&stored))
		bytes += len(fields(&stored).msg)
	}
	return messages, end, head, nil
}

// synced is the last sequence of the messages that the server has synced: of a batch all or none.
func (s *Stream) synced() uint64 {
	s.isolate.RLock()
	defer s.isolate.RUnlock()
	return s.Head()
}

// maxRead bounds what is read at once, in bytes. One message more may begin below it.
const maxRead = 8 << 20

// maxSpare bounds, in bytes, the memory of one message that is used for another one.
const maxSpare = 4 << 10

// spare is an empty buffer with the memory of another one; nil if that is too large.
func spare(buffer []byte) []byte {
	if cap(buffer) > maxSpare {
		return nil
	}
	return buffer[:0]
}

// Last returns the last message at each subject that matches one of the filters, in the order of their
// sequences. [ErrTooMany]: there are more than most, or they have more than maxBytes.
func (s *Stream) Last(filters []string, most, maxBytes int) (last []Message, err error) {
	s.isolate.RLock()
	defer s.isolate.RUnlock()
	_, _, err = s.store.MultiLastMsgs(filters, 0, 0, most, func(stored *server.StoreMsg, left uint64) bool {
		m := message(stored)
		if last == nil {
			last = make([]Message, 0, left+1)
		}
		last = append(last, m)
		maxBytes -= len(m.Data)
		return maxBytes >= 0
	})
	if errors.Is(err, server.ErrTooManyResults) || err == nil && maxBytes < 0 {
		return nil, ErrTooMany
	}
	return last, err
}

// Has reports whether the stream has a message whose subject matches the filter. The server has all subjects in memory.
// Unlike a read it waits for no more than a message that is being stored, and may see the beginning of a batch. A message
// that it does not see is not acknowledged.
func (s *Stream) Has(filter string) (bool, error) {
	if len(s.store.SubjectsTotals(filter)) > 0 {
		return true, nil
	}
	_, _, err := s.store.LoadNextMsg("", false, math.MaxUint64, nil) // a store that is closed may not have all subjects
	if errors.Is(err, server.ErrStoreEOF) {
		err = nil
	}
	return false, err
}

// ErrTooMany says that filters match more than the caller takes.
var ErrTooMany = errors.New("too many messages match")

// At returns the message at a sequence; false without one.
func (s *Stream) At(seq uint64) (Message, bool, error) {
	next, _, _, err := s.Read("", seq-1, make([]Message, 0, 1), false)
	if err != nil || len(next) == 0 || next[0].Seq != seq {
		return Message{}, false, err
	}
	return next[0], true, nil
}

func fields(m *server.StoreMsg) *storedMessage { return (*storedMessage)(unsafe.Pointer(m)) }

func message(m *server.StoreMsg) Message {
	f := fields(m)
	return Message{Subject: f.subj, Seq: f.seq, Time: f.ts, Data: f.msg, buffer: f.buf}
}

package natstuning

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash"
	"io"
	"os"

	"github.com/minio/highwayhash"
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

// combine adds the messages of another state of the subject.
func (s *subjectState) combine(with subjectState) {
	s.total, s.fblk, s.lblk = s.total+with.total, min(s.fblk, with.fblk), max(s.lblk, with.lblk)
}

// A savedIndex is what an index tells.
type savedIndex struct {
	messages, bytes, firstSeq, lastSeq uint64
	base, lastTime                     int64 // nanoseconds since 1970; base is the time of the first message
	subjects                           uint64
	sorted                             bool  // the subjects are
	statesAt, statesEnd                int64 // of the subjects' states in the file
	blocks                             []indexedBlock
	checksum                           [RecordChecksum]byte // of the last message
}

func (i *savedIndex) statesSize() int64 { return i.statesEnd - i.statesAt }

// An indexedBlock is what an index tells of a block.
type indexedBlock struct {
	number, bytes, firstSeq, lastSeq uint64
	firstTime, lastTime              int64 // nanoseconds after base
	deleted, ttls, schedules         uint64
}

var errDeleted = errors.New("messages were deleted, or will be")

// readIndex decodes an index of a size in bytes, and checks its hash. It passes over the states of subjects.
func readIndex(in io.ReaderAt, size int64, stream string) (*savedIndex, error) {
	sum, err := keyedHash(stream)
	if err != nil {
		return nil, err
	}
	end := size - int64(sum.Size())
	if end < 0 {
		return nil, errors.New("it is too short")
	}
	r := newIndexReader(io.TeeReader(io.NewSectionReader(in, 0, end), sum))
	found := r.index()
	if r.err == nil && r.more() {
		r.err = errors.New("it is longer than what it tells")
	}
	if r.err != nil {
		return nil, r.err
	}
	want := make([]byte, sum.Size())
	if _, err := in.ReadAt(want, end); err != nil {
		return nil, err
	}
	if !bytes.Equal(sum.Sum(nil), want) {
		return nil, errors.New("its hash is another one")
	}
	return found, nil
}

// An indexReader decodes an index. After an error what it returns means nothing.
type indexReader struct {
	in   io.Reader
	buf  []byte
	rest []byte // of buf, not decoded yet
	read int64  // bytes of in
	err  error
}

// maxState is more than what an index has of a subject, or of a block.
const maxState = 1 << 17

func newIndexReader(in io.Reader) *indexReader { return &indexReader{in: in, buf: make([]byte, 1<<20)} }

// more reads on if less than maxState is left, and reports whether anything is.
func (r *indexReader) more() bool {
	if len(r.rest) < maxState && r.in != nil && r.err == nil {
		left := copy(r.buf, r.rest)
		n, err := io.ReadFull(r.in, r.buf[left:])
		if r.rest, r.read = r.buf[:left+n], r.read+int64(n); err != nil {
			r.in = nil
			if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
				r.err = err
			}
		}
	}
	return len(r.rest) > 0
}

// at is the place of rest in what is read.
func (r *indexReader) at() int64 { return r.read - int64(len(r.rest)) }

func (r *indexReader) used(n int) {
	if n > 0 && r.err == nil {
		r.rest = r.rest[n:]
	} else if r.err == nil {
		r.err = io.ErrUnexpectedEOF
	}
}

func (r *indexReader) unsigned() uint64 {
	number, n := binary.Uvarint(r.rest)
	r.used(n)
	return number
}

func (r *indexReader) signed() int64 {
	number, n := binary.Varint(r.rest)
	r.used(n)
	return number
}

func (r *indexReader) take(n uint64) (taken []byte) {
	if n > uint64(len(r.rest)) {
		r.rest = nil
	} else {
		taken = r.rest[:n]
	}
	r.used(len(taken))
	return taken
}

func (r *indexReader) index() *savedIndex {
	r.more()
	if head := r.take(2); r.err == nil && (head[0] != indexMagic || head[1] != indexVersion) {
		r.err = errors.New("it is of another version")
	}
	i := &savedIndex{messages: r.unsigned(), bytes: r.unsigned(), firstSeq: r.unsigned()}
	i.base, i.lastSeq, i.lastTime, i.subjects = r.signed(), r.unsigned(), r.signed(), r.unsigned()
	i.statesAt, i.sorted = r.at(), true
	var before []byte
	r.eachState(i.subjects, func(_ int64, s savedState) {
		i.sorted = i.sorted && bytes.Compare(before, s.subject) < 0
		before = append(before[:0], s.subject...)
	})
	i.statesEnd = r.at()
	r.more()
	blocks := r.unsigned()
	for n := uint64(0); n < blocks && r.err == nil; n++ {
		r.more()
		i.blocks = append(i.blocks, r.block())
	}
	r.more()
	last := r.unsigned()
	copy(i.checksum[:], r.take(RecordChecksum))
	if r.err == nil && (i.messages == 0 || len(i.blocks) == 0 || i.blocks[len(i.blocks)-1].number != last) {
		r.err = errors.New("it has no last message")
	}
	return i
}

// A savedState is what an index has of a subject. It is valid until the reader goes on.
type savedState struct{ record, subject []byte }

func (s savedState) state() subjectState {
	r := indexReader{rest: s.record}
	r.take(r.unsigned())
	return subjectState{r.unsigned(), uint32(r.unsigned()), uint32(r.unsigned())} //nolint:gosec // as written
}

// eachState decodes so many states, each with its place in what is read.
func (r *indexReader) eachState(subjects uint64, fn func(at int64, s savedState)) {
	for ; subjects > 0 && r.err == nil; subjects-- {
		r.more()
		length, begin := binary.Uvarint(r.rest)
		if begin <= 0 || length > uint64(len(r.rest)-begin) { //nolint:gosec // a positive number
			r.err = io.ErrUnexpectedEOF
			return
		}
		numbers := begin + int(length) //nolint:gosec // compared above
		end := afterNumbers(r.rest, numbers, 3)
		if end < 0 {
			r.err = io.ErrUnexpectedEOF
			return
		}
		fn(r.at(), savedState{r.rest[:end], r.rest[begin:numbers]})
		r.rest = r.rest[end:]
	}
}

// afterNumbers is the place after some numbers that begin at a place of b; -1: b ends before they do.
func afterNumbers(b []byte, at, numbers int) int {
	for ; at < len(b); at++ {
		if b[at] < 1<<7 {
			if numbers--; numbers == 0 {
				return at + 1
			}
		}
	}
	return -1
}

func (r *indexReader) block() indexedBlock {
	b := indexedBlock{
		number: r.unsigned(), bytes: r.unsigned(), firstSeq: r.unsigned(), firstTime: r.signed(), lastSeq: r.unsigned(),
		lastTime: r.signed(), deleted: r.unsigned(), ttls: r.unsigned(), schedules: r.unsigned(),
	}
	if r.err == nil && b.deleted+b.ttls+b.schedules > 0 {
		r.err = errDeleted
	}
	return b
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
	encoded, encoder := io.Pipe() // another goroutine writes what this one encodes
	defer encoder.CloseWithError(io.ErrClosedPipe)
	written := make(chan error, 1)
	go func() {
		_, err := io.CopyBuffer(io.MultiWriter(file, sum), encoded, make([]byte, 1<<20))
		_ = encoded.CloseWithError(err) // if nothing reads, writing ends
		written <- err
	}()
	w := &indexWriter{out: bufio.NewWriterSize(encoder, 1<<20)}
	err = write(w)
	if err == nil {
		err = errors.Join(w.err, w.out.Flush())
	}
	_ = encoder.CloseWithError(err) // nil: it is the end
	if failed := <-written; err == nil {
		err = failed
	}
	if err != nil {
		return err
	}
	_, err = file.Write(sum.Sum(nil))
	return err
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

// copy writes what comes next from a reader.
func (w *indexWriter) copy(from *bufio.Reader, n int64) {
	for n > 0 && w.err == nil {
		next, err := from.Peek(int(min(n, int64(from.Size()))))
		if err != nil {
			w.err = err
			return
		}
		w.write(next)
		_, w.err = from.Discard(len(next))
		n -= int64(len(next))
	}
}

func (w *indexWriter) unsigned(numbers ...uint64) {
	for _, n := range numbers {
		w.write(binary.AppendUvarint(w.out.AvailableBuffer(), n))
	}
}

func (w *indexWriter) signed(n int64) { w.write(binary.AppendVarint(w.out.AvailableBuffer(), n)) }

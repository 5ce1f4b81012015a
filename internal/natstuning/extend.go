package natstuning

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// maxExtension bounds the messages that are added to an index: each takes some 150 bytes of memory meanwhile.
const maxExtension = 4_000_000

// ErrIndex is why an index cannot be extended: it is missing, or the files are not what it says with whole messages
// after it. The server then reads the whole stream, which finds out what is wrong.
var ErrIndex = errors.New("the index cannot be extended")

func noIndex(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrIndex, fmt.Errorf(format, args...))
}

// ExtendIndex adds to the index of a stream what was stored after it, for a server that is not running. The server uses
// an index only if it is that of the last message, so after a kill it would read all messages. Here only those are read
// that the index lacks. msgs is the directory of the stream's messages, of which none was ever deleted. last is the
// sequence of the index that is there now. It returns [ErrIndex], and leaves the index as it is, where the server has
// to read all of it.
func ExtendIndex(msgs, stream string) (last uint64, err error) {
	if err := checkVersion(); err != nil {
		return 0, err
	}
	path := filepath.Join(msgs, IndexName)
	content, err := os.ReadFile(path) //nolint:gosec // the server's own path
	if errors.Is(err, fs.ErrNotExist) {
		return 0, noIndex("there is none")
	}
	if err != nil {
		return 0, err
	}
	old, err := parseIndex(content, stream)
	if err != nil {
		return 0, noIndex("%w", err)
	}
	x := newExtension(old, stream)
	if err := x.read(msgs); err != nil {
		return 0, err
	}
	if x.added > 0 {
		err = replaceIndex(path, stream, x.write)
	}
	return x.lastSeq, err
}

// A savedIndex is what an index tells.
type savedIndex struct {
	messages, bytes, firstSeq, lastSeq uint64
	base, lastTime                     int64 // nanoseconds since 1970; base is the time of the first message
	subjects                           uint64
	states                             []byte // of the subjects
	blocks                             []indexedBlock
	checksum                           [RecordChecksum]byte // of the last message
}

// An indexedBlock is what an index tells of a block.
type indexedBlock struct {
	number, bytes, firstSeq, lastSeq uint64
	firstTime, lastTime              int64 // nanoseconds after base
	deleted, ttls, schedules         uint64
}

// parseIndex decodes an index and checks its hash.
func parseIndex(content []byte, stream string) (*savedIndex, error) {
	sum, err := keyedHash(stream)
	if err != nil {
		return nil, err
	}
	end := len(content) - sum.Size()
	if end < 0 {
		return nil, errors.New("it is too short")
	}
	_, _ = sum.Write(content[:end]) // a hash has no errors
	if !bytes.Equal(sum.Sum(nil), content[end:]) {
		return nil, errors.New("its hash is another one")
	}
	r := &indexReader{rest: content[:end]}
	found := r.index()
	if r.err == nil && len(r.rest) > 0 {
		r.err = errors.New("it is longer than what it tells")
	}
	return found, r.err
}

// An indexReader decodes an index. After an error it returns zeros.
type indexReader struct {
	rest []byte
	err  error
}

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
	if head := r.take(2); r.err == nil && (head[0] != indexMagic || head[1] != indexVersion) {
		r.err = errors.New("it is of another version")
	}
	i := &savedIndex{messages: r.unsigned(), bytes: r.unsigned(), firstSeq: r.unsigned()}
	i.base, i.lastSeq, i.lastTime, i.subjects = r.signed(), r.unsigned(), r.signed(), r.unsigned()
	i.states = r.rest
	for n := uint64(0); n < i.subjects && r.err == nil; n++ {
		r.subject()
	}
	i.states = i.states[:len(i.states)-len(r.rest)]
	blocks := r.unsigned()
	for n := uint64(0); n < blocks && r.err == nil; n++ {
		i.blocks = append(i.blocks, r.block())
	}
	last := r.unsigned()
	copy(i.checksum[:], r.take(RecordChecksum))
	if r.err == nil && (i.messages == 0 || len(i.blocks) == 0 || i.blocks[len(i.blocks)-1].number != last) {
		r.err = errors.New("it has no last message")
	}
	return i
}

func (r *indexReader) subject() (subject []byte, of subjectState) {
	subject = r.take(r.unsigned())
	return subject, subjectState{r.unsigned(), uint32(r.unsigned()), uint32(r.unsigned())} //nolint:gosec // as written
}

func (r *indexReader) block() indexedBlock {
	b := indexedBlock{
		number: r.unsigned(), bytes: r.unsigned(), firstSeq: r.unsigned(), firstTime: r.signed(), lastSeq: r.unsigned(),
		lastTime: r.signed(), deleted: r.unsigned(), ttls: r.unsigned(), schedules: r.unsigned(),
	}
	if r.err == nil && b.deleted+b.ttls+b.schedules > 0 {
		r.err = errors.New("messages were deleted, or will be")
	}
	return b
}

// An extension is an index and what it lacked.
type extension struct {
	*savedIndex
	stream  string
	changed map[string]*change // by subject
	maybe   filter             // of those subjects
	order   []string           // in which they came
	added   uint64             // messages
}

func newExtension(of *savedIndex, stream string) *extension {
	return &extension{
		savedIndex: of, stream: stream, changed: map[string]*change{},
		maybe: filter{seed: maphash.MakeSeed(), bits: make([]uint64, filterBits/64)},
	}
}

// A change is what is added to a subject.
type change struct {
	subjectState
	known bool // the index has the subject
}

// A filter tells of most subjects that they are not among those that were added to it, without a look into a large map.
type filter struct {
	seed maphash.Seed
	bits []uint64
}

const filterBits = 1 << 24 // 2 MB; 6 % of the others pass at a million subjects

func (f *filter) at(subject []byte) (word *uint64, bit uint64) {
	h := maphash.Bytes(f.seed, subject)
	return &f.bits[h/64%(filterBits/64)], 1 << (h % 64)
}

func (f *filter) add(subject []byte) {
	word, bit := f.at(subject)
	*word |= bit
}

func (f *filter) has(subject []byte) bool {
	word, bit := f.at(subject)
	return *word&bit != 0
}

// read reads the messages after the index.
func (x *extension) read(msgs string) error {
	last := x.blocks[len(x.blocks)-1]
	files, err := BlockFiles(msgs)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(files, func(f BlockFile) bool { return f.Number == last.number })
	if at < 0 {
		return noIndex("its last block is missing")
	}
	for _, file := range files[at:] {
		content, _, err := ReadBlock(file.Path)
		if err != nil {
			return noIndex("%w", err)
		}
		if file.Number == last.number {
			end := last.bytes // as long as no message of it was deleted
			if uint64(len(content)) < end || end < RecordChecksum ||
				!bytes.Equal(content[end-RecordChecksum:end], x.checksum[:]) {
				return noIndex("its last message is not where it should be")
			}
			content = content[end:]
		} else {
			if len(content) == 0 {
				return noIndex("block %d is empty", file.Number)
			}
			x.blocks = append(x.blocks, indexedBlock{number: file.Number, firstSeq: x.lastSeq + 1})
		}
		if err := x.block(content, &x.blocks[len(x.blocks)-1]); err != nil {
			return noIndex("block %d: %w", file.Number, err)
		}
	}
	return nil
}

// block adds the messages of a block. Its checks are those of the server.
func (x *extension) block(content []byte, to *indexedBlock) error {
	sum, err := blockHash(x.stream, to.number)
	if err != nil {
		return err
	}
	var got [RecordChecksum]byte
	for len(content) > 0 {
		r, size, err := ParseRecord(content)
		if err != nil || size == 0 || size > len(content) {
			return errors.New("the last message is not whole")
		}
		sumRecord(sum, content, r.Subject, r.Body)
		x.checksum = r.Checksum
		switch {
		case !bytes.Equal(sum.Sum(got[:0]), x.checksum[:]):
			return fmt.Errorf("the checksum of message %d is another one", r.Seq)
		case r.Seq != x.lastSeq+1:
			return fmt.Errorf("message %d comes after %d", r.Seq, x.lastSeq)
		case x.added == maxExtension:
			return errors.New("it has too many messages after the index")
		case r.HasHeaders && expires(r.Body):
			return fmt.Errorf("message %d is to be deleted later", r.Seq)
		}
		x.add(r.Subject, uint32(to.number), uint64(size)) //nolint:gosec // the server's numbers have 32 bits
		to.bytes += uint64(size)
		to.lastSeq, to.lastTime, x.lastTime = r.Seq, r.Time-x.base, r.Time
		if r.Seq == to.firstSeq {
			to.firstTime = to.lastTime
		}
		content = content[size:]
	}
	return nil
}

// expires reports whether a message has headers with which the server deletes it, or sends it, later.
func expires(body []byte) bool {
	return bytes.Contains(body, []byte("\r\nNats-TTL:")) || bytes.Contains(body, []byte("\r\nNats-Schedule"))
}

func (x *extension) add(subject []byte, block uint32, size uint64) {
	of := x.changed[string(subject)]
	if of == nil {
		of = &change{subjectState: subjectState{fblk: block}}
		name := string(subject)
		x.changed[name] = of
		x.maybe.add(subject)
		x.order = append(x.order, name)
	}
	of.total, of.lblk = of.total+1, block
	x.added, x.messages, x.bytes, x.lastSeq = x.added+1, x.messages+1, x.bytes+size, x.lastSeq+1
}

// write writes the index with what it lacked.
func (x *extension) write(w *indexWriter) error {
	fresh := uint64(len(x.changed))
	x.each(func(_ []byte, _ *subjectState, more *change) {
		if more != nil {
			more.known = true
			fresh--
		}
	})
	w.head(x.savedIndex, x.subjects+fresh)
	x.each(func(subject []byte, of *subjectState, more *change) {
		if more != nil {
			of.total, of.lblk = of.total+more.total, more.lblk
		}
		w.subject(subject, of)
	})
	for _, name := range x.order {
		if of := x.changed[name]; !of.known {
			w.subject([]byte(name), &of.subjectState)
		}
	}
	w.unsigned(uint64(len(x.blocks)))
	for _, b := range x.blocks {
		w.indexed(b)
	}
	w.unsigned(x.blocks[len(x.blocks)-1].number)
	w.write(x.checksum[:])
	return nil
}

// each calls do for the subjects of the index as it was, with what is added to each.
func (x *extension) each(do func(subject []byte, of *subjectState, more *change)) {
	r := &indexReader{rest: x.states} // which was read before, without an error
	for range x.subjects {
		subject, of := r.subject()
		var more *change
		if x.maybe.has(subject) {
			more = x.changed[string(subject)]
		}
		do(subject, &of, more)
	}
}

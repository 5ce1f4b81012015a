package natstuning

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"math"
)

// A record of a block's file, in little-endian order:
//
//	bytes   what
//	4       length of the record; the highest bit: it has headers
//	8       sequence; the highest bits: the mark of a deleted message
//	8       time, in nanoseconds since 1970
//	2       length of the subject
//	        subject; with headers 4 bytes with their length, and the headers; the message; 8 bytes checksum
const (
	RecordHeader   = 22 // bytes before the subject
	RecordChecksum = 8  // bytes at the end

	maxRecord   = 32 << 20
	headersBit  = 1 << 31
	deletedBits = 3 << 62
)

// ErrRecord says that bytes are no record.
var ErrRecord = errors.New("there is no record of a message")

// A Record is one of a block's file. Its slices are parts of what was parsed.
type Record struct {
	Seq        uint64 // with the mark of a deleted message
	Time       int64  // nanoseconds since 1970
	Subject    []byte
	HasHeaders bool
	Body       []byte // headers and message
	Message    []byte
	Checksum   [RecordChecksum]byte
}

// ParseRecord decodes the record that b begins with. size is its length in bytes. Where it is 0 or more than b has, b
// ends before the record does, and there is no Record. It does not check the checksum.
func ParseRecord(b []byte) (r Record, size int, err error) {
	if len(b) < RecordHeader {
		return r, 0, nil
	}
	length := binary.LittleEndian.Uint32(b)
	size = int(length &^ headersBit)
	r.HasHeaders = length&headersBit != 0
	begin := RecordHeader + int(binary.LittleEndian.Uint16(b[20:])) // of what follows the subject
	subject := begin
	if r.HasHeaders {
		begin += 4
	}
	if size > maxRecord || begin+RecordChecksum > size {
		return Record{}, 0, ErrRecord
	}
	if len(b) < size {
		return Record{}, size, nil
	}
	end := size - RecordChecksum
	r.Seq, r.Time = binary.LittleEndian.Uint64(b[4:]), int64(binary.LittleEndian.Uint64(b[12:])) //nolint:gosec // as written
	r.Subject, r.Body, r.Checksum = b[RecordHeader:subject], b[begin:end], [RecordChecksum]byte(b[end:size])
	r.Message = r.Body
	if r.HasHeaders {
		r.Message = r.Body[min(int(binary.LittleEndian.Uint32(b[subject:])), len(r.Body)):]
	}
	return r, size, nil
}

// blockHash makes the checksums of a block's records. The stream's name and the block's number are the key.
func blockHash(stream string, number uint64) (hash.Hash64, error) {
	return keyedHash(fmt.Sprintf("%s-%d", stream, number))
}

// sumRecord sums a record that begins with head.
func sumRecord(sum hash.Hash64, head, subject, body []byte) {
	sum.Reset()
	for _, part := range [][]byte{head[4:20], subject, body} {
		_, _ = sum.Write(part) // a hash has no errors
	}
}

// appendRecord appends the record of a message.
func appendRecord(to []byte, sum hash.Hash64, seq uint64, time int64, m storedMessage) ([]byte, error) {
	size := RecordHeader + len(m.subj) + len(m.hdr) + len(m.msg) + RecordChecksum
	length := uint32(0)
	if len(m.hdr) > 0 {
		size += 4
		length = headersBit
	}
	if len(m.subj) > math.MaxUint16 || size > maxRecord {
		return to, ErrRecord
	}
	begin := len(to)
	to = binary.LittleEndian.AppendUint32(to, length|uint32(size)) //nolint:gosec // at most maxRecord
	to = binary.LittleEndian.AppendUint64(to, seq)
	to = binary.LittleEndian.AppendUint64(to, uint64(time))        //nolint:gosec // as the server does
	to = binary.LittleEndian.AppendUint16(to, uint16(len(m.subj))) //nolint:gosec // compared above
	to = append(to, m.subj...)
	if len(m.hdr) > 0 {
		to = binary.LittleEndian.AppendUint32(to, uint32(len(m.hdr))) //nolint:gosec // at most maxRecord
	}
	body := len(to)
	to = append(append(to, m.hdr...), m.msg...)
	sumRecord(sum, to[begin:], []byte(m.subj), to[body:])
	return sum.Sum(to), nil
}

// SequenceOf is the sequence of a record whose first RecordHeader bytes are there; 0: of a deleted message.
func SequenceOf(header []byte) uint64 {
	seq := binary.LittleEndian.Uint64(header[4:])
	if seq&deletedBits != 0 {
		return 0
	}
	return seq
}

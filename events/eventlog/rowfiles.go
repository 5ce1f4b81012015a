package eventlog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"

	"licenseimport/events"
	"licenseimport/internal/natstuning"
)

// flushPause is the time between two looks at a block that still grows.
const flushPause = time.Millisecond

// sync finds the rows of a request in the files, and makes these files durable.
func (r *rowStore) sync(request rowSyncRequest) error {
	if failed := r.failed.Load(); failed != nil {
		return fmt.Errorf("an earlier write to the disk failed, and the process has to be started again: %w", *failed)
	}
	s := &rowSearch{
		rowSyncRequest: request, store: r, subject: []byte(events.RowsSubject(request.Job)), row: request.After.Row,
	}
	touched, err := s.find()
	if err != nil {
		return err
	}
	for _, path := range append(touched, r.blocks()) {
		if err := r.syncFile(path); err != nil {
			return err
		}
	}
	for {
		known := r.synced.Load()
		if known >= uint64(request.UpTo.Seq) || r.synced.CompareAndSwap(known, uint64(request.UpTo.Seq)) {
			return nil
		}
	}
}

// syncFile makes a file durable. After an fsync that failed nobody knows what is on the disk, also if a later one
// succeeds. A file that cannot be opened has lost nothing.
func (r *rowStore) syncFile(path string) error {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) { // purged meanwhile
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close() // it was only read
	if err := file.Sync(); err != nil {
		r.failed.CompareAndSwap(nil, &err)
		return err
	}
	return nil
}

// A rowSearch looks for rows in the files as a processor reads them from the stream: each row after the
// one before it, without repetitions.
type rowSearch struct {
	rowSyncRequest
	store   *rowStore
	subject []byte
	row     events.Row // the last one that was found
	last    events.Seq // of the last record that was read
	buffer  []byte
}

// find reads the blocks from the one that has the first row on, until the last row is found. It waits
// while the server has not written that far.
func (s *rowSearch) find() (touched []string, err error) {
	blocks, err := s.store.from(s.First)
	if err != nil {
		return nil, err
	}
	deadline := time.Now().Add(s.store.flushWait)
	for len(blocks) > 0 {
		block := blocks[0]
		touched = append(touched, block.Path)
		if blocks, err = s.readBlock(block, deadline); err != nil {
			return nil, err
		}
	}
	if s.row < s.UpTo.Row || s.last < s.UpTo.Seq {
		return nil, fmt.Errorf("the files end at sequence %d with row %d; the last row is %d at sequence %d",
			s.last, s.row, s.UpTo.Row, s.UpTo.Seq)
	}
	return touched, nil
}

// readBlock reads one block to its end and returns those after it. A block without one after it may
// still grow.
func (s *rowSearch) readBlock(
	block natstuning.BlockFile, deadline time.Time,
) (after []natstuning.BlockFile, err error) {
	file, err := natstuning.OpenBlock(block.Path)
	if errors.Is(err, fs.ErrNotExist) { // emptied by a purge: it had no row of this job
		return s.store.after(block)
	}
	if err != nil {
		return nil, err
	}
	defer file.Close() // it was only read
	content, err := file.RecordsAt()
	if err != nil {
		return nil, err
	}
	for offset := int64(0); ; time.Sleep(flushPause) {
		after, err := s.store.after(block) // before the read: then the read sees the block's end
		if err != nil {
			return nil, err
		}
		if offset, err = s.readRecords(content, offset); err != nil {
			return nil, fmt.Errorf("%s: %w", block.Path, err)
		}
		if s.row >= s.UpTo.Row && s.last >= s.UpTo.Seq {
			return nil, nil
		}
		if len(after) > 0 || time.Now().After(deadline) {
			return after, nil
		}
	}
}

// readChunk is how much of a file is read at once.
const readChunk = 1 << 20

// readRecords reads the whole records from an offset on, and returns the offset after them.
func (s *rowSearch) readRecords(block io.ReaderAt, offset int64) (int64, error) {
	s.buffer = slices.Grow(s.buffer[:0], readChunk)
	for {
		chunk := s.buffer[:cap(s.buffer)]
		n, err := block.ReadAt(chunk, offset)
		if err != nil && err != io.EOF {
			return offset, err
		}
		used, need, err := s.records(chunk[:n])
		if err != nil {
			return offset, fmt.Errorf("at %d: %w", offset+int64(used), err)
		}
		offset += int64(used)
		if n < len(chunk) {
			return offset, nil
		}
		if need > len(chunk) {
			s.buffer = slices.Grow(s.buffer[:0], need)
		}
	}
}

// records reads the whole records of a chunk. need is the length of the record that is not whole; 0: not
// even its length is there.
func (s *rowSearch) records(chunk []byte) (used, need int, err error) {
	for {
		r, size, err := natstuning.ParseRecord(chunk[used:])
		if err != nil || size == 0 || size > len(chunk)-used {
			return used, size, err
		}
		if seq := natstuning.SequenceOf(chunk[used:]); seq > 0 {
			s.last = events.Seq(seq)
			s.take(&r)
		}
		used += size
	}
}

// take counts a message if it is the next row.
func (s *rowSearch) take(r *natstuning.Record) {
	if !bytes.Equal(r.Subject, s.subject) {
		return
	}
	if of, known := events.ArrivalOf(r.Message); known && of.JobID == s.Job && of.Row == s.row+1 {
		s.row++
	}
}

// from lists the blocks from the one on that has a sequence, or that may have it.
func (r *rowStore) from(seq events.Seq) ([]natstuning.BlockFile, error) {
	blocks, err := natstuning.BlockFiles(r.blocks())
	if err != nil {
		return nil, err
	}
	for i := len(blocks) - 1; i > 0; i-- {
		first, err := firstSequence(blocks[i].Path)
		if err != nil {
			return nil, err
		}
		if first > 0 && first <= seq {
			return blocks[i:], nil
		}
	}
	return blocks, nil
}

// after lists the blocks after one.
func (r *rowStore) after(block natstuning.BlockFile) ([]natstuning.BlockFile, error) {
	blocks, err := natstuning.BlockFiles(r.blocks())
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(blocks, func(b natstuning.BlockFile) bool { return b.Number > block.Number })
	if i < 0 {
		return nil, nil
	}
	return blocks[i:], nil
}

// firstSequence is the sequence of a block's first message; 0: it begins with the mark of a deleted one, or
// is empty.
func firstSequence(path string) (events.Seq, error) {
	block, err := natstuning.OpenBlock(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer block.Close() // it was only read
	var header [natstuning.RecordHeader]byte
	if _, err = io.ReadFull(block.Records(), header[:]); err == io.EOF || err == io.ErrUnexpectedEOF {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("%s: %w", path, err)
	}
	return events.Seq(natstuning.SequenceOf(header[:])), nil
}

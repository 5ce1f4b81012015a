package natstuning

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/klauspost/compress/s2"
	"github.com/nats-io/nats-server/v2/server"
)

// MessagesDir is the directory with a stream's messages, in that of the stream.
func MessagesDir(stream string) string { return filepath.Join(stream, "msgs") }

// BlockName is the name of a file of a stream's messages.
func BlockName(number uint64) string { return strconv.FormatUint(number, 10) + blockSuffix }

const blockSuffix = ".blk"

// A BlockFile is one file of a stream's messages. Their numbers grow with the messages' sequences.
type BlockFile struct {
	Number uint64
	Path   string
}

// BlockFiles lists the blocks in a directory, the oldest first.
func BlockFiles(dir string) (blocks []BlockFile, err error) {
	entries, err := os.ReadDir(dir)
	for _, entry := range entries {
		digits, isBlock := strings.CutSuffix(entry.Name(), blockSuffix)
		if number, err := strconv.ParseUint(digits, 10, 64); isBlock && err == nil {
			blocks = append(blocks, BlockFile{number, filepath.Join(dir, entry.Name())})
		}
	}
	slices.SortFunc(blocks, func(a, b BlockFile) int { return int(a.Number) - int(b.Number) })
	return blocks, err
}

// A Block is an open file of a stream's messages. The server may compress a file that does not grow any more, and puts
// in its place
//
//	bytes   what
//	4       "cmp" and the algorithm
//	1–10    the length of the records, as a varint
//	        the records in the S2 format, without the last checksum; 8 bytes: that checksum
type Block struct {
	file       *os.File
	begin, end int64 // of the compressed records in the file; begin is 0 where they are not compressed
}

// OpenBlock opens a block's file for reading. An [fs.PathError] is that of the disk; after any other one the content is
// not a block's.
func OpenBlock(path string) (*Block, error) {
	file, err := os.Open(path) //nolint:gosec // the server's own path
	if err != nil {
		return nil, err
	}
	b := &Block{file: file}
	if err := b.readHead(); err != nil {
		_ = file.Close() // it was only read
		return nil, fmt.Errorf("block %s: %w", filepath.Base(path), err)
	}
	return b, nil
}

func (b *Block) readHead() error {
	head := make([]byte, 32)
	n, err := b.file.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	var info server.CompressionInfo
	begin, err := info.UnmarshalMetadata(head[:n])
	if err != nil || begin == 0 {
		return err
	}
	stat, err := b.file.Stat()
	if err != nil {
		return err
	}
	if b.begin, b.end = int64(begin), stat.Size()-RecordChecksum; b.begin > b.end {
		return ErrRecord
	}
	return nil
}

// Close closes the file.
func (b *Block) Close() error { return b.file.Close() }

// Compressed reports whether the records are compressed. Then the file does not grow.
func (b *Block) Compressed() bool { return b.begin > 0 }

// Records reads the records as they were before the file was compressed, from the first one to the end that the file
// has now. Its errors are as those of [OpenBlock].
func (b *Block) Records() io.Reader {
	if !b.Compressed() {
		return io.NewSectionReader(b.file, 0, 1<<62)
	}
	packed := s2.NewReader(io.NewSectionReader(b.file, b.begin, b.end-b.begin))
	return io.MultiReader(packed, io.NewSectionReader(b.file, b.end, RecordChecksum))
}

// RecordsAt are the records at their offsets, with those that the server appends later. Of a block that is compressed
// it reads all at once.
func (b *Block) RecordsAt() (io.ReaderAt, error) {
	if !b.Compressed() {
		return b.file, nil
	}
	records, err := b.readAll(nil)
	return bytes.NewReader(records), err
}

// maxBlock is more than a block has, but for one of a single large message.
const maxBlock = 8<<20 + 4<<10

// readAll reads the records, into the memory of a slice if it is large enough.
func (b *Block) readAll(into []byte) ([]byte, error) {
	records := bytes.NewBuffer(into[:0])
	records.Grow(maxBlock)
	_, err := records.ReadFrom(b.Records())
	if err != nil {
		err = fmt.Errorf("block %s: %w", filepath.Base(b.file.Name()), err)
	}
	return records.Bytes(), err
}

// ReadBlock reads all records of a block. Its errors are as those of [OpenBlock].
func ReadBlock(path string) (records []byte, compressed bool, err error) {
	b, err := OpenBlock(path)
	if err != nil {
		return nil, false, err
	}
	defer b.Close() // it was only read
	records, err = b.readAll(nil)
	return records, b.Compressed(), err
}

package workbook

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sort"

	"licenseimport/internal/fsx"
)

const (
	blockStrings = 256      // of a block, at most
	blockBytes   = 16 << 10 // of a block: the string that passes it is its last
	cachedBlocks = 512      // in memory: at most 8 MiB and what single long strings add
)

// sharedStrings is the workbook's table of texts: a cell holds the number of one. The table of a large
// sheet does not fit into memory, so the texts are in a temporary file, in blocks, and memory holds the
// place of each block and the blocks used last. A sheet names its strings mostly in order.
type sharedStrings struct {
	file   *fsx.TempFile
	blocks []block
	count  int
	cache  [cachedBlocks]*cachedBlock
}

// block is a number of strings that follow each other. In the file each is its length as a varint and
// its bytes.
type block struct {
	first int   // the number of its first string
	at    int64 // in the file
}

type cachedBlock struct {
	index int
	data  []byte
	ends  []int // of each string's bytes in data
}

// readSharedStrings reads the part into a temporary file. A string is cut after maxLen bytes.
func readSharedStrings(p *parts, name string, maxLen int, temp func() (*fsx.TempFile, error)) (_ *sharedStrings, err error) {
	content, err := p.open(name)
	if err != nil {
		return nil, err
	}
	defer content.Close()
	scan, err := newScanner(content)
	if err != nil {
		return nil, err
	}
	file, err := temp()
	if err != nil {
		return nil, err
	}
	t := &sharedStrings{file: file}
	defer func() {
		if err != nil {
			err = errors.Join(err, file.Close())
		}
	}()
	w := &stringWriter{table: t, out: bufio.NewWriterSize(file, 64<<10)}
	for {
		kind, err := scan.next()
		if err == io.EOF {
			return t, w.out.Flush()
		}
		if err != nil {
			return nil, err
		}
		if kind == startElement && string(scan.name) == "si" {
			if w.text, err = readRichText(scan, w.text[:0], maxLen); err != nil {
				return nil, err
			}
			if err := w.add(); err != nil {
				return nil, err
			}
		}
	}
}

type stringWriter struct {
	table   *sharedStrings
	out     *bufio.Writer
	text    []byte
	header  []byte
	written int64
}

// add appends the text to the table.
func (w *stringWriter) add() error {
	t := w.table
	if last := len(t.blocks) - 1; last < 0 ||
		t.count-t.blocks[last].first >= blockStrings || w.written-t.blocks[last].at >= blockBytes {
		t.blocks = append(t.blocks, block{first: t.count, at: w.written})
	}
	t.count++
	w.header = binary.AppendUvarint(w.header[:0], uint64(len(w.text)))
	w.written += int64(len(w.header) + len(w.text))
	if _, err := w.out.Write(w.header); err != nil {
		return err
	}
	_, err := w.out.Write(w.text)
	return err
}

// get returns a string by its number. It is valid until the next call.
func (t *sharedStrings) get(number int) ([]byte, error) {
	if number < 0 || number >= t.count {
		return nil, fmt.Errorf("a cell names the shared string %d of %d", number, t.count)
	}
	index := sort.Search(len(t.blocks), func(i int) bool { return t.blocks[i].first > number }) - 1
	slot := &t.cache[index%cachedBlocks]
	if *slot == nil || (*slot).index != index {
		if *slot == nil {
			*slot = new(cachedBlock)
		}
		if err := t.load(*slot, index); err != nil {
			return nil, err
		}
	}
	return (*slot).get(number - t.blocks[index].first), nil
}

func (b *cachedBlock) get(i int) []byte {
	end, from := b.ends[2*i+1], b.ends[2*i]
	return b.data[from:end]
}

// load reads a block from the file.
func (t *sharedStrings) load(b *cachedBlock, index int) error {
	from, strings := t.blocks[index], t.count
	b.index = -1
	var size int64
	if index+1 < len(t.blocks) {
		size, strings = t.blocks[index+1].at-from.at, t.blocks[index+1].first
	} else {
		size = t.file.Size() - from.at
	}
	if int64(cap(b.data)) < size || cap(b.data) > 4*blockBytes {
		b.data = make([]byte, size)
	}
	b.data = b.data[:size]
	if _, err := t.file.ReadAt(b.data, from.at); err != nil {
		return err
	}
	b.ends = b.ends[:0]
	for at := 0; strings > from.first; strings-- {
		n, header := binary.Uvarint(b.data[at:])
		at += header
		b.ends = append(b.ends, at, at+int(n))
		at += int(n)
	}
	b.index = index
	return nil
}

func (t *sharedStrings) close() error { return t.file.Close() }

// readRichText appends the text of an element that has started, <si> or <is>, up to its end: that of its
// own <t>, and those of its runs. Phonetic runs repeat the text in another script, so they do not count.
func readRichText(s *scanner, text []byte, maxLen int) ([]byte, error) {
	depth := s.depth()
	phonetic, inText := 0, false // the depth of the phonetic run
	for {
		kind, err := s.next()
		if err != nil {
			return text, noEOF(err)
		}
		switch kind {
		case startElement:
			if phonetic == 0 && string(s.name) == "rPh" {
				phonetic = s.depth()
			}
			inText = phonetic == 0 && string(s.name) == "t"
		case endElement:
			inText = false
			if s.depth() < phonetic {
				phonetic = 0
			}
			if s.depth() < depth {
				return unescapeText(text), nil
			}
		case characters:
			if inText && len(text) < maxLen {
				text = append(text, s.text...)
			}
		}
	}
}

// noEOF makes an error of the end of a document inside of an element.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

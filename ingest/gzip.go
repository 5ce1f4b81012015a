package ingest

import (
	"bufio"
	"bytes"
	"io"

	"github.com/klauspost/compress/gzip"

	"licenseimport/internal/httpx"
)

// maxPadding bounds the zeros after gzip data, which count for no other limit.
const maxPadding = 1 << 20

var gzipMagic = []byte{0x1f, 0x8b}

// gzipReader unpacks gzip data to the end of src. Where [gzip.Reader] takes everything after a member for
// another one, it ignores zeros, as gzip does, and names other bytes.
type gzipReader struct {
	member *gzip.Reader
	src    *bufio.Reader
	err    error // of the last read; those after it return it, too
}

func newGzipReader(src *bufio.Reader) (*gzipReader, error) {
	r, err := gzip.NewReader(src)
	if err != nil {
		return nil, err
	}
	r.Multistream(false)
	return &gzipReader{member: r, src: src}, nil
}

func (g *gzipReader) Read(p []byte) (n int, err error) {
	for n == 0 && g.err == nil {
		if n, g.err = g.member.Read(p); g.err == io.EOF {
			g.err = g.next()
		}
	}
	return n, g.err
}

// next begins the next member. It returns [io.EOF] if there is none.
func (g *gzipReader) next() error {
	if head, _ := g.src.Peek(len(gzipMagic)); !bytes.Equal(head, gzipMagic) {
		return g.padding()
	}
	err := g.member.Reset(g.src)
	g.member.Multistream(false)
	return err
}

// padding reads what follows the last member. It returns [io.EOF] if that is nothing but zeros.
func (g *gzipReader) padding() error {
	for range maxPadding {
		b, err := g.src.ReadByte()
		if err != nil {
			return err
		}
		if b != 0 {
			break
		}
	}
	return httpx.BadRequest("invalid_gzip",
		"There are bytes after the end of the gzip data, so nothing was imported: remove them, or pack the file again.")
}

// decompress detects gzip by its first two bytes. No CSV file begins with them.
func decompress(part io.Reader) (io.Reader, error) {
	buffered := bufio.NewReaderSize(part, readBufferSize)
	// An error here, io.EOF included, is returned by the next read, too.
	if head, _ := buffered.Peek(len(gzipMagic)); !bytes.Equal(head, gzipMagic) {
		return buffered, nil
	}
	packed, err := newGzipReader(buffered)
	return &gzipPart{packed, buffered}, distinguishTruncation(buffered, err)
}

// gzipPart is a file that was compressed before the upload.
type gzipPart struct {
	packed *gzipReader
	part   *bufio.Reader
}

func (p *gzipPart) Read(b []byte) (int, error) {
	n, err := p.packed.Read(b)
	return n, distinguishTruncation(p.part, err)
}

// distinguishTruncation tells a truncated gzip file from a truncated upload. If the part has ended,
// the file was truncated before the upload.
func distinguishTruncation(part *bufio.Reader, err error) error {
	if err != io.ErrUnexpectedEOF {
		return err
	}
	if _, end := part.Peek(1); end != io.EOF {
		return err
	}
	return httpx.BadRequest("upload_incomplete",
		"The packed file lacks its end, so nothing was imported: pack or download it again.").Because(err)
}

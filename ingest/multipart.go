package ingest

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"

	"licenseimport/events"
	"licenseimport/internal/httpx"
)

const (
	// overhead is what a request may hold beside the file: boundaries, headers.
	multipartOverhead = 1 << 20
	// readAhead is what is read from the network at once, and of a packed file.
	readBufferSize = 64 << 10
)

// body is a request's body with the one file in it.
type body struct {
	content io.Reader // unpacked
	parts   *multipart.Reader
	file    *file
}

// file is the uploaded file, unpacked, as it streams by.
type file struct {
	name     string // as the client calls it, without folders
	src      io.Reader
	maxBytes int64 // bytes

	bytes int64
	hash  hash.Hash // SHA-256
}

// openBody checks what the request says of its body and finds the file in it.
func openBody(r *http.Request, in io.Reader, maxBytes int64) (*body, error) {
	boundary, err := boundaryOf(r.Header.Get("Content-Type"))
	if err != nil {
		return nil, err
	}
	if r.ContentLength > maxBytes+multipartOverhead {
		return nil, tooLarge(maxBytes)
	}
	in = bufio.NewReaderSize(in, readBufferSize)
	switch encoding := strings.ToLower(strings.TrimSpace(r.Header.Get("Content-Encoding"))); encoding {
	case "", "identity":
	case "gzip", "x-gzip":
		if in, err = gzip.NewReader(in); err != nil {
			return nil, err
		}
	default:
		return nil, httpx.Unsupported("unsupported_encoding", "Content-Encoding must be gzip, or none.")
	}
	b := &body{content: &limitedReader{src: in, left: maxBytes + multipartOverhead, maxBytes: maxBytes}}
	b.parts = multipart.NewReader(b.content, boundary)
	return b, b.open(maxBytes)
}

func boundaryOf(contentType string) (string, error) {
	media, params, err := mime.ParseMediaType(contentType)
	if media != "multipart/form-data" {
		return "", httpx.Unsupported("unsupported_media_type", "Send the file as multipart/form-data, under the name file.")
	}
	if err != nil || params["boundary"] == "" {
		return "", httpx.BadRequest("malformed_upload", "The Content-Type has no boundary that can be read.")
	}
	return params["boundary"], nil
}

// open goes to the first part, which must be the file.
func (b *body) open(maxBytes int64) error {
	part, err := b.parts.NextPart()
	if err == io.EOF { // as it is: a closing boundary. Wrapped, it is a body that was cut off.
		return httpx.BadRequest("missing_file", "The upload has no part named file.")
	}
	if err != nil {
		return err
	}
	if part.FormName() != "file" {
		return unexpectedPart(part)
	}
	src, err := decompress(part)
	b.file = &file{name: fileName(part), src: src, maxBytes: maxBytes, hash: sha256.New()}
	return err
}

func unexpectedPart(part *multipart.Part) error {
	return httpx.BadRequest("unexpected_part", "The upload must have exactly one part, named file; it has one named %q.",
		events.Excerpt(strings.ToValidUTF8(part.FormName(), "\uFFFD"), 64))
}

// fileName is what the client calls the file, at most 255 characters.
func fileName(part *multipart.Part) string {
	name := strings.ToValidUTF8(part.FileName(), "\uFFFD")
	if i := strings.LastIndexByte(name, '\\'); i >= 0 {
		name = name[i+1:]
	}
	if name == "" {
		name = "upload.csv"
	}
	return events.Excerpt(name, 255)
}

// unpacked sees through gzip, which is told by its first bytes: no CSV begins
// with them.
func decompress(part io.Reader) (io.Reader, error) {
	buffered := bufio.NewReaderSize(part, readBufferSize)
	// What goes wrong here, the end of the file included, comes again when it is read.
	if head, _ := buffered.Peek(2); !bytes.Equal(head, []byte{0x1f, 0x8b}) {
		return buffered, nil
	}
	packed, err := gzip.NewReader(buffered)
	return &gzipPart{packed, buffered}, distinguishTruncation(buffered, err)
}

// packedPart is a file that was packed before it was uploaded.
type gzipPart struct {
	*gzip.Reader
	part *bufio.Reader
}

func (p *gzipPart) Read(b []byte) (int, error) {
	n, err := p.Reader.Read(b)
	return n, distinguishTruncation(p.part, err)
}

// wholePart tells a packed file that lacks its end from an upload that was cut
// off: there, the part itself has not come to its end.
func distinguishTruncation(part *bufio.Reader, err error) error {
	if err != io.ErrUnexpectedEOF {
		return err
	}
	if _, end := part.Peek(1); end != io.EOF {
		return err
	}
	return httpx.BadRequest("upload_incomplete", "The packed file lacks its end, so nothing was imported: pack or download it again.").Because(err)
}

// Read gives the file's bytes, and counts and hashes them.
func (f *file) Read(p []byte) (int, error) {
	n, err := f.src.Read(p)
	f.hash.Write(p[:n])
	if f.bytes += int64(n); f.bytes > f.maxBytes {
		return n, tooLarge(f.maxBytes)
	}
	return n, err
}

// sum is the SHA-256 of what was read so far, in lower-case hex.
func (f *file) sum() string { return hex.EncodeToString(f.hash.Sum(nil)) }

// finish reads to the end of the request: the rest of the file, the closing
// boundary and what a client may have put behind it. Its error says that the
// upload is not whole.
func (b *body) finish() error {
	if _, err := io.Copy(io.Discard, b.file); err != nil {
		return err
	}
	part, err := b.parts.NextPart()
	if err == nil {
		return unexpectedPart(part)
	}
	if err != io.EOF { // see open
		return err
	}
	_, err = io.Copy(io.Discard, b.content)
	return err
}

// limited fails where more comes than a request may have.
type limitedReader struct {
	src      io.Reader
	left     int64
	maxBytes int64 // for the message
}

func (l *limitedReader) Read(p []byte) (int, error) {
	n, err := l.src.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return n, tooLarge(l.maxBytes)
	}
	return n, err
}

func tooLarge(maxBytes int64) error {
	return httpx.TooLarge("too_large", "The file is larger than %d bytes, unpacked: split it.", maxBytes)
}

// uploadError is the answer to an upload that could not be read to its end.
func uploadError(err error) *httpx.Error {
	if known, ok := errors.AsType[*httpx.Error](err); ok {
		return known
	}
	if _, corrupt := errors.AsType[flate.CorruptInputError](err); corrupt || errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) {
		return httpx.BadRequest("invalid_gzip", "The packed data is damaged: pack the file again.").Because(err)
	}
	if errors.Is(err, multipart.ErrMessageTooLarge) {
		return httpx.BadRequest("malformed_upload", "The headers of a part of the upload are too long.").Because(err)
	}
	return httpx.BadRequest("upload_incomplete", "The upload ended before its closing boundary, so nothing was imported: send it again.").Because(err)
}

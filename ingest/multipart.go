package ingest

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strings"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"

	"licenseimport/events"
	"licenseimport/internal/httpx"
)

const (
	// multipartOverhead bounds what a request may hold beside the file: boundaries and headers.
	multipartOverhead = 1 << 20
	// readBufferSize is the size of reads from the network and from a compressed file.
	readBufferSize = 64 << 10
)

// body is a request's body, which holds one file.
type body struct {
	content io.Reader // decompressed
	parts   *multipart.Reader
	file    *file
	end     bool // finish has read the request to its end
}

// file is the uploaded file, decompressed. It is read once, as a stream.
type file struct {
	name     string // the client's name of the file, without directories
	src      io.Reader
	maxBytes int64

	bytes int64
	hash  hash.Hash // SHA-256
}

// openBody checks the headers that describe the body, and opens the file in it.
func openBody(r *http.Request, in io.Reader, maxBytes int64) (*body, error) {
	boundary, err := boundaryOf(r.Header.Get("Content-Type"))
	if err != nil {
		return nil, err
	}
	if r.ContentLength > maxBytes+multipartOverhead {
		return nil, tooLarge(maxBytes)
	}
	buffered := bufio.NewReaderSize(in, readBufferSize)
	in = buffered
	switch encodings := strings.Join(r.Header.Values("Content-Encoding"), ", "); strings.ToLower(strings.TrimSpace(encodings)) {
	case "", "identity":
	case "gzip", "x-gzip":
		if in, err = newGzipReader(buffered); err != nil {
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

// open opens the first part, which must be the file.
func (b *body) open(maxBytes int64) error {
	part, err := b.parts.NextPart()
	if err == io.EOF { // not errors.Is: a wrapped io.EOF means that the body is truncated
		return httpx.BadRequest("missing_file", "The upload has no part named file.")
	}
	if err != nil {
		return err
	}
	if part.FormName() != "file" {
		return unexpectedPart(part)
	}
	if strings.EqualFold(part.Header.Get("Content-Transfer-Encoding"), "base64") {
		return httpx.BadRequest("malformed_upload", "The file was sent as base64 (Content-Transfer-Encoding): send its bytes as they are.")
	}
	src, err := decompress(part)
	b.file = &file{name: fileName(part), src: src, maxBytes: maxBytes, hash: sha256.New()}
	return err
}

func unexpectedPart(part *multipart.Part) error {
	if part.FormName() == "file" {
		return httpx.BadRequest("unexpected_part",
			"The upload has a second part named file: send each file in a separate upload.")
	}
	return httpx.BadRequest("unexpected_part", "The upload must have exactly one part, named file; it has one named %q.",
		events.Excerpt(strings.ToValidUTF8(part.FormName(), "\uFFFD"), 64))
}

// fileName is the client's name of the file, at most 255 characters.
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

// Read reads the file, counts its bytes and hashes them.
func (f *file) Read(p []byte) (int, error) {
	n, err := f.src.Read(p)
	f.hash.Write(p[:n])
	if f.bytes += int64(n); f.bytes > f.maxBytes {
		return n, tooLarge(f.maxBytes)
	}
	return n, err
}

// sum is the SHA-256 of the bytes read so far, in lower-case hex.
func (f *file) sum() string { return hex.EncodeToString(f.hash.Sum(nil)) }

// finish reads to the end of the request: the rest of the file, the closing boundary and any bytes
// after it. An error means that the upload is truncated or has another part.
func (b *body) finish() error {
	if b.end {
		return nil
	}
	if _, err := io.Copy(io.Discard, b.file); err != nil {
		return err
	}
	part, err := b.parts.NextPart()
	if err == nil {
		return unexpectedPart(part)
	}
	if err != io.EOF { // not errors.Is: see open
		return err
	}
	_, err = io.Copy(io.Discard, b.content)
	b.end = err == nil
	return err
}

// limitedReader fails with the answer 413 if the request is too large.
type limitedReader struct {
	src      io.Reader
	left     int64
	maxBytes int64  // of the file, for the message
	what     string // the file, for the message; empty: a file, unpacked
}

func (l *limitedReader) Read(p []byte) (int, error) {
	n, err := l.src.Read(p)
	if l.left -= int64(n); l.left < 0 {
		if l.what != "" {
			return n, httpx.TooLarge("too_large", "The %s is larger than %d bytes: split it.", l.what, l.maxBytes)
		}
		return n, tooLarge(l.maxBytes)
	}
	return n, err
}

func tooLarge(maxBytes int64) error {
	return httpx.TooLarge("too_large", "The file is larger than %d bytes, unpacked: split it.", maxBytes)
}

// uploadError is the answer to an upload that could not be read completely.
func uploadError(err error) *httpx.Error {
	if known, ok := errors.AsType[*httpx.Error](err); ok {
		return known
	}
	_, corrupt := errors.AsType[flate.CorruptInputError](err)
	if corrupt || errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) {
		return httpx.BadRequest("invalid_gzip", "The packed data is damaged: pack the file again.").Because(err)
	}
	if errors.Is(err, multipart.ErrMessageTooLarge) {
		return httpx.BadRequest("malformed_upload", "The headers of a part of the upload are too long.").Because(err)
	}
	// A line that was cut off is another error: it "misses" its colon.
	if line, ok := errors.AsType[textproto.ProtocolError](err); ok && strings.HasPrefix(line.Error(), "malformed MIME header line") {
		return httpx.BadRequest("malformed_upload", "A header of the upload's part cannot be read; it may be the name of the file.").Because(err)
	}
	return httpx.BadRequest("upload_incomplete",
		"The upload ended before its closing boundary, so nothing was imported: send it again.").Because(err)
}

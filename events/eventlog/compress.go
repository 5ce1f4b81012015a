package eventlog

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"syscall"
	"time"

	"licenseimport/events"
	"licenseimport/internal/fsx"
	"licenseimport/internal/natstuning"

	"github.com/nats-io/nats-server/v2/server"
)

// When the embedded server's process compresses what its streams have stored: see ADR 47.
const (
	quietAfter    = 5 * time.Second       // without imports
	quietMessages = 1000                  // more of them in that time are an import
	compressPause = 50 * time.Millisecond // after each block
	compressRetry = time.Minute           // after an error
)

var compressedStreams = []string{events.RowsStream, events.LicensesStream}

// A compressor compresses the full files of both streams while the server has nothing else to do. It belongs to
// supervise.
type compressor struct {
	direct  *directReader
	srv     *server.Server
	streams map[string]*compressing
	retry   time.Time // it does nothing before
	logged  bool      // it has logged an error
}

// compressing is what a compressor knows of one stream.
type compressing struct {
	head  uint64    // the stream's last sequence
	since time.Time // when it was that
	upTo  uint32    // no block up to this number needs to be compressed
}

// step compresses one file, if the streams have been quiet, and reports whether there may be more.
func (c *compressor) step(srv *server.Server, now time.Time) (more bool) {
	if c.srv != srv {
		c.srv, c.streams = srv, map[string]*compressing{}
	}
	if !c.quiet(now) || now.Before(c.retry) {
		return false
	}
	for _, name := range compressedStreams {
		known, stream := c.streams[name], c.direct.stream(srv, name)
		if known == nil || stream == nil {
			continue
		}
		upTo, done, err := stream.Compress(known.upTo)
		if err != nil {
			c.direct.forget(name)
			c.retry = now.Add(compressRetry)
			if !c.logged {
				c.logged = true
				slog.Warn("what is stored stays as large as it is", "stream", name, "error", err)
			}
			return false
		}
		if known.upTo = upTo; done {
			return true
		}
	}
	return false
}

// quiet looks at the streams and reports whether no import has gone on for a while.
func (c *compressor) quiet(now time.Time) bool {
	quiet := true
	for _, name := range compressedStreams {
		stream := c.direct.stream(c.srv, name)
		if stream == nil {
			continue
		}
		head, known := stream.Head(), c.streams[name]
		switch {
		case known == nil || head < known.head: // it is another stream
			c.streams[name] = &compressing{head: head, since: now}
		case head > known.head+quietMessages:
			known.head, known.since = head, now
		}
		quiet = quiet && now.Sub(c.streams[name].since) >= quietAfter
	}
	return quiet
}

// decompressNewest rewrites the newest compressed file of each stream as it was before, ahead of the server's start.
// After a crash the files behind it may be empty or gone: then the server appends to this one, which it can do only if
// it is not compressed.
func (s *Server) decompressNewest() error {
	for _, name := range compressedStreams {
		blocks, err := natstuning.BlockFiles(messagesDir(s.store, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
			return err // what is not there is left to the server
		}
		for i := len(blocks) - 1; i >= 0; i-- {
			compressed, err := decompress(blocks[i].Path)
			if err != nil {
				return fmt.Errorf("prepare the newest file of stream %s: %w", name, err)
			}
			if compressed {
				break
			}
		}
	}
	return nil
}

// decompress rewrites a block's file if it is compressed, and reports whether it was. What is no block is left to the
// server, which says what is wrong.
func decompress(path string) (compressed bool, err error) {
	if compressed, err = natstuning.IsCompressed(path); err == nil && !compressed {
		return false, nil
	}
	var records []byte
	if err == nil {
		records, _, err = natstuning.ReadBlock(path)
	}
	if failed := (*fs.PathError)(nil); errors.As(err, &failed) {
		return true, err
	}
	if err != nil {
		slog.Warn("the newest file of a stream cannot be read", "file", filepath.Base(path), "error", err)
		return true, nil
	}
	return true, fsx.WritePrivate(path, records)
}

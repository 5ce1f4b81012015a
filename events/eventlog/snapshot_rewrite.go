package eventlog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/s2"
	"github.com/nats-io/nats-server/v2/server/archive"
)

// blockSize is the size of a compressed block before compression, in bytes. The server decompresses
// one block at a time, stores its messages one by one, and aborts a restore after 5 s without
// progress. Its own blocks of 1 MiB are too large for a slow disk, where each message is synced.
const blockSize = 64 << 10

// rewriteSnapshot copies a snapshot in blocks of blockSize, each by one write. It omits the
// consumers that must not be restored: the processors' and those without a durable name. (A
// deletion after the restore would not do: on a cluster they may appear later.)
func rewriteSnapshot(from io.Reader, to io.Writer) error {
	compressed := s2.NewWriter(to, s2.WriterBlockSize(blockSize), s2.WriterConcurrency(1))
	in, out := archive.NewReader(s2.NewReader(from)), archive.NewWriter(compressed)
	err := rewriteHead(in, out)
	if err == nil {
		err = rewriteMessages(in, out)
	}
	if err == nil {
		err = compressed.Close()
	}
	return err
}

// rewriteHead copies what precedes the messages: the state, which has the number of consumers, and
// the consumers.
func rewriteHead(in *archive.Reader, out *archive.Writer) error {
	header, body, err := nextEntry(in)
	if err != nil {
		return err
	}
	state := map[string]any{}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber() // sequences have more digits than a float64
	if err := decoder.Decode(&state); err != nil || header.Name != "state.json" {
		return errors.Join(errors.New("the snapshot does not begin with the stream's state"), err)
	}
	var restored []entry
	consumers, _ := state["consumer_count"].(json.Number) // absent: none
	n, _ := consumers.Int64()
	for range n {
		header, body, err := nextEntry(in)
		if err != nil {
			return err
		}
		if restorable(body) {
			restored = append(restored, entry{header, body})
		}
	}
	state["consumer_count"] = len(restored)
	if body, err = json.Marshal(state); err != nil {
		return err
	}
	header.PayloadSize = int64(len(body))
	for _, e := range append([]entry{{header, body}}, restored...) {
		if err := e.write(out); err != nil {
			return err
		}
	}
	return nil
}

// restorable reports whether a consumer, in the server's JSON, is to be restored.
func restorable(consumer []byte) bool {
	var c struct {
		Config struct {
			Durable string `json:"durable_name"`
		} `json:"config"`
	}
	return json.Unmarshal(consumer, &c) == nil && c.Config.Durable != "" && c.Config.Durable != processorConsumer
}

// rewriteMessages copies the messages and the end mark.
func rewriteMessages(in *archive.Reader, out *archive.Writer) error {
	buffer := make([]byte, 32<<10)
	for {
		header, err := in.Next()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = out.WriteHeader(header)
		}
		if err == nil {
			_, err = io.CopyBuffer(struct{ io.Writer }{out}, struct{ io.Reader }{in}, buffer)
		}
		if err != nil {
			return err
		}
	}
}

// An entry is one entry of the archive that is a snapshot.
type entry struct {
	header *archive.Header
	body   []byte
}

func (e entry) write(out *archive.Writer) error {
	if err := out.WriteHeader(e.header); err != nil {
		return err
	}
	_, err := out.Write(e.body)
	return err
}

// nextEntry reads an entry of the head.
func nextEntry(in *archive.Reader) (*archive.Header, []byte, error) {
	header, err := in.Next()
	if err != nil {
		return nil, nil, fmt.Errorf("the snapshot is truncated: %w", err)
	}
	if header.Name != "state.json" && !strings.HasPrefix(header.Name, "consumers/") {
		return nil, nil, fmt.Errorf("the snapshot has %q where a consumer should be", header.Name)
	}
	body, err := io.ReadAll(in)
	return header, body, err
}

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

// blockSize is how much is packed together, in bytes. The server unpacks a block at a
// time, stores the messages in it one by one, and takes a restore that does not move
// for 5 s for dead. Its own blocks of 1 MiB would be too much for a slow disk, where
// each message is synced.
const blockSize = 64 << 10

// repack copies a snapshot in blocks of blockSize, each by one write, and leaves
// out the consumers that are not to be restored: the processors' and those without
// a durable name. (Deleting them afterwards would not do: on a cluster they may
// appear only later.)
func rewriteSnapshot(from io.Reader, to io.Writer) error {
	packed := s2.NewWriter(to, s2.WriterBlockSize(blockSize), s2.WriterConcurrency(1))
	in, out := archive.NewReader(s2.NewReader(from)), archive.NewWriter(packed)
	err := rewriteHead(in, out)
	if err == nil {
		err = rewriteMessages(in, out)
	}
	if err == nil {
		err = packed.Close()
	}
	return err
}

// repackHead copies what comes before the messages: the state, which counts the
// consumers, and these.
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
	var kept []entry
	consumers, _ := state["consumer_count"].(json.Number) // absent: none
	n, _ := consumers.Int64()
	for range n {
		header, body, err := nextEntry(in)
		if err != nil {
			return err
		}
		if restorable(body) {
			kept = append(kept, entry{header, body})
		}
	}
	state["consumer_count"] = len(kept)
	if body, err = json.Marshal(state); err != nil {
		return err
	}
	header.PayloadSize = int64(len(body))
	for _, e := range append([]entry{{header, body}}, kept...) {
		if err := e.write(out); err != nil {
			return err
		}
	}
	return nil
}

func restorable(consumer []byte) bool {
	var c struct {
		Config struct {
			Durable string `json:"durable_name"`
		} `json:"config"`
	}
	return json.Unmarshal(consumer, &c) == nil && c.Config.Durable != "" && c.Config.Durable != processorConsumer
}

// repackMessages copies the rest, with the mark at the end.
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

// nextEntry reads a small entry whole.
func nextEntry(in *archive.Reader) (*archive.Header, []byte, error) {
	header, err := in.Next()
	if err != nil {
		return nil, nil, fmt.Errorf("the snapshot is cut off: %w", err)
	}
	if header.Name != "state.json" && !strings.HasPrefix(header.Name, "consumers/") {
		return nil, nil, fmt.Errorf("the snapshot has %q where a consumer should be", header.Name)
	}
	body, err := io.ReadAll(in)
	return header, body, err
}

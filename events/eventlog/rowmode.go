package eventlog

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"licenseimport/events"
	"licenseimport/internal/fsx"

	"github.com/minio/highwayhash"
	"github.com/nats-io/nats.go/jetstream"
)

// The settings of a stream are two files of its directory: JSON, and its checksum. No request changes the
// persist mode of a stream, so move changes these files while no server runs.
const (
	metaFile = "meta.inf"
	metaSum  = "meta.sum"
)

// move makes a ROWS of an earlier version take fast batches. All of its rows stay: the blocks of both modes are
// the same. Both files are replaced, or none: they are made in another directory, whose name tells the next
// start to go on.
func (r *rowStore) move() error {
	if err := r.finishMove(); err != nil {
		return err
	}
	settings, err := r.movable()
	if err != nil || settings == nil {
		return err
	}
	next := r.next() + ".tmp"
	if err := errors.Join(os.RemoveAll(next), os.MkdirAll(next, 0o700)); err != nil {
		return err
	}
	for name, data := range map[string][]byte{metaFile: settings, metaSum: checksum(settings)} {
		if err := fsx.WritePrivate(filepath.Join(next, name), data); err != nil {
			return err
		}
	}
	if err := fsx.Rename(next, r.next()); err != nil {
		return err
	}
	slog.Info("the stream ROWS takes rows faster from now on", "persist_mode", jetstream.AsyncPersistMode)
	return r.finishMove()
}

// next is the directory of the new files.
func (r *rowStore) next() string { return filepath.Join(r.data, "rows-mode") }

// finishMove puts the new files in place, if there are any.
func (r *rowStore) finishMove() error {
	for _, name := range []string{metaFile, metaSum} {
		data, err := os.ReadFile(filepath.Join(r.next(), name))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			err = fsx.WritePrivate(filepath.Join(r.dir, name), data)
		}
		if err != nil {
			return err
		}
	}
	done := r.next() + ".tmp"
	if err := errors.Join(os.RemoveAll(done), fsx.Rename(r.next(), done)); err != nil {
		return err
	}
	return os.RemoveAll(done)
}

// movable returns the new settings; nil if the stream has another form than this program gave it.
func (r *rowStore) movable() ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(r.dir, metaFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	sum, sumErr := os.ReadFile(filepath.Join(r.dir, metaSum))
	if err := errors.Join(err, sumErr); err != nil {
		return nil, err
	}
	var have jetstream.StreamConfig
	settings := map[string]any{}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber() // a duration in nanoseconds has more digits than a float64
	if !bytes.Equal(sum, checksum(text)) || json.Unmarshal(text, &have) != nil || decoder.Decode(&settings) != nil {
		return nil, nil // the server says what is wrong
	}
	if have.Name != events.RowsStream || usable(have, streams[0]) != nil || !have.AllowAtomicPublish || have.Replicas > 1 {
		return nil, nil
	}
	useFastRows(settings, true)
	return json.Marshal(settings)
}

// useFastRows changes the settings of ROWS, in the server's JSON, to those of fastRowsConfig, or back.
func useFastRows(settings map[string]any, fast bool) {
	settings["allow_atomic"], settings["allow_batched"] = !fast, fast
	delete(settings, "persist_mode")
	if fast {
		settings["persist_mode"] = jetstream.AsyncPersistMode
	}
}

// checksum is what the server expects beside the settings of ROWS.
func checksum(settings []byte) []byte {
	key := sha256.Sum256([]byte(events.RowsStream))
	sum := highwayhash.Sum64(settings, key[:])
	var bytes [8]byte
	for i := range bytes {
		bytes[i] = byte(sum >> (8 * i))
	}
	return []byte(hex.EncodeToString(bytes[:]))
}

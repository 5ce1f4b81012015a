package backup

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"licenseimport/events/eventlog"
)

// Format is the version of the backup format. A program refuses formats that it does not know.
const Format = 1

const (
	manifestName = "manifest.json"
	sumsName     = "SHA256SUMS"
	viewsName    = "views.bolt"
	unfinished   = ".unfinished" // suffix of a file's name until it is complete
)

// A Manifest describes a backup.
type Manifest struct {
	Format  int       `json:"format"`
	Started time.Time `json:"started_at"` // UTC; the backup has every import sealed before
	Ended   time.Time `json:"ended_at"`   // UTC
	Program string    `json:"program"`    // the writer, with its version
	Streams []Stream  `json:"streams"`    // in the order of the snapshots
	Views   *File     `json:"views,omitempty"`
	NoViews string    `json:"no_views,omitempty"` // why the views could not be copied
}

// A File is a file of a backup that is no stream.
type File struct {
	Name   string `json:"file"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"` // in hex
}

// A Stream is the file of one stream's snapshot.
type Stream struct {
	eventlog.Snapshot
	File   string `json:"file"`
	Bytes  int64  `json:"bytes"`  // of the file
	SHA256 string `json:"sha256"` // of the file, in hex
}

// ErrDamaged says that a directory is no complete backup.
var ErrDamaged = errors.New("the backup cannot be used")

func damaged(format string, a ...any) error {
	return fmt.Errorf("%w: %w", ErrDamaged, fmt.Errorf(format, a...))
}

// A Backup is a directory whose files match their checksums.
type Backup struct {
	Manifest Manifest
	dir      string
	noViews  error // the views' file is damaged
}

// Views is the path of the copied views' file. Without one it is "", with the reason if the
// manifest names one. The copy is older than every snapshot, so the views are never ahead of the
// stream.
func (b *Backup) Views() (path string, reason error) {
	if b.noViews != nil || b.Manifest.Views == nil {
		return "", b.noViews
	}
	return filepath.Join(b.dir, b.Manifest.Views.Name), nil
}

// Open reads a backup and compares every file with its checksum. The error is an [ErrDamaged] if
// the backup was interrupted, or a file is missing or differs. The views are an exception: nothing
// depends on them, so Open ignores a damaged copy.
func Open(ctx context.Context, dir string) (*Backup, error) {
	sums, err := readSums(dir)
	if err != nil {
		return nil, err
	}
	b := &Backup{dir: dir}
	for name, want := range sums {
		err := checkFile(ctx, dir, name, want)
		if name == viewsName && errors.Is(err, ErrDamaged) {
			b.noViews = err
		} else if err != nil {
			return nil, err
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, manifestName))
	if err != nil {
		return nil, damaged("%w", err)
	}
	if err := json.Unmarshal(text, &b.Manifest); err != nil {
		return nil, damaged("%s: %w", manifestName, err)
	}
	return b, b.Manifest.check(sums)
}

// newest is the stream that backups of earlier versions do not have. The first start after the restore
// creates it.
var newest = eventlog.BucketStream(eventlog.Mappings)

// check compares the manifest with the list of checksums.
func (m *Manifest) check(sums map[string]string) error {
	if m.Format != Format {
		return damaged("it has format %d, this program reads %d: use the version that wrote it, %s", m.Format, Format, m.Program)
	}
	if sums[manifestName] == "" {
		return damaged("%s has no checksum of %s", sumsName, manifestName)
	}
	names := map[string]bool{}
	for _, s := range m.Streams {
		names[s.Stream] = true
		if sums[s.File] == "" || sums[s.File] != s.SHA256 {
			return damaged("%s and %s do not agree on %s", manifestName, sumsName, s.File)
		}
	}
	if m.Views != nil && (m.Views.Name != viewsName || sums[viewsName] != m.Views.SHA256) {
		return damaged("%s and %s do not agree on %s", manifestName, sumsName, viewsName)
	}
	for _, name := range streamOrder {
		if !names[name] && name != newest {
			return damaged("it lacks the stream %s", name)
		}
	}
	return nil
}

// readSums reads the checksums by file name.
func readSums(dir string) (map[string]string, error) {
	text, err := os.ReadFile(filepath.Join(dir, sumsName))
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(dir); err != nil {
			return nil, damaged("%w", err)
		}
		return nil, damaged("%s has no file %s: it is no backup, or one that was interrupted", dir, sumsName)
	}
	if err != nil {
		return nil, damaged("%w", err)
	}
	sums := map[string]string{}
	lines := bufio.NewScanner(strings.NewReader(string(text)))
	for lines.Scan() {
		sum, name, ok := strings.Cut(lines.Text(), "  ")
		if !ok || len(sum) != hex.EncodedLen(sha256.Size) || name != filepath.Base(name) {
			return nil, damaged("%s has a line that sha256sum does not write: %.80q", sumsName, lines.Text())
		}
		sums[name] = sum
	}
	return sums, lines.Err()
}

func checkFile(ctx context.Context, dir, name, want string) error {
	f, err := os.Open(filepath.Join(dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return damaged("the file %s is missing", name)
	}
	if err != nil {
		return damaged("%w", err)
	}
	defer f.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, ctxReader{ctx, f}); err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	if got := hex.EncodeToString(hash.Sum(nil)); got != want {
		return damaged("the file %s differs from its checksum: it was damaged or truncated after the backup", name)
	}
	return nil
}

// ctxReader is a reader that fails when its context ends.
type ctxReader struct {
	ctx context.Context
	r   io.Reader
}

func (w ctxReader) Read(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.r.Read(p)
}

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

// Format is the version of a backup's folder. Programs refuse those that they do not know.
const Format = 1

const (
	manifestName = "manifest.json"
	sumsName     = "SHA256SUMS"
	viewsName    = "views.bolt"
	unfinished   = ".unfinished" // behind the name of a file until it is whole
)

// A Manifest says what a backup holds.
type Manifest struct {
	Format  int       `json:"format"`
	Started time.Time `json:"started_at"` // UTC; every import sealed before is in it
	Ended   time.Time `json:"ended_at"`   // UTC
	Program string    `json:"program"`    // that wrote it, with its version
	Streams []Stream  `json:"streams"`    // in the order in which they were taken
	Views   *File     `json:"views,omitempty"`
	NoViews string    `json:"no_views,omitempty"` // why the views could not be copied
}

// A File of a backup that is no stream.
type File struct {
	Name   string `json:"file"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"` // in hex
}

// A Stream is one file of a backup.
type Stream struct {
	eventlog.Snapshot
	File   string `json:"file"`
	Bytes  int64  `json:"bytes"`  // of the file
	SHA256 string `json:"sha256"` // of the file, in hex
}

// ErrDamaged says that a folder is no whole backup.
var ErrDamaged = errors.New("the backup cannot be used")

func damaged(format string, a ...any) error {
	return fmt.Errorf("%w: %w", ErrDamaged, fmt.Errorf(format, a...))
}

// A Backup is a folder whose files were compared with their checksums.
type Backup struct {
	Manifest Manifest
	dir      string
	noViews  error // the views' file is damaged
}

// Views is the path of the copied views' file; "" where there is none, with the reason if
// it should be there. It was taken before the streams: none of them is behind it.
func (b *Backup) Views() (path string, reason error) {
	if b.noViews != nil || b.Manifest.Views == nil {
		return "", b.noViews
	}
	return filepath.Join(b.dir, b.Manifest.Views.Name), nil
}

// Open reads a backup and compares every file with its checksum. The error is an
// [ErrDamaged] if the backup was interrupted, or anything in it is missing or differs
// but for the views: nothing depends on these, they are left out.
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

// check compares what the manifest names with what was summed.
func (m *Manifest) check(sums map[string]string) error {
	if m.Format != Format {
		return damaged("it has format %d, this program reads %d: use the version that wrote it, %s", m.Format, Format, m.Program)
	}
	if sums[manifestName] == "" {
		return damaged("%s names no checksum of %s", sumsName, manifestName)
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
	for _, name := range order {
		if !names[name] {
			return damaged("it lacks the stream %s", name)
		}
	}
	return nil
}

// readSums reads the list of checksums by file name.
func readSums(dir string) (map[string]string, error) {
	text, err := os.ReadFile(filepath.Join(dir, sumsName))
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(dir); err != nil {
			return nil, damaged("%w", err)
		}
		return nil, damaged("%s has no file %s in it: it is no backup, or one that was interrupted", dir, sumsName)
	}
	if err != nil {
		return nil, damaged("%w", err)
	}
	sums := map[string]string{}
	lines := bufio.NewScanner(strings.NewReader(string(text)))
	for lines.Scan() {
		sum, name, ok := strings.Cut(lines.Text(), "  ")
		if !ok || len(sum) != hex.EncodedLen(sha256.Size) || name != filepath.Base(name) {
			return nil, damaged("%s has a line that is none of sha256sum: %.80q", sumsName, lines.Text())
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
	if _, err := io.Copy(hash, whileRunning{ctx, f}); err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	if got := hex.EncodeToString(hash.Sum(nil)); got != want {
		return damaged("the file %s differs from its checksum: it was damaged or cut off after the backup", name)
	}
	return nil
}

// whileRunning is a reader that ends with a context.
type whileRunning struct {
	ctx context.Context
	r   io.Reader
}

func (w whileRunning) Read(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.r.Read(p)
}

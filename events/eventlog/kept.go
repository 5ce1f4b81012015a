package eventlog

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"licenseimport/internal/fsx"
	"licenseimport/internal/natstuning"
)

// A keeper keeps links of the files of the log's streams while the server starts. A NATS server that cannot open a
// file of a stream as it starts deletes that stream, whatever the cause: permissions, too many open files, a directory
// in the file's place. What it deletes is put back.
type keeper struct {
	store string // the directory of the server's files
	dir   string // of the links, one directory for each stream; on the same disk
}

func newKeeper(store string) keeper { return keeper{store, filepath.Join(store, "kept")} }

// interrupted reports whether a start was killed between keep and release.
func (k keeper) interrupted() bool {
	_, err := os.Stat(k.dir)
	return err == nil
}

// resume puts back what a start that was killed has deleted.
func (k keeper) resume() error {
	var lost []string
	for _, name := range streamNames() {
		if recoverable(filepath.Join(k.dir, name)) && !recoverable(streamDir(k.store, name)) {
			lost = append(lost, name)
		}
	}
	return k.release(lost)
}

// keep links the files, and opens each: a file that this process may not open is an error before the server starts.
func (k keeper) keep() error {
	unfinished := k.dir + ".tmp"
	if err := os.RemoveAll(unfinished); err != nil {
		return err
	}
	if err := os.Mkdir(unfinished, 0o700); err != nil {
		return err
	}
	for _, name := range streamNames() {
		err := linkTree(streamDir(k.store, name), filepath.Join(unfinished, name))
		if errors.Is(err, errNoLinks) {
			slog.Warn("the streams are not protected while the NATS server starts: a file that it cannot open would cost "+
				"the stream", "reason", err)
			return os.RemoveAll(unfinished)
		}
		if err != nil {
			return errors.Join(err, os.RemoveAll(unfinished))
		}
	}
	return os.Rename(unfinished, k.dir)
}

// errNoLinks says that a file cannot be linked: the streams are not protected then.
var errNoLinks = errors.New("no hard link can be made")

func linkTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if path == from && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)) {
			return nil // what is not there is left to the server
		}
		if err != nil {
			return err
		}
		target := to + strings.TrimPrefix(path, from)
		if entry.IsDir() {
			return os.Mkdir(target, 0o700)
		}
		if entry.Name() == natstuning.IndexName {
			return nil // the server makes it again
		}
		if entry.Type().IsRegular() {
			file, err := os.OpenFile(path, os.O_RDWR, 0)
			if err != nil {
				return err
			}
			if err := file.Close(); err != nil {
				return err
			}
		}
		if err := os.Link(path, target); err != nil {
			return fmt.Errorf("%w: %w", errNoLinks, err) // some file systems have none, and their errors differ
		}
		return nil
	})
}

// release puts back the streams that the server has deleted, and removes the links of the others. The server does
// not run, or does not know these streams.
func (k keeper) release(deleted []string) error {
	for _, name := range deleted {
		if err := k.move(name, streamDir(k.store, name)); err != nil {
			return fmt.Errorf("put back the stream %s, whose files are in %s: %w", name, k.dir, err)
		}
	}
	return os.RemoveAll(k.dir)
}

// move gives the kept files of a stream another place. Without them it does nothing.
func (k keeper) move(name, to string) error {
	kept := filepath.Join(k.dir, name)
	if _, err := os.Stat(kept); err != nil {
		return nil
	}
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o750); err != nil {
		return err
	}
	return fsx.Rename(kept, to)
}

// setDeletedAside moves the kept files of streams that the server has deleted to where [ServerConfig.setRemainsAside]
// moves others.
func (s *Server) setDeletedAside(unrecovered map[string]string) error {
	aside := s.config.lostDir()
	for _, name := range slices.Sorted(maps.Keys(unrecovered)) {
		to := filepath.Join(aside, name)
		if err := s.kept.move(name, to); err != nil {
			return err
		}
		slog.Warn("what is left of a lost stream is set aside", "stream", name, "directory", to)
	}
	return nil
}

// deletedError is the error of a start whose server has deleted streams, which were put back: it names the causes.
func (s *Server) deletedError(unrecovered map[string]string) error {
	loss := &LossError{}
	for _, name := range streamNames() {
		dir := streamDir(s.store, name)
		if cause, lost := unrecovered[name]; lost {
			loss.Lost = append(loss.Lost, fmt.Sprintf("the NATS server cannot recover the stream %s: %s", name, cause))
			loss.Left = append(loss.Left, fmt.Sprintf("the files of %s in %s", name, dir))
		} else if recoverable(dir) {
			loss.Left = append(loss.Left, name)
		}
	}
	loss.Left = append(loss.Left, inventory{claims: s.config.Claims}.left()...)
	return loss
}

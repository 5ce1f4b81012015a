package eventlog

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"licenseimport/internal/failpoint"
	"licenseimport/internal/fsx"
	"licenseimport/internal/natstuning"
)

// stages are the files in which the embedded server stages the atomic batches of this process, one for each stream: see
// [natstuning.Stage] and ADR 51.
type stages struct {
	dir string

	mu     sync.Mutex
	open   map[string]*natstuning.Stage // by stream; nil while no server runs
	failed bool                         // the server stages batches by itself: the log says why
}

const stageSuffix = ".batch"

func newStages(store string) *stages { return &stages{dir: filepath.Join(store, "staged")} }

// restore has the server complete, at its start, the batches that it had stored in part at its end.
func (s *stages) restore(store string) error {
	files, err := os.ReadDir(s.dir)
	if errors.Is(err, fs.ErrNotExist) || failpoint.Stage {
		return nil
	}
	for _, file := range files {
		if stream, is := strings.CutSuffix(file.Name(), stageSuffix); is {
			err = errors.Join(err, natstuning.RestoreStage(filepath.Join(s.dir, file.Name()), streamDir(store, stream)))
		}
	}
	if err != nil {
		return fmt.Errorf("complete the batch that was being stored: %w", err)
	}
	return nil
}

// started takes batches from now on: the server has completed those of the files.
func (s *stages) started() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open, s.failed = map[string]*natstuning.Stage{}, false
}

// begin has a stream stage a batch in the stream's file. Where that is not possible the server stages it in a
// directory, and all others until its next start.
func (s *stages) begin(name string, stream *natstuning.Stream, batch string) {
	stage, err := s.of(name)
	if err == nil && stage != nil {
		err = stream.Begin(batch, stage)
	}
	if err != nil {
		s.fail(err)
	}
}

func (s *stages) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.failed {
		s.failed = true
		slog.Warn("the NATS server stages batches by itself, which takes more CPU", "reason", err)
	}
}

// of is the file of a stream; nil while no server runs, and when one has failed.
func (s *stages) of(stream string) (*natstuning.Stage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed || s.open == nil {
		return nil, nil
	}
	if stage := s.open[stream]; stage != nil {
		return stage, nil
	}
	if err := os.MkdirAll(s.dir, 0o750); err != nil {
		return nil, err
	}
	stage, err := natstuning.OpenStage(filepath.Join(s.dir, stream+stageSuffix))
	if err != nil {
		return nil, err
	}
	if err := errors.Join(fsx.Sync(s.dir), fsx.Sync(filepath.Dir(s.dir))); err != nil {
		return nil, errors.Join(err, stage.Close())
	}
	s.open[stream] = stage
	return stage, nil
}

// blocked reports whether the server has to start again to complete a batch.
func (s *stages) blocked() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, stage := range s.open {
		if stage.Blocked() {
			return true
		}
	}
	return false
}

// close closes the files. The server has ended.
func (s *stages) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, stage := range s.open {
		_ = stage.Close() // what it holds was synced when it was written
	}
	s.open = nil
}

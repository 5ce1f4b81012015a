package eventlog

import (
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"

	"licenseimport/internal/failpoint"
	"licenseimport/internal/natstuning"
)

// stages are the files in which the embedded server stages the atomic batches of this process, one for each stream: see
// [natstuning.Stage] and ADR 51.
type stages struct {
	dir string

	mu     sync.Mutex
	open   map[string]*natstuning.Stage // by stream; nil while no server runs
	failed bool                         // it has logged why the server stages batches by itself
}

const stageSuffix = ".batch"

func newStages(store string) *stages { return &stages{dir: filepath.Join(store, "staged")} }

// restore has the server complete, at its start, the batches that it had stored in part at its end.
func (s *stages) restore(store string) {
	if failpoint.Stage {
		return
	}
	files, err := filepath.Glob(filepath.Join(s.dir, "*"+stageSuffix))
	for _, file := range files {
		stream := strings.TrimSuffix(filepath.Base(file), stageSuffix)
		err = errors.Join(err, natstuning.RestoreStage(file, streamDir(store, stream)))
	}
	if err != nil {
		slog.Warn("a batch that the NATS server had stored in part stays so: processors find its events one by one", "reason", err)
	}
}

// started takes batches from now on: the server has completed those of the files.
func (s *stages) started() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = map[string]*natstuning.Stage{}
}

// begin has a stream stage a batch in the stream's file. Where that is not possible the server stages it in a
// directory.
func (s *stages) begin(name string, stream *natstuning.Stream, batch string) {
	stage, err := s.of(name)
	if err == nil && stage != nil {
		err = stream.Begin(batch, stage)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil && !s.failed {
		s.failed = true
		slog.Warn("the NATS server stages batches by itself, which takes more CPU", "reason", err)
	}
}

// of is the file of a stream; nil while no server runs.
func (s *stages) of(stream string) (*natstuning.Stage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if stage := s.open[stream]; stage != nil || s.open == nil {
		return stage, nil
	}
	stage, err := natstuning.OpenStage(filepath.Join(s.dir, stream+stageSuffix))
	if err == nil {
		s.open[stream] = stage
	}
	return stage, err
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

package eventlog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"licenseimport/internal/fsx"
	"licenseimport/internal/natstuning"
	"licenseimport/internal/retry"

	"github.com/nats-io/nats-server/v2/server"
)

// When a write fails for lack of room JetStream switches the stream off, or itself, and leaves it
// at that also when there is room again. All that it acknowledged is on the disk. So an embedded
// server is then started anew in its place: what a restart of the process would do, without one.

const (
	checkInterval   = 500 * time.Millisecond // how often is looked
	minRestartSpace = 16 << 20               // bytes that have to be free, at least
)

// restartRetry paces the attempts at a restart that fails.
var restartRetry = retry.Policy{First: time.Second, Max: 30 * time.Second, Jitter: 0.5}

// errOff is why nothing is stored although there may be room again.
var errStopped = errors.New("the NATS server could not write; it is started anew when there is room")

// running is the server of now; nil while it is started anew.
func (s *Server) running() *server.Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.nats
}

func (s *Server) setRunning(srv *server.Server) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nats = srv
}

// off tells whether nothing can be stored any more.
func (s *Server) stopped() bool {
	srv := s.running()
	return srv == nil || !srv.JetStreamEnabled() || s.full.Load()
}

// watch revives the server until ctx ends, and looks after its memory.
func (s *Server) supervise(ctx context.Context) {
	defer close(s.supervised)
	tuner := natstuning.New(s.config.NoTuning)
	backoff := restartRetry.Start()
	for pause := checkInterval; ; {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		off := s.stopped()
		if !off {
			tuner.Tune(s.running())
		}
		if !off || !s.spaceToRestart() {
			pause = checkInterval
			backoff.Reset()
			continue
		}
		if err := s.restart(); err != nil {
			pause = backoff.Next()
			slog.Error("the NATS server cannot be started anew", "error", err, "next_attempt_in", pause)
			continue
		}
		slog.Info("there is room again: the NATS server was started anew")
	}
}

func (s *Server) spaceToRestart() bool {
	free, known := fsx.FreeSpace(s.store)
	return !known || free >= max(uint64(s.config.MinFree), minRestartSpace)
}

// revive stops what is left of the server and starts another one at the same port.
func (s *Server) restart() error {
	s.stopRunning()
	options := s.config.options(s.store)
	if s.address != nil {
		options.Port = s.address.Port
	}
	if err := s.start(options); err != nil {
		s.stopRunning()
		return fmt.Errorf("start the NATS server on %s: %w", s.config.Dir, err)
	}
	return nil
}

// end stops the server of now and waits until its files are closed.
func (s *Server) stopRunning() {
	srv := s.running()
	s.setRunning(nil)
	if srv != nil {
		srv.Shutdown()
		srv.WaitForShutdown()
	}
}

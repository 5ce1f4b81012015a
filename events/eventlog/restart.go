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

// After ENOSPC JetStream disables the stream, or itself, and stays disabled when space returns.
// Everything that it acknowledged is on the disk. So the embedded server restarts in place, as a
// restart of the process would do.

const (
	checkInterval   = 500 * time.Millisecond // between two checks of the server
	minRestartSpace = 16 << 20               // bytes that must be free before a restart
)

// restartRetry paces the attempts at a restart that fails.
var restartRetry = retry.Policy{First: time.Second, Max: 30 * time.Second, Jitter: 0.5}

// errStopped is why nothing is stored after ENOSPC, even when space has returned.
var errStopped = errors.New("the NATS server could not write to its disk; it restarts when space is free")

// running is the current server; nil during a restart.
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

// stopped reports whether the server cannot store anything, or no batch.
func (s *Server) stopped() bool {
	srv := s.running()
	return srv == nil || !srv.JetStreamEnabled() || s.full.Load() || s.stages.blocked()
}

// supervise restarts the server after a full disk, tunes its caches, orders its memory and compresses its files, until
// ctx ends.
func (s *Server) supervise(ctx context.Context) {
	defer close(s.supervised)
	tuner := natstuning.New(s.config.NoTuning)
	compressor := compressor{direct: &s.direct}
	backoff := restartRetry.Start()
	index := indexer{of: s, after: indexAfter}
	order := orderer{of: s, every: orderAfter}
	for pause := checkInterval; ; {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		pause = checkInterval
		stopped := s.stopped()
		if srv := s.running(); !stopped && srv != nil {
			tuner.Tune(srv)
			s.recorder.update()
			if !s.config.NoTuning {
				index.look(srv)
				if compressor.step(srv, time.Now()) {
					pause = compressPause
				}
				if order.step(srv) {
					pause = orderPause
				}
			}
		}
		if !stopped || !s.spaceToRestart() {
			backoff.Reset()
			continue
		}
		if s.stages.blocked() {
			slog.Warn("the NATS server has not stored a batch to its end: it restarts, which completes the batch")
		}
		if err := s.restart(); err != nil {
			pause = backoff.Next()
			slog.Error("the NATS server cannot be restarted", "error", err, "next_attempt_in", pause)
			continue
		}
		slog.Info("the NATS server has restarted, and can store again")
	}
}

func (s *Server) spaceToRestart() bool {
	free, known := fsx.FreeSpace(s.store)
	return !known || free >= max(uint64(s.config.MinFree), minRestartSpace)
}

// restart stops what is left of the server and starts another one at the same port.
func (s *Server) restart() error {
	s.stopRunning()
	options := s.options()
	if s.address != nil {
		options.Port = s.address.Port
	}
	if err := s.start(options); err != nil {
		s.stopRunning()
		return fmt.Errorf("start the NATS server on %s: %w", s.config.Dir, err)
	}
	return nil
}

// stopRunning stops the current server and waits until its files are closed.
func (s *Server) stopRunning() {
	srv := s.running()
	s.setRunning(nil)
	if srv != nil {
		srv.Shutdown()
		srv.WaitForShutdown()
	}
	s.stages.close()
}

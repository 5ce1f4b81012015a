package eventlog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"time"

	"licenseimport/internal/retry"

	"github.com/nats-io/nats-server/v2/server"
)

// When a write fails for lack of room JetStream switches the stream off, or itself, and leaves it
// at that also when there is room again. All that it acknowledged is on the disk. So an embedded
// server is then started anew in its place: what a restart of the process would do, without one.

const (
	reviveLook  = 500 * time.Millisecond // how often is looked
	reviveSpace = 16 << 20               // bytes that have to be free, at least
)

// restartRetry paces the attempts at a restart that fails.
var restartRetry = retry.Policy{First: time.Second, Max: 30 * time.Second, Jitter: 0.5}

// errOff is why nothing is stored although there may be room again.
var errOff = errors.New("the NATS server could not write; it is started anew when there is room")

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

// InProcessConn connects a client of this process to the server of now, through the process's
// memory. That is for all that somebody waits for an answer to, appends first of all: whoever
// writes there wakes the reader. Go looks at sockets only when there is nothing else to run; over
// loopback a commit waited for that four times on its way and back while the cores were busy, and an import
// of 150,000 rows took 5.2 s instead of 4.6.
func (s *Server) InProcessConn() (net.Conn, error) {
	srv := s.running()
	if srv == nil {
		return nil, errOff
	}
	return srv.InProcessConn()
}

// loopback connects to the embedded server over TCP, where it listens. That is for
// streams of messages, which takes a quarter less CPU than memory: that has no buffer, so that
// each write waits for its reader.
type loopback struct{ server *Server }

func (l loopback) InProcessConn() (net.Conn, error) {
	srv := l.server.running()
	if srv == nil {
		return nil, errOff
	}
	addr, listens := srv.Addr().(*net.TCPAddr)
	if !listens {
		return srv.InProcessConn()
	}
	if addr.IP.IsUnspecified() {
		return net.Dial("tcp", net.JoinHostPort("localhost", strconv.Itoa(addr.Port)))
	}
	return net.Dial("tcp", addr.String())
}

// off tells whether nothing can be stored any more.
func (s *Server) off() bool {
	srv := s.running()
	return srv == nil || !srv.JetStreamEnabled() || s.full.Load()
}

// watch revives the server until ctx ends, and looks after its memory.
func (s *Server) watch(ctx context.Context) {
	defer close(s.watched)
	var caches caches
	backoff := restartRetry.Start()
	for pause := reviveLook; ; {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		off := s.off()
		if !off {
			caches.trim(s.running())
		}
		if !off || !s.roomToRevive() {
			pause = reviveLook
			backoff.Reset()
			continue
		}
		if err := s.revive(); err != nil {
			pause = backoff.Next()
			slog.Error("the NATS server cannot be started anew", "error", err, "next_attempt_in", pause)
			continue
		}
		slog.Info("there is room again: the NATS server was started anew")
	}
}

func (s *Server) roomToRevive() bool {
	free, known := freeSpace(s.store)
	return !known || free >= max(uint64(s.config.MinFree), reviveSpace)
}

// revive stops what is left of the server and starts another one at the same port.
func (s *Server) revive() error {
	s.end()
	options := s.config.options(s.store)
	if s.address != nil {
		options.Port = s.address.Port
	}
	if err := s.start(options); err != nil {
		s.end()
		return fmt.Errorf("start the NATS server on %s: %w", s.config.Dir, err)
	}
	return nil
}

// end stops the server of now and waits until its files are closed.
func (s *Server) end() {
	srv := s.running()
	s.setRunning(nil)
	if srv != nil {
		srv.Shutdown()
		srv.WaitForShutdown()
	}
}

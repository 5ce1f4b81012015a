package eventlog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// maxPayload is the largest message that the embedded server takes: an event's
// body, at most 900 KiB, and its headers.
const maxPayload = 1 << 20

// serverName tells an embedded server from others.
const serverName = "licenseimport"

// ServerConfig says where the embedded server keeps its data and where it listens.
type ServerConfig struct {
	Dir  string // the data folder; the server's own files stand in its subfolder nats
	Host string // to listen on; default 127.0.0.1. Any other needs Token, or User and Password
	Port int    // to listen on; 0: only in-process connections; -1: any free port

	Token, User, Password string // what clients have to show, if set

	// MinFree is how many bytes of the disk are kept free of rows: see [Log.CheckFreeSpace]. 0:
	// none.
	MinFree int64

	// NoTuning leaves the server's caches at their default lifetimes: see internal/natstuning.
	NoTuning bool

	// NoSync leaves out the fsync of each append: for a folder that is thrown away
	// unless all went well, and then synced by its owner.
	NoSync bool
}

// A Server is a NATS server with JetStream inside this process.
type Server struct {
	config  ServerConfig
	store   string       // the folder of its files
	address *net.TCPAddr // where it listens; nil: it does not
	lock    *dirLock
	stop    sync.Once

	mu   sync.Mutex
	nats *server.Server // see running
	full atomic.Bool    // a write of it failed for lack of room

	stopSupervise context.CancelFunc
	supervised    chan struct{} // closed when watch has ended
}

// StartServer locks the data folder and starts a server on it. A folder that
// another server has gives a [*LockedError]. The server is up when StartServer
// returns; whether the streams can be used is [Log.Ready]'s to say.
func StartServer(config ServerConfig) (*Server, error) {
	if config.Host == "" {
		config.Host = "127.0.0.1"
	}
	if err := config.check(); err != nil {
		return nil, err
	}
	store := filepath.Join(config.Dir, "nats")
	if err := ensureWritable(store); err != nil {
		return nil, fmt.Errorf("the data folder %s cannot be used: %w", config.Dir, err)
	}
	lock, err := lockDir(config.Dir)
	if err != nil {
		return nil, err
	}
	s := &Server{config: config, lock: lock, store: store}
	if err := s.start(config.options(store)); err != nil {
		s.Shutdown()
		return nil, fmt.Errorf("start the NATS server on %s: %w", config.Dir, err)
	}
	if config.Port != 0 {
		s.address = s.nats.Addr().(*net.TCPAddr)
	}
	s.lock.owner.NATS = s.URL()
	if err := s.lock.write(); err != nil {
		s.Shutdown()
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.stopSupervise, s.supervised = cancel, make(chan struct{})
	go s.supervise(ctx)
	return s, nil
}

func (c ServerConfig) check() error {
	if c.Dir == "" {
		return errors.New("the NATS server needs a data directory")
	}
	ip := net.ParseIP(c.Host)
	local := c.Host == "localhost" || ip != nil && ip.IsLoopback()
	if c.Port != 0 && !local && c.Token == "" && (c.User == "" || c.Password == "") {
		return fmt.Errorf("a NATS server on %s can be reached from other machines: %w", c.Host, ErrUnprotected)
	}
	return nil
}

// options are the server's settings; those that matter have their reason beside them.
func (c ServerConfig) options(store string) *server.Options {
	return &server.Options{
		ServerName:             serverName,
		Host:                   c.Host,
		Port:                   c.Port,
		DontListen:             c.Port == 0,
		Authorization:          c.Token,
		Username:               c.User,
		Password:               c.Password,
		JetStream:              true,
		StoreDir:               store,
		SyncAlways:             !c.NoSync, // by default an acknowledged message is not on the disk yet
		JetStreamMaxMemory:     1 << 40,
		JetStreamMaxStore:      1 << 50, // the disk is the limit
		MaxPayload:             maxPayload,
		MaxPending:             256 << 20,
		WriteDeadline:          30 * time.Second, // a reader that folds slowly is not a dead one
		NoSigs:                 true,             // else a signal makes the server call os.Exit
		DisableJetStreamBanner: true,
	}
}

// makeUsable creates the folder and writes to it: the server reports an unusable
// one only by a time-out.
func ensureWritable(dir string) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	probe, err := os.CreateTemp(dir, "probe-*")
	if err != nil {
		return err
	}
	_, err = probe.WriteString("writable")
	return errors.Join(err, probe.Close(), os.Remove(probe.Name()))
}

// start runs a server until it takes connections. Recovering a large store
// comes first and may take its time, so there is no time-out while no error is logged.
func (s *Server) start(options *server.Options) error {
	srv, err := server.NewServer(options)
	if err != nil {
		return err
	}
	log := &serverLog{fatal: make(chan string, 1), full: &s.full}
	s.full.Store(false)
	srv.SetLoggerV2(log, false, false, false)
	go srv.Start()
	if err := awaitStart(srv, log); err != nil {
		srv.Shutdown()
		srv.WaitForShutdown()
		return err
	}
	s.setRunning(srv)
	return nil
}

func awaitStart(srv *server.Server, log *serverLog) error {
	for !srv.ReadyForConnections(100 * time.Millisecond) {
		select {
		case reason := <-log.fatal:
			return errors.New(reason)
		default:
		}
	}
	if !srv.JetStreamEnabled() {
		return errors.New("JetStream did not start; the log has the reason")
	}
	return nil
}

// URL is where the server listens, without a password; empty when it does not listen.
func (s *Server) URL() string {
	if s.address == nil {
		return ""
	}
	return "nats://" + s.address.String()
}

// Announce writes into the lock file where this process answers HTTP, for
// [LockOwner] to find.
func (s *Server) Announce(httpURL string) error {
	s.lock.owner.HTTP = httpURL
	return s.lock.write()
}

// Shutdown stops the server, waits until its files are closed, and gives the
// folder free. Calls after the first do nothing.
func (s *Server) Shutdown() {
	s.stop.Do(func() {
		if s.stopSupervise != nil {
			s.stopSupervise()
			<-s.supervised
		}
		s.stopRunning()
		if err := s.lock.release(); err != nil {
			slog.Warn("the data folder's lock was not released", "error", err)
		}
	})
}

// serverLog takes the server's warnings and errors to slog; the rest is of no
// interest to an operator of this program.
type serverLog struct {
	fatal chan string
	full  *atomic.Bool
}

func (*serverLog) Noticef(string, ...any) {}
func (*serverLog) Debugf(string, ...any)  {}
func (*serverLog) Tracef(string, ...any)  {}

func (*serverLog) Warnf(format string, v ...any) {
	slog.Warn("NATS server: " + oneLine(format, v))
}

// Errorf notes besides that a write failed for lack of room: nothing else tells.
func (l *serverLog) Errorf(format string, v ...any) {
	line := oneLine(format, v)
	if strings.Contains(line, syscall.ENOSPC.Error()) {
		l.full.Store(true)
	}
	slog.Error("NATS server: " + line)
}

// Fatalf keeps the first reason for StartServer to return.
func (l *serverLog) Fatalf(format string, v ...any) {
	select {
	case l.fatal <- oneLine(format, v):
	default:
	}
}

func oneLine(format string, v []any) string {
	return strings.Join(strings.Fields(fmt.Sprintf(format, v...)), " ")
}

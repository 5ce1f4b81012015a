package eventlog

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"licenseimport/events"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// maxPayload is the largest message that the embedded server accepts, in bytes: an event's body, at
// most 900 KiB, and its headers.
const maxPayload = 1 << 20

// serverName distinguishes an embedded server from others.
const serverName = "licenseimport"

// ServerConfig says where the embedded server stores its data and where it listens.
type ServerConfig struct {
	Dir  string // the data directory; the server's files are in its subdirectory nats
	Host string // to listen on; default 127.0.0.1. Other than loopback it needs Token, or User and Password
	Port int    // to listen on; 0: only in-process connections; -1: any free port

	// What clients have to show, if set: a token, or a user and a password. TokenFile is where the
	// token stands; without Token the server reads it there, or makes it at its first start. It is
	// not used beside a user.
	Token, User, Password string
	TokenFile             string

	TLSCert, TLSKey string // files of the certificate; "": no TLS. In-process connections have none

	// MinFree is the free space of the disk, in bytes, below which no rows are stored: see
	// [Log.CheckFreeSpace]. 0: no limit.
	MinFree int64

	// Record keeps the file streams.json up to date, which says what the directory holds. Every
	// start compares the directory with that file.
	Record bool

	// AcceptLoss starts the server although something is missing that the file says was there. What
	// is left of a stream that cannot be recovered is moved into a directory lost-TIME.
	AcceptLoss bool

	Claims []Claim // as in [Config]

	// MoveRows makes a ROWS of an earlier version take fast batches, with all its rows. A process of that
	// version can then store none.
	MoveRows bool

	// BeforeStart is called once, when the directory is locked and before the server reads its streams, which takes
	// long with large ones, and one core: what it begins has the others. The start may still fail after it. It may be
	// nil.
	BeforeStart func()

	// NoTuning leaves the server's caches at their default lifetimes, and reads its streams through its
	// protocol only: see internal/natstuning.
	NoTuning bool

	// NoSync omits the fsync of each append. It is for a directory whose owner syncs it at the end,
	// or deletes it after an error.
	NoSync bool
}

// A Server is a NATS server with JetStream inside this process.
type Server struct {
	config  ServerConfig
	store   string       // the directory of its files
	tls     *tls.Config  // nil: none
	address *net.TCPAddr // where it listens; nil: nowhere
	lock    *dirLock
	stop    sync.Once

	kept     keeper
	rows     *rowStore
	rowSyncs *nats.Conn // see respondToRowSyncs
	direct   directReader
	stages   *stages
	indexed  uint64 // the last sequence of LICENSES in the index that the server found at its start; 0: it had none to use
	inOrder  bool   // the index was sorted

	most     atomic.Uint64 // see raiseMost
	recorder *recorder     // belongs to supervise
	record   atomic.Bool   // see Record

	mu   sync.Mutex
	nats *server.Server // see running
	full atomic.Bool    // a write failed with ENOSPC

	stopSupervise context.CancelFunc
	supervised    chan struct{} // closed when supervise has ended
}

// StartServer locks the data directory and starts a server on it. If another process has the lock,
// the error is a *[LockedError]; if something is missing that the directory held, it is a
// *[LossError] and nothing is changed. The server accepts connections when StartServer returns;
// [Log.Ready] tells whether the streams can be used.
func StartServer(config ServerConfig) (*Server, error) {
	if config.Host == "" {
		config.Host = "127.0.0.1"
	}
	if err := config.check(); err != nil {
		return nil, err
	}
	store := filepath.Join(config.Dir, "nats")
	before, err := readRecord(config.Dir)
	if err != nil {
		return nil, err
	}
	kept := newKeeper(store)
	if !kept.interrupted() { // else prepare compares it, when all is put back
		if err := config.checkBeforeStart(before, store); err != nil {
			return nil, err
		}
	}
	if err := ensureWritable(store); err != nil {
		return nil, fmt.Errorf("the data directory %s cannot be used: %w", config.Dir, err)
	}
	lock, err := lockDir(config.Dir)
	if err != nil {
		return nil, err
	}
	s := &Server{
		config: config, lock: lock, store: store,
		kept: kept, rows: newRowStore(config.Dir, store), stages: newStages(store),
	}
	if err := s.prepare(before); err != nil {
		s.Shutdown()
		return nil, err
	}
	indexes := indexFiles(store)
	if config.MoveRows {
		if err := s.rows.move(); err != nil {
			s.Shutdown()
			return nil, fmt.Errorf("change the settings of the stream %s: %w", events.RowsStream, err)
		}
	}
	if err := s.start(s.options()); err != nil {
		s.Shutdown()
		if loss, lost := errors.AsType[*LossError](err); lost {
			return nil, loss
		}
		return nil, fmt.Errorf("start the NATS server on %s: %w", config.Dir, err)
	}
	if err := s.respondToRowSyncs(); err != nil {
		s.Shutdown()
		return nil, err
	}
	if err := errors.Join(s.restoreRowsEnd(before), s.checkRecovered(before)); err != nil {
		s.stopRunning()
		err = errors.Join(err, s.removeNewIndexes(indexes))
		s.Shutdown()
		return nil, err
	}
	if config.AcceptLoss {
		before = record{}
		s.config.AcceptLoss = false // a restart after a full disk gives up nothing
	}
	s.recorder = s.newRecorder(before)
	s.record.Store(config.Record)
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

// bcryptDigest is what the server takes for a digest of a password. Its own process could not log in with that.
var bcryptDigest = regexp.MustCompile(`^\$2[abxy]\$\d{2}\$`)

func (c ServerConfig) check() error {
	if c.Dir == "" {
		return errors.New("the NATS server needs a data directory")
	}
	if c.Token != "" && c.User != "" {
		return errors.New("a NATS server asks either for a token or for a user and a password, not for both")
	}
	if bcryptDigest.MatchString(c.Password) {
		return errors.New("the password for NATS is a digest of bcrypt: give the password itself")
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return errors.New("TLS of the NATS server needs both a certificate and its key")
	}
	if c.Wide() && !c.secured() && c.Token == "" && (c.User == "" || c.Password == "") {
		return fmt.Errorf("a NATS server on %s can be reached from other machines: %w", c.Host, ErrUnprotected)
	}
	return nil
}

// Wide reports whether other machines can reach the server.
func (c ServerConfig) Wide() bool {
	ip := net.ParseIP(c.Host)
	local := c.Host == "" || c.Host == "localhost" || ip != nil && ip.IsLoopback()
	return c.Port != 0 && !local
}

// secured reports whether the server encrypts, and asks for a token that it has or makes.
func (c ServerConfig) secured() bool { return c.TLSCert != "" && c.TokenFile != "" }

// prepare sets aside what is left of a lost store, and loads the certificate and the token. The
// directory is locked.
func (s *Server) prepare(before record) (err error) {
	if err := s.kept.resume(); err != nil {
		return err
	}
	if err := s.config.checkBeforeStart(before, s.store); err != nil {
		return err
	}
	if err := s.config.setRemainsAside(s.store); err != nil {
		return err
	}
	if s.config.TLSCert != "" || s.config.TLSKey != "" {
		certificate, err := tls.LoadX509KeyPair(s.config.TLSCert, s.config.TLSKey)
		if err != nil {
			return fmt.Errorf("the NATS server's certificate: %w", err)
		}
		s.tls = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	}
	s.config.Token, err = s.config.ensureToken()
	return err
}

// options are the server's settings.
func (s *Server) options() *server.Options {
	c := s.config
	return &server.Options{
		ServerName:             serverName,
		Host:                   c.Host,
		Port:                   c.Port,
		DontListen:             c.Port == 0,
		Authorization:          c.Token,
		Username:               c.User,
		Password:               c.Password,
		TLSConfig:              s.tls,
		TLS:                    s.tls != nil,
		TLSTimeout:             5, // seconds
		JetStream:              true,
		StoreDir:               s.store,
		SyncAlways:             !c.NoSync, // the default acknowledges before the fsync
		JetStreamMaxMemory:     1 << 40,
		JetStreamMaxStore:      1 << 50, // the disk is the limit
		MaxPayload:             maxPayload,
		MaxPending:             256 << 20,
		WriteDeadline:          30 * time.Second, // a slow reader is not a dead one
		NoSigs:                 true,             // else a signal makes the server call os.Exit
		DisableJetStreamBanner: true,
	}
}

// ensureWritable creates the directory and writes a file: the server reports an unusable one by a
// timeout only.
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

// start starts a server and returns when it accepts connections. Recovery of a large store takes
// long, so there is no timeout while the server logs no fatal error.
func (s *Server) start(options *server.Options) error {
	if err := s.rows.guard(); err != nil {
		return fmt.Errorf("guard the stream of rows: %w", err)
	}
	if err := s.decompressNewest(); err != nil {
		return err
	}
	s.extendIndex()
	if err := s.stages.restore(s.store); err != nil {
		return err
	}
	if err := s.kept.keep(); err != nil {
		return err
	}
	if begin := s.config.BeforeStart; begin != nil {
		s.config.BeforeStart = nil // a restart after a full disk is another thing
		begin()
	}
	srv, err := server.NewServer(options)
	if err != nil {
		return err
	}
	log := &serverLog{fatal: make(chan string, 1), full: &s.full}
	s.full.Store(false)
	srv.SetLoggerV2(log, false, false, false)
	go srv.Start()
	err = waitUntilReady(srv, log)
	deleted := log.unrecovered()
	if err == nil && s.config.AcceptLoss {
		err, deleted = s.setDeletedAside(deleted), nil
	}
	if err == nil && len(deleted) == 0 {
		err = s.rows.release(srv)
	}
	if err != nil || len(deleted) > 0 {
		srv.Shutdown()
		srv.WaitForShutdown()
	}
	err = errors.Join(err, s.kept.release(slices.Collect(maps.Keys(deleted))))
	if err == nil && len(deleted) > 0 {
		err = s.deletedError(deleted)
	}
	if err != nil {
		return err
	}
	s.stages.started()
	s.setRunning(srv)
	if held, err := s.held(); err == nil {
		s.most.Store(held.Streams[events.LicensesStream].Messages)
	}
	return nil
}

// waitUntilReady waits until the server accepts connections, or logs a fatal error.
func waitUntilReady(srv *server.Server, log *serverLog) error {
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

// Announce writes the URL of this process's HTTP server into the lock file, for [LockOwner].
func (s *Server) Announce(httpURL string) error {
	s.lock.owner.HTTP = httpURL
	return s.lock.write()
}

// Shutdown stops the server, waits until its files are closed, and releases the directory's lock.
// Calls after the first do nothing.
func (s *Server) Shutdown() {
	s.stop.Do(func() {
		if s.stopSupervise != nil {
			s.stopSupervise()
			<-s.supervised
		}
		if s.rowSyncs != nil {
			s.rowSyncs.Close()
		}
		held, err := s.held()
		s.stopRunning()
		if err == nil && s.recorder != nil {
			s.recorder.finish(held)
		}
		if err := s.lock.release(); err != nil {
			slog.Warn("the data directory's lock was not released", "error", err)
		}
	})
}

// serverLog passes the server's warnings and errors to slog. Operators of this program do not need
// the rest.
type serverLog struct {
	fatal chan string
	full  *atomic.Bool

	mu      sync.Mutex
	deleted map[string]string // streams that it could not recover, and has deleted, with the cause
}

func (*serverLog) Noticef(string, ...any) {}
func (*serverLog) Debugf(string, ...any)  {}
func (*serverLog) Tracef(string, ...any)  {}

// deletion is what the server logs after it has deleted a stream that it could not recover. The log is the only
// place that tells.
var deletion = regexp.MustCompile(`^Error recreating stream "([^"]+)": (.*)$`)

func (l *serverLog) Warnf(format string, v ...any) {
	line := oneLine(format, v)
	if parts := deletion.FindStringSubmatch(line); parts != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.deleted == nil {
			l.deleted = map[string]string{}
		}
		l.deleted[parts[1]] = parts[2]
	}
	slog.Warn("NATS server: " + line)
}

// unrecovered are the log's streams that the server has deleted.
func (l *serverLog) unrecovered() map[string]string {
	l.mu.Lock()
	defer l.mu.Unlock()
	deleted := maps.Clone(l.deleted)
	maps.DeleteFunc(deleted, func(name, _ string) bool { return !slices.Contains(streamNames(), name) })
	return deleted
}

// Errorf also detects a write that failed with ENOSPC. The log is the only place that tells.
func (l *serverLog) Errorf(format string, v ...any) {
	line := oneLine(format, v)
	if strings.Contains(line, syscall.ENOSPC.Error()) {
		l.full.Store(true)
	}
	slog.Error("NATS server: " + line)
}

// Fatalf stores the first reason, which StartServer returns.
func (l *serverLog) Fatalf(format string, v ...any) {
	select {
	case l.fatal <- oneLine(format, v):
	default:
	}
}

func oneLine(format string, v []any) string {
	return strings.Join(strings.Fields(fmt.Sprintf(format, v...)), " ")
}

package eventlog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"licenseimport/events"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Config says how to reach the log.
type Config struct {
	Server *Server // the embedded server; else URL counts

	URL       string // nats://host:port, several separated by commas; may hold user and password
	Creds     string // a credentials file
	CA        string // a file of certificates that the server's is checked against
	Cert, Key string // files of the client's own certificate

	Replicas int    // of the streams; 0: one for new ones, existing ones as they are
	Name     string // of the connection, for the server's lists

	Timeout time.Duration // of one request; default 5 s
}

const defaultTimeout = 5 * time.Second

// A Log is a connection to the streams. It may be used from any number of goroutines.
type Log struct {
	conn       *nats.Conn
	reads      *nats.Conn // that streams of messages come over; may be conn
	server     *Server    // nil: it runs elsewhere
	js         jetstream.JetStream
	replicas   int
	timeout    time.Duration // of one request
	contention contention
}

// Open connects and creates the streams and buckets that are missing. It waits for
// a server that is not there yet, or that has no leader, until ctx ends. A stream
// that exists with settings on which the promises cannot be kept is an error.
func Open(ctx context.Context, config Config) (*Log, error) {
	log, err := connect(config)
	if err != nil {
		return nil, err
	}
	if err := log.setUp(ctx); err != nil {
		log.Close()
		return nil, fmt.Errorf("set up the streams: %w", err)
	}
	return log, nil
}

func (l *Log) setUp(ctx context.Context) error {
	told := false
	return l.retryUntilDone(ctx, l.timeout, func(ctx context.Context) error {
		err := setUp(ctx, l.js, l.replicas)
		if err != nil && l.conn.IsClosed() {
			return fmt.Errorf("the NATS server refused the connection: %w", errors.Join(l.conn.LastError(), nats.ErrConnectionClosed))
		}
		if err != nil && transient(err) && !told {
			told = true
			slog.Info("waiting for NATS", "reason", l.whyNot(err))
		}
		return err
	})
}

// whyNot says why NATS cannot be used yet; a request that finds no connection has
// no useful error of its own.
func (l *Log) whyNot(err error) error {
	if !l.conn.IsConnected() {
		return cmp.Or(l.conn.LastError(), errors.New("no server answers there"))
	}
	return err
}

// reconnectWait is the pause between attempts to connect, beside as much at random.
const reconnectWait = 100 * time.Millisecond

// connect dials an embedded server twice, see [Server.InProcessConn], and any other once.
func connect(config Config) (*Log, error) {
	if config.Timeout == 0 {
		config.Timeout = defaultTimeout
	}
	l := &Log{server: config.Server, replicas: config.Replicas, timeout: config.Timeout}
	var err error
	if l.server == nil {
		l.conn, err = dialURL(config)
		l.reads = l.conn
	} else if l.conn, err = l.server.dial(config, l.server); err == nil {
		l.reads, err = l.server.dial(config, loopback{l.server})
	}
	if err == nil {
		l.js, err = jetstream.New(l.conn)
	}
	if err != nil {
		l.Close()
		return nil, fmt.Errorf("connect to NATS: %w", err)
	}
	return l, nil
}

// clientOptions are those of every connection. What is published while there is none fails at once:
// the client would otherwise send half a batch after it reconnected.
func clientOptions(config Config) []nats.Option {
	return []nats.Option{
		nats.Name(config.Name),
		nats.MaxReconnects(-1),
		nats.ReconnectBufSize(-1),
		nats.ReconnectWait(reconnectWait),
		nats.ReconnectJitter(reconnectWait, reconnectWait),
		nats.Timeout(config.Timeout),
		nats.NoCallbacksAfterClientClose(),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			slog.Warn("the connection to NATS is lost", "error", err)
		}),
		nats.ReconnectHandler(func(*nats.Conn) { slog.Info("connected to NATS again") }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			slog.Warn("NATS client", "error", err)
		}),
	}
}

// dialURL connects over the network.
func dialURL(config Config) (*nats.Conn, error) {
	if config.URL == "" {
		return nil, errors.New("no URL of a server is given")
	}
	options := append(clientOptions(config), nats.RetryOnFailedConnect(true))
	if config.Creds != "" {
		options = append(options, nats.UserCredentials(config.Creds))
	}
	if config.CA != "" {
		options = append(options, nats.RootCAs(config.CA))
	}
	if config.Cert != "" {
		options = append(options, nats.ClientCert(config.Cert, config.Key))
	}
	return nats.Connect(config.URL, options...)
}

// dial connects within the process, in one of the two ways.
func (s *Server) dial(config Config, way nats.InProcessConnProvider) (*nats.Conn, error) {
	options := append(clientOptions(config), nats.InProcessServer(way))
	if s.config.Token != "" {
		options = append(options, nats.Token(s.config.Token))
	}
	if s.config.User != "" {
		options = append(options, nats.UserInfo(s.config.User, s.config.Password))
	}
	return nats.Connect("", options...)
}

// Close ends the connections; calls under way fail.
func (l *Log) Close() {
	for _, conn := range []*nats.Conn{l.conn, l.reads} {
		if conn != nil {
			conn.Close()
		}
	}
}

// Ready asks the leaders of both streams whether they answer.
func (l *Log) Ready(ctx context.Context) error {
	for _, config := range streams {
		if _, err := l.state(ctx, config.Name); err != nil {
			return err
		}
	}
	return nil
}

// State says what the stream LICENSES holds.
func (l *Log) State(ctx context.Context) (State, error) {
	return l.state(ctx, events.LicensesStream)
}

// StreamState says what one stream holds: LICENSES, ROWS or that of a bucket.
func (l *Log) StreamState(ctx context.Context, stream string) (State, error) {
	return l.state(ctx, stream)
}

func (l *Log) state(ctx context.Context, name string) (State, error) {
	var state State
	err := l.retryWithTimeout(ctx, func(ctx context.Context) error {
		stream, err := l.js.Stream(ctx, name)
		if err != nil {
			return err
		}
		state = stateOf(stream.CachedInfo())
		return nil
	})
	if err != nil {
		return State{}, fmt.Errorf("ask stream %s: %w", name, err)
	}
	return state, nil
}

func stateOf(info *jetstream.StreamInfo) State {
	return State{
		Created:  info.Created,
		First:    events.Seq(info.State.FirstSeq),
		Last:     events.Seq(info.State.LastSeq),
		Messages: info.State.Msgs,
		Bytes:    info.State.Bytes,
		Replicas: info.Config.Replicas,
	}
}

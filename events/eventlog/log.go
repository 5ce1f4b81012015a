package eventlog

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"licenseimport/events"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Config says how to connect to the log.
type Config struct {
	Server *Server // the embedded server; nil: connect to URL

	URL       string // nats://host:port, several separated by commas; may have a user and password
	Token     string // for a server that wants one
	TokenFile string // a file with the token, read at each connection; Open waits until it exists

	InboxPrefix string // of the subjects of responses; default: see inboxPrefix
	Creds       string // a credentials file
	CA          string // a file of the certificate authorities that may sign the server's certificate
	Cert, Key   string // files of the client's own certificate

	Replicas int    // of the streams; 0: 1 for new streams, unchanged for existing ones
	Name     string // of the connection, for the server's lists of clients

	Timeout time.Duration // of one request; default 5 s

	Claims     []Claim // what is known of the stream LICENSES from elsewhere, such as from views
	CrossCheck bool    // also compare the streams' contents with each other
	Existing   bool    // create nothing and change nothing: a log that does not exist is [ErrNoStreams]
	AcceptLoss bool    // continue with what is left, and create what is missing
}

const defaultTimeout = 5 * time.Second

// A Log is a connection to the streams. Any number of goroutines may use it.
type Log struct {
	conn     *nats.Conn
	server   *Server // nil: the server runs elsewhere
	js       jetstream.JetStream
	replicas int
	timeout  time.Duration // of one request
	fastRows atomic.Bool   // ROWS takes fast batches, and no atomic ones
	setAside setAside
	sweep    sweepTimes
	turns    turns
	waiting  waitLog // used by Open only

	untrusted atomic.Pointer[error] // what was wrong with the server's certificate when this client last looked at it
}

// Open connects. On a server where nothing indicates that there ever was a log it creates the
// streams and buckets. Where something is missing that was stored, it creates nothing, and the error
// is a *[LossError]. It waits until ctx ends for a server that is unreachable or has no leader. An
// existing stream whose settings break a promise is an error.
func Open(ctx context.Context, config Config) (*Log, error) {
	var waiting waitLog
	if err := config.waitForToken(ctx, &waiting); err != nil {
		return nil, err
	}
	log, err := connect(config)
	if err != nil {
		return nil, err
	}
	log.waiting = waiting
	if err := log.setUp(ctx, config); err != nil {
		log.Close()
		return nil, fmt.Errorf("set up the streams: %w", err)
	}
	log.warnOfVersion()
	if !config.Existing {
		log.setUpVolatile(ctx)
	}
	return log, nil
}

func (l *Log) setUp(ctx context.Context, config Config) error {
	return l.retryUntilDone(ctx, l.timeout, func(ctx context.Context) error {
		err := l.setUpOnce(ctx, config)
		if untrusted := l.untrustedServer(); err != nil && untrusted != nil {
			return untrusted
		}
		if err != nil && l.conn.IsClosed() {
			return fmt.Errorf("the NATS server refused the connection: %w", errors.Join(l.conn.LastError(), nats.ErrConnectionClosed))
		}
		if err != nil && transient(err) {
			l.waiting.log(l.unavailableReason(err))
		}
		return err
	})
}

// unavailableReason is why NATS cannot be used yet. The error of a request without a connection
// does not tell.
func (l *Log) unavailableReason(err error) error {
	if untrusted := l.untrustedServer(); untrusted != nil {
		return untrusted
	}
	if !l.conn.IsConnected() {
		return cmp.Or(l.conn.LastError(), errors.New("no server responds at this address"))
	}
	return err
}

// untrustedServer is an [ErrUntrusted] where the certificate is why there is no connection.
func (l *Log) untrustedServer() error {
	if why := l.untrusted.Load(); why != nil && !l.conn.IsConnected() {
		return fmt.Errorf("%w: %w", ErrUntrusted, *why)
	}
	return nil
}

// reconnectWait is the pause between attempts to connect; the jitter adds up to as much.
const reconnectWait = 100 * time.Millisecond

// connect dials the embedded server within the process, or another one over the network.
func connect(config Config) (*Log, error) {
	if config.Timeout == 0 {
		config.Timeout = defaultTimeout
	}
	l := &Log{
		server: config.Server, replicas: config.Replicas, timeout: config.Timeout,
		sweep: defaultSweepTimes, setAside: newSetAside(),
	}
	var err error
	if l.server == nil {
		l.conn, err = l.dialURL(config)
	} else {
		l.conn, err = l.server.dial(config)
	}
	if err == nil {
		l.js, err = jetstream.New(l.conn)
	}
	if err != nil {
		l.Close()
		return nil, fmt.Errorf("connect to NATS: %w", err)
	}
	l.conn.SetErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
		slog.Warn("NATS client", "error", withoutNames(err.Error())) // of a missing permission it names the subject
		l.turns.onDenied(err)
	})
	return l, nil
}

// clientOptions are the options of every connection. A publish without a connection fails at once:
// with a reconnect buffer the client could send half a batch after it reconnects.
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
			slog.Warn("lost the connection to NATS", "error", err)
		}),
		nats.ReconnectHandler(func(*nats.Conn) { slog.Info("reconnected to NATS") }),
	}
}

// dialURL connects over the network. After a failure the client tries again.
func (l *Log) dialURL(config Config) (*nats.Conn, error) {
	if config.URL == "" {
		return nil, errors.New("no URL of a NATS server is given")
	}
	options := append(clientOptions(config), nats.RetryOnFailedConnect(true),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) {
			if _, untrusted := errors.AsType[*tls.CertificateVerificationError](err); untrusted {
				l.untrusted.Store(&err)
			}
		}))
	options = append(options, config.tokenOption()...)
	if prefix := config.inboxPrefix(); prefix != "" {
		options = append(options, nats.CustomInboxPrefix(prefix))
	}
	if config.Creds != "" {
		options = append(options, nats.UserCredentials(config.Creds))
	}
	if config.CA != "" {
		options = append(options, nats.RootCAs(config.CA))
	}
	if config.Cert != "" {
		options = append(options, nats.ClientCert(config.Cert, config.Key))
	}
	conn, err := nats.Connect(config.URL, options...)
	if _, unreadable := errors.AsType[*url.Error](err); unreadable { // it repeats the address, with the password
		err = errors.New("an address of NATS cannot be read: in a user, password or token write %2F for /, " +
			"%40 for @, %3A for :, %23 for #, %3F for ?, %2C for a comma and %25 for %")
	}
	return conn, err
}

// inboxPrefix is _INBOX_USER where the URL names a user with a password, so that permissions can
// keep other users from its responses. It is not below _INBOX: a subscription to _INBOX.> receives
// what JetStream delivers there even where its user is denied a part of it.
func (c Config) inboxPrefix() string {
	if c.InboxPrefix != "" {
		return c.InboxPrefix
	}
	first, _, _ := strings.Cut(c.URL, ",")
	u, err := url.Parse(strings.TrimSpace(first))
	if err != nil || u.User == nil {
		return ""
	}
	_, named := u.User.Password()
	name := u.User.Username()
	if !named || name == "" || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || strings.ContainsRune(".*>", r) }) {
		return ""
	}
	return strings.TrimSuffix(nats.InboxPrefix, ".") + "_" + name
}

// dial connects within the process, see [Server.InProcessConn].
func (s *Server) dial(config Config) (*nats.Conn, error) {
	options := append(clientOptions(config), nats.InProcessServer(s))
	if s.config.Token != "" {
		options = append(options, nats.Token(s.config.Token))
	}
	if s.config.User != "" {
		options = append(options, nats.UserInfo(s.config.User, s.config.Password))
	}
	return nats.Connect("", options...)
}

// Close ends the connection. Calls in flight fail.
func (l *Log) Close() {
	if l.conn != nil {
		l.conn.Close()
	}
}

// Ready returns an error unless the leaders of both streams respond.
func (l *Log) Ready(ctx context.Context) error {
	for _, config := range streams {
		if _, err := l.state(ctx, config.Name); err != nil {
			return err
		}
	}
	return nil
}

// State describes the stream LICENSES.
func (l *Log) State(ctx context.Context) (State, error) {
	return l.state(ctx, events.LicensesStream)
}

// StreamState describes one stream: LICENSES, ROWS or a bucket's (see [BucketStream]).
func (l *Log) StreamState(ctx context.Context, stream string) (State, error) {
	return l.state(ctx, stream)
}

func (l *Log) state(ctx context.Context, name string) (State, error) {
	var state State
	err := l.retryWithTimeout(ctx, func(ctx context.Context) error {
		info, err := l.info(ctx, name)
		if err == nil {
			state = stateOf(info)
		}
		return err
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

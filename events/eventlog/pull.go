package eventlog

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"licenseimport/events"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// What the server sends to a reader in advance. At most two requests are outstanding.
const (
	readAhead      = 3000    // messages
	readAheadBytes = 4 << 20 // bytes for each request
)

// A consumer that is silent for two heartbeats is abandoned.
const (
	heartbeat  = time.Second
	pullExpiry = 30 * time.Second
)

var (
	errSilent = errors.New("the consumer sends no heartbeat")
	errLost   = errors.New("the connection was lost")
)

// A pull requests a consumer's messages in advance. It fails at the first sign of a problem with
// the consumer; its owner then creates another consumer. (The client's own pull takes three times
// as long for a message, because it arms a timer for each.)
type pull struct {
	conn        *nats.Conn
	api         string // subject of requests for messages
	inbox       string // subject of the messages
	sub         *nats.Subscription
	arrived     chan *nats.Msg
	lost        chan nats.Status
	outstanding int // messages requested and not yet received
}

// statusBacklog is the channel capacity for status messages: heartbeats and the ends of requests.
const statusBacklog = 128

func newPull(conn *nats.Conn, stream, consumer string) (*pull, error) {
	p := &pull{
		conn:    conn,
		api:     jetstream.DefaultAPIPrefix + "CONSUMER.MSG.NEXT." + stream + "." + consumer,
		inbox:   conn.NewInbox(),
		arrived: make(chan *nats.Msg, readAhead+statusBacklog),
		lost:    conn.StatusChanged(nats.RECONNECTING, nats.CLOSED),
	}
	sub, err := conn.ChanSubscribe(p.inbox, p.arrived)
	if err != nil {
		conn.RemoveStatusListener(p.lost)
		return nil, err
	}
	p.sub = sub
	return p, nil
}

func (p *pull) stop() {
	_ = p.sub.Unsubscribe() // without a connection there is no subscription
	p.conn.RemoveStatusListener(p.lost)
}

// next waits for a message until ctx ends, or for the timeout (0: none), whose error is
// [context.DeadlineExceeded]. After any other error the owner must stop the pull.
func (p *pull) next(ctx context.Context, timeout time.Duration) (m *nats.Msg, err error) {
	var began time.Time
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if p.outstanding < readAhead/2 {
			if err := p.request(); err != nil {
				return nil, err
			}
		}
		select {
		case m = <-p.arrived:
		default:
			if began.IsZero() {
				began = time.Now()
			} else if timeout > 0 && time.Since(began) >= timeout {
				return nil, context.DeadlineExceeded
			}
			if m, err = p.wait(ctx); err != nil {
				return nil, err
			}
		}
		if m.Subject != p.inbox {
			p.outstanding--
			return m, nil
		}
		if err := p.onStatus(m); err != nil {
			return nil, err
		}
	}
}

func (p *pull) wait(ctx context.Context) (*nats.Msg, error) {
	silence := time.NewTimer(2 * heartbeat)
	defer silence.Stop()
	select {
	case m := <-p.arrived:
		return m, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-p.lost:
		return nil, errLost
	case <-silence.C:
		return nil, errSilent
	}
}

func (p *pull) request() error {
	n := readAhead - p.outstanding
	request := fmt.Appendf(nil, `{"batch":%d,"max_bytes":%d,"expires":%d,"idle_heartbeat":%d}`, n, readAheadBytes, pullExpiry, heartbeat)
	p.outstanding += n
	return p.conn.PublishRequest(p.api, p.inbox, request)
}

// onStatus handles a status message: a heartbeat, or the end of a request with the number of
// messages that will not come.
func (p *pull) onStatus(m *nats.Msg) error {
	status := m.Header.Get("Status")
	if status == "100" {
		return nil
	}
	left, err := strconv.Atoi(m.Header.Get("Nats-Pending-Messages"))
	if err != nil {
		return fmt.Errorf("the consumer ended: %s %s", status, m.Header.Get("Description"))
	}
	p.outstanding -= left
	return nil
}

// delivery is the metadata of a message from a consumer.
type delivery struct {
	seq     events.Seq
	count   uint64 // its number among the consumer's deliveries
	time    time.Time
	pending uint64 // messages after it
}

// parseDelivery reads a message's reply subject, which has one of two forms:
//
//	$JS.ACK.<stream>.<consumer>.<deliveries>.<sequence>.<count>.<time>.<pending>
//	$JS.ACK.<domain>.<account>.<stream>.<consumer>.<deliveries>.<sequence>.<count>.<time>.<pending>[.<random>]
func parseDelivery(reply string) (delivery, error) {
	rest, isAck := strings.CutPrefix(reply, "$JS.ACK.")
	skip := 3
	if strings.Count(rest, ".") > 6 {
		skip = 5
	}
	for range skip {
		_, rest, _ = strings.Cut(rest, ".")
	}
	var numbers [4]uint64
	for i := range numbers {
		var number string
		number, rest, _ = strings.Cut(rest, ".")
		n, err := strconv.ParseUint(number, 10, 64)
		if err != nil || !isAck {
			return delivery{}, fmt.Errorf("a message's reply subject is %q", reply)
		}
		numbers[i] = n
	}
	return delivery{
		seq: events.Seq(numbers[0]), count: numbers[1], time: time.Unix(0, int64(numbers[2])).UTC(), pending: numbers[3],
	}, nil
}

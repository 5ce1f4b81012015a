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

// What a reader has the server send ahead: so many messages, and so many bytes for
// each request; there are two requests at most.
const (
	readAhead      = 3000
	readAheadBytes = 4 << 20
)

// A consumer says every second that it lives; after two without a word it is given up.
const (
	heartbeat  = time.Second
	pullExpiry = 30 * time.Second
)

var (
	errSilent = errors.New("the consumer is silent")
	errLost   = errors.New("the connection was lost")
)

// A pull has a consumer's messages sent ahead of need. It ends at the first sign
// that something is wrong with the consumer; its owner makes another. (The client's
// own takes three times as long for a message: it arms a timer for each.)
type pull struct {
	conn        *nats.Conn
	api         string // where it asks for messages
	inbox       string // where they come to
	sub         *nats.Subscription
	arrived     chan *nats.Msg
	lost        chan nats.Status
	outstanding int // messages that were asked for and did not come yet
}

// room is for what comes beside messages: heartbeats and the ends of requests.
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
	_ = p.sub.Unsubscribe() // without a connection there is nothing to end
	p.conn.RemoveStatusListener(p.lost)
}

// next waits for a message, until ctx ends or nothing came for the time of patience
// (0: for ever), which is [context.DeadlineExceeded]. After any other error the
// pull is to be stopped.
func (p *pull) next(ctx context.Context, patience time.Duration) (m *nats.Msg, err error) {
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
			} else if patience > 0 && time.Since(began) >= patience {
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

// told takes what the server says beside messages: a heartbeat, or that a request
// is over and what of it will not come.
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

// delivery is what a message from a consumer says of itself.
type delivery struct {
	seq     events.Seq
	count   uint64 // among the messages of its consumer
	time    time.Time
	pending uint64 // how many are behind it
}

// parseDelivery reads the subject at which a message would be acknowledged, either of
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

package eventlog

import (
	"sync"

	"licenseimport/internal/natstuning"

	"github.com/nats-io/nats.go"
)

// A publisher sends the messages of a batch, but for the last one, to a stream. In the embedded server's process
// they go to the stream's queue at once; through a connection each would cost a tenth of what a row costs: see
// ADR 46. What became of them the response to the last message tells, which goes over the connection.
type publisher struct {
	log    *Log
	stream string
	direct *natstuning.Stream // nil: over the connection
	buffer []byte             // its capacity is for the next messages
	used   []*publisherBuffer // the server reads them until the batch is stored
}

// A publisherBuffer takes the messages of a part of a batch. A larger message has separate memory.
type publisherBuffer [64 << 10]byte

// publisherBuffers are used again.
var publisherBuffers = sync.Pool{New: func() any { return new(publisherBuffer) }}

func (l *Log) newPublisher(stream string) publisher {
	return publisher{log: l, stream: stream, direct: l.directStream(stream)}
}

// stage prepares for a batch, before its first message. Where this process cannot, the server does it.
func (p *publisher) stage(batch string) {
	if p.direct != nil {
		p.log.server.stages.begin(p.stream, p.direct, batch)
	}
}

// publish sends one message without waiting. The caller may reuse it.
func (p *publisher) publish(m *nats.Msg) error {
	if p.direct == nil {
		return p.log.conn.PublishMsg(m)
	}
	size := headerSize(m.Header) + len(m.Data)
	if size > maxPayload {
		return nats.ErrMaxPayload
	}
	switch {
	case cap(p.buffer)-len(p.buffer) >= size:
	case size > len(publisherBuffer{}):
		p.buffer = make([]byte, 0, size)
	default:
		next := publisherBuffers.Get().(*publisherBuffer)
		p.buffer, p.used = next[:0], append(p.used, next)
	}
	start := len(p.buffer)
	p.buffer = appendHeader(p.buffer, m.Header)
	body := len(p.buffer)
	p.buffer = append(p.buffer, m.Data...)
	end := len(p.buffer)
	p.direct.Publish(m.Subject, m.Reply, p.buffer[start:body:body], p.buffer[body:end:end])
	return nil
}

// stored says that the server has stored the whole batch, so that it does not read what was published any more. What
// became of a batch after an error is not known: its memory is not used again.
func (p *publisher) stored() {
	for _, b := range p.used {
		publisherBuffers.Put(b)
	}
	p.buffer, p.used = nil, nil
}

// failed has the stream opened once more for the next batch: it may have been deleted, or its server has ended.
func (p *publisher) failed() {
	if p.direct != nil {
		p.log.server.direct.forget(p.stream)
	}
}

const headerVersion = "NATS/1.0\r\n"

// headerSize is the length of a message's header on the wire. No header of ours has several values.
func headerSize(header nats.Header) int {
	if len(header) == 0 {
		return 0
	}
	size := len(headerVersion) + len("\r\n")
	for name, values := range header {
		size += len(name) + len(": ") + len(values[0]) + len("\r\n")
	}
	return size
}

// appendHeader appends a header as it is on the wire. The order of its lines has no meaning.
func appendHeader(to []byte, header nats.Header) []byte {
	if len(header) == 0 {
		return to
	}
	to = append(to, headerVersion...)
	for name, values := range header {
		to = append(to, name...)
		to = append(to, ": "...)
		to = append(to, values[0]...)
		to = append(to, "\r\n"...)
	}
	return append(to, "\r\n"...)
}

package eventlog

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"licenseimport/events"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"
)

// A Message is one event as a stream stores it.
type Message struct {
	Subject string
	Seq     events.Seq
	Time    time.Time // when the stream stored it, UTC
	Data    []byte
	BatchID string // of its atomic batch; only from calls that read from the leader, and from consumers
	Commit  bool   // it is that batch's last message; only from the same calls
	Pending uint64 // messages after it when it was read; only from readers of a whole stream

	batchSeq int // its number in the batch, from 1; only from the same calls as BatchID
}

func (m *Message) readHeader(header nats.Header) {
	m.BatchID = header.Get(jetstreamext.BatchIDHeader)
	m.Commit = header.Get(jetstreamext.BatchCommitHeader) != ""
	m.batchSeq, _ = strconv.Atoi(header.Get(jetstreamext.BatchSeqHeader)) // 0: it is of no batch
}

// State describes a stream.
type State struct {
	Created         time.Time
	First, Last     events.Seq // sequences; a deletion does not change Last
	Messages, Bytes uint64
	Replicas        int
}

// A getRequest asks a stream's leader for one message: by its sequence, the last one of a filter of subjects, or the
// first one of a filter from a sequence on. (With direct gets allowed the client's own calls ask any replica, and a
// replica may lag.)
type getRequest struct {
	Seq         events.Seq `json:"seq,omitempty"`
	LastSubject string     `json:"last_by_subj,omitempty"`
	NextSubject string     `json:"next_by_subj,omitempty"`
}

type getResponse struct {
	Error   *jetstream.APIError `json:"error"`
	Message struct {
		Subject string     `json:"subject"`
		Seq     events.Seq `json:"seq"`
		Header  []byte     `json:"hdrs"`
		Data    []byte     `json:"data"`
		Time    time.Time  `json:"time"`
	} `json:"message"`
}

// get asks the leader, within the time of one request; false without such a message. It asks nobody where the embedded
// server of this process is the leader and has nothing.
func (l *Log) get(ctx context.Context, stream string, request getRequest) (m Message, found bool, err error) {
	if ctx.Err() == nil && l.hasNothingAt(stream, request.LastSubject) {
		return Message{}, false, nil
	}
	err = l.retryWithTimeout(ctx, func(ctx context.Context) error {
		m, found, err = l.getOnce(ctx, stream, request)
		return err
	})
	if err != nil {
		return Message{}, false, fmt.Errorf("read from stream %s: %w", stream, err)
	}
	return m, found, nil
}

func (l *Log) getOnce(ctx context.Context, stream string, request getRequest) (Message, bool, error) {
	response, header, err := l.requestMessage(ctx, stream, request)
	if code(err) == codeNoMessage {
		return Message{}, false, nil
	}
	if err != nil {
		return Message{}, false, err
	}
	got := response.Message
	m := Message{Subject: got.Subject, Seq: got.Seq, Time: got.Time, Data: got.Data}
	m.readHeader(header)
	return m, true, nil
}

func (l *Log) requestMessage(ctx context.Context, stream string, request getRequest) (getResponse, nats.Header, error) {
	var response getResponse
	body, err := json.Marshal(request)
	if err != nil {
		return response, nil, err
	}
	answer, err := l.conn.RequestWithContext(ctx, jetstream.DefaultAPIPrefix+"STREAM.MSG.GET."+stream, body)
	if err != nil {
		return response, nil, err
	}
	if err := json.Unmarshal(answer.Data, &response); err != nil {
		return response, nil, err
	}
	if response.Error != nil {
		return response, nil, response.Error
	}
	if len(response.Message.Header) == 0 {
		return response, nil, nil
	}
	header, err := nats.DecodeHeadersMsg(response.Message.Header)
	return response, header, err
}

package natstuning

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"
)

// TestPublish: what is published without the protocol is part of the batch that a message over a connection
// commits, with its headers, and its conditions hold.
func TestPublish(t *testing.T) {
	js, stream := openS(t, jetstream.StreamConfig{AllowAtomicPublish: true})
	batch := func(id, expect string) (response struct {
		Error *jetstream.APIError
		Count int
	}) {
		t.Helper()
		for i := 1; i < 10; i++ {
			header := fmt.Sprintf("NATS/1.0\r\nA: header\r\n%s: %s\r\n%s: %d\r\n", jetstreamext.BatchIDHeader, id, jetstreamext.BatchSeqHeader, i)
			if i == 1 {
				header += jetstream.ExpectedLastSubjSeqHeader + ": " + expect + "\r\n"
			}
			stream.Publish(fmt.Sprintf("s.%d", i), "", []byte(header+"\r\n"), fmt.Append(nil, "body ", i))
		}
		commit := nats.NewMsg("s.10")
		commit.Header = nats.Header{
			jetstreamext.BatchIDHeader: {id}, jetstreamext.BatchSeqHeader: {"10"}, jetstreamext.BatchCommitHeader: {"1"},
		}
		answer, err := js.Conn().RequestMsg(commit, 10*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(answer.Data, &response); err != nil {
			t.Fatal(err)
		}
		return response
	}
	if got := batch("first", "0"); got.Error != nil || got.Count != 10 {
		t.Errorf("%+v", got)
	}
	if got := batch("second", "0"); got.Error == nil || got.Error.ErrorCode != jetstream.JSErrCodeStreamWrongLastSequence {
		t.Errorf("a condition that does not hold: %+v", got)
	}
	s, err := js.Stream(t.Context(), "S")
	if err != nil {
		t.Fatal(err)
	}
	if last := s.CachedInfo().State.LastSeq; last != 10 {
		t.Errorf("%d messages", last)
	}
	for seq := uint64(1); seq < 10; seq++ {
		m, err := s.GetMsg(t.Context(), seq)
		if err != nil {
			t.Fatal(err)
		}
		if m.Subject != fmt.Sprint("s.", seq) || string(m.Data) != fmt.Sprint("body ", seq) || m.Header.Get("A") != "header" {
			t.Errorf("%+v", m)
		}
	}
}

// TestPublishResponds: the server responds at a message's reply subject, and a stream that was deleted takes nothing.
func TestPublishResponds(t *testing.T) {
	js, stream := openS(t, jetstream.StreamConfig{})
	answers, err := js.Conn().SubscribeSync("answers")
	if err != nil {
		t.Fatal(err)
	}
	if err := js.Conn().Flush(); err != nil {
		t.Fatal(err)
	}
	stream.Publish("s.1", "answers", nil, []byte("body"))
	answer, err := answers.NextMsg(10 * time.Second)
	if err != nil || string(answer.Data) != `{"stream":"S","seq":1}` {
		t.Fatalf("%s, %v", answer.Data, err)
	}
	if err := js.DeleteStream(t.Context(), "S"); err != nil {
		t.Fatal(err)
	}
	stream.Publish("s.1", "answers", nil, []byte("body"))
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) { // its files may go later
		_, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s.>"}})
		if err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
	if s, err := js.Stream(t.Context(), "S"); err != nil || s.CachedInfo().State.LastSeq != 0 {
		t.Errorf("the stream of the same name has the message: %v", err)
	}
}

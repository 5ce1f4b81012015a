package natstuning

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// TestSkipUnmatched: after a restart a consumer goes on at the stream's end if none of the messages since its last
// one is for it, and at its position if one is.
func TestSkipUnmatched(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	srv, conn := start(t, dir)
	publish := func(subjects ...string) {
		t.Helper()
		js, err := jetstream.New(conn)
		for _, subject := range subjects {
			if err == nil {
				_, err = js.Publish(t.Context(), subject, nil)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	next := func(want string, seq uint64) {
		t.Helper()
		consumer := consumerC(t, conn)
		m, err := consumer.Next(jetstream.FetchMaxWait(10 * time.Second))
		if err == nil {
			err = m.DoubleAck(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
		if meta, err := m.Metadata(); err != nil || m.Subject() != want || meta.Sequence.Stream != seq {
			t.Errorf("%s at %d, %v; want %s at %d", m.Subject(), meta.Sequence.Stream, err, want, seq)
		}
	}
	restart := func(want uint64) {
		t.Helper()
		conn.Close()
		srv.Shutdown()
		srv.WaitForShutdown()
		srv, conn = start(t, dir)
		consumerC(t, conn)
		if err := SkipUnmatched(srv, "S", "C"); err != nil {
			t.Fatal(err)
		}
		if at := positionOf(srv); at != want {
			t.Errorf("the consumer stands at %d, not at %d", at, want)
		}
	}
	consumerC(t, conn)
	publish("s.1.sealed", "s.1.row", "s.1.row")
	next("s.1.sealed", 1)
	restart(4)
	publish("s.1.row", "s.2.undo", "s.1.row")
	restart(2) // a message is for it
	next("s.2.undo", 5)
	restart(7)
	publish("s.3.sealed")
	next("s.3.sealed", 7)
	if err := SkipUnmatched(srv, "S", "MISSING"); err == nil {
		t.Error("a consumer that does not exist: no error")
	}
}

func consumerC(t *testing.T, conn *nats.Conn) jetstream.Consumer {
	t.Helper()
	js, err := jetstream.New(conn)
	if err == nil {
		_, err = js.CreateOrUpdateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s.>"}})
	}
	if err != nil {
		t.Fatal(err)
	}
	consumer, err := js.CreateOrUpdateConsumer(t.Context(), "S", jetstream.ConsumerConfig{
		Durable: "C", FilterSubjects: []string{"s.*.sealed", "s.*.undo"}, AckPolicy: jetstream.AckExplicitPolicy,
	})
	if err != nil {
		t.Fatal(err)
	}
	return consumer
}

func positionOf(srv *server.Server) uint64 {
	return privateField(consumerOf(streamOf(srv, "S"), "C"), "sseq").Uint()
}

package natstuning

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"
)

// streams has a server with the stream S of the subjects s.>, read directly.
func openS(t *testing.T, config jetstream.StreamConfig) (jetstream.JetStream, *Stream) {
	srv, conn := start(t, filepath.Join(t.TempDir(), "store"))
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenStream(srv, "S"); !errors.Is(err, ErrNoStream) {
		t.Errorf("a stream that does not exist: %v", err)
	}
	config.Name, config.Subjects = "S", []string{"s.>"}
	if _, err := js.CreateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	stream, err := OpenStream(srv, "S")
	if err != nil {
		t.Fatal(err)
	}
	return js, stream
}

func TestReads(t *testing.T) {
	js, stream := openS(t, jetstream.StreamConfig{})
	began := time.Now().UnixNano()
	for i := range 10 {
		m := nats.NewMsg(fmt.Sprintf("s.%d", i%3))
		m.Data = fmt.Appendf(nil, "body %d", i+1)
		if i%2 == 0 {
			m.Header.Set("A", "header")
		}
		if _, err := js.PublishMsg(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	s, err := js.Stream(t.Context(), "S")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteMsg(t.Context(), 5); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, filter string
		after        uint64
		most         int
		want         []uint64
		end          uint64
	}{
		{"all", "", 0, 20, []uint64{1, 2, 3, 4, 6, 7, 8, 9, 10}, 10},
		{"some", "", 3, 2, []uint64{4, 6}, 6},
		{"one subject", "s.1", 0, 20, []uint64{2, 8}, 10},
		{"one subject, some", "s.1", 2, 1, []uint64{8}, 8},
		{"wildcards", "s.*", 8, 20, []uint64{9, 10}, 10},
		{"the end", "", 10, 20, nil, 10},
		{"behind the end", "", 12, 20, nil, 12},
		{"no such subject", "s.7", 0, 20, nil, 10},
	} {
		read, end, head, err := stream.Read(test.filter, test.after, make([]Message, 0, test.most), false)
		var seqs []uint64
		for _, m := range read {
			seqs = append(seqs, m.Seq)
			want := Message{Subject: fmt.Sprintf("s.%d", (m.Seq-1)%3), Data: fmt.Appendf(nil, "body %d", m.Seq)}
			if m.Subject != want.Subject || string(m.Data) != string(want.Data) || m.Time < began {
				t.Errorf("%s: %+v, want %+v", test.name, m, want)
			}
		}
		if err != nil || !slices.Equal(seqs, test.want) || end != test.end || head != 10 {
			t.Errorf("%s: %v up to %d of %d, %v; want %v up to %d", test.name, seqs, end, head, err, test.want, test.end)
		}
	}
	last, err := stream.Last([]string{"s.2", "s.1", "s.7"}, 2, 100)
	if err != nil || len(last) != 2 || last[0].Seq != 8 || string(last[1].Data) != "body 9" {
		t.Errorf("last: %+v, %v", last, err)
	}
	if _, err := stream.Last([]string{"s.*"}, 2, 100); !errors.Is(err, ErrTooMany) {
		t.Errorf("more subjects: %v", err)
	}
	if _, err := stream.Last([]string{"s.*"}, 3, 10); !errors.Is(err, ErrTooMany) {
		t.Errorf("more bytes: %v", err)
	}
	for seq, want := range map[uint64]bool{1: true, 5: false, 10: true, 11: false} {
		if m, found, err := stream.At(seq); err != nil || found != want || found && m.Seq != seq {
			t.Errorf("at %d: %+v, %v, %v", seq, m, found, err)
		}
	}
	if err := js.DeleteStream(t.Context(), "S"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := stream.At(1); !errors.Is(err, server.ErrStoreClosed) {
		t.Errorf("a stream that was deleted: %v", err)
	}
}

// TestHas: what the stream has no message of it does not have, unless its store is closed.
func TestHas(t *testing.T) {
	js, stream := openS(t, jetstream.StreamConfig{})
	has := func(filter string, want bool) {
		t.Helper()
		if got, err := stream.Has(filter); got != want || err != nil {
			t.Errorf("%s: %t, %v", filter, got, err)
		}
	}
	has("s.>", false)
	for _, subject := range []string{"s.a.1", "s.b.2"} {
		if _, err := js.Publish(t.Context(), subject, nil); err != nil {
			t.Fatal(err)
		}
	}
	has("s.a.1", true)
	has("s.a", false)
	has("s.a.*", true)
	has("s.*.3", false)
	s, err := js.Stream(t.Context(), "S")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteMsg(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	has("s.a.1", false)
	has("s.>", true)
	if err := stream.store.Stop(); err != nil {
		t.Fatal(err)
	}
	if has, err := stream.Has("s.c"); has || !errors.Is(err, server.ErrStoreClosed) {
		t.Errorf("a store that is closed: %t, %v", has, err)
	}
}

// TestReadIsBounded: of large messages a read takes fewer at once.
func TestReadIsBounded(t *testing.T) {
	js, stream := openS(t, jetstream.StreamConfig{})
	body := make([]byte, maxRead/10)
	for range 25 {
		if _, err := js.Publish(t.Context(), "s.1", body); err != nil {
			t.Fatal(err)
		}
	}
	end := uint64(0)
	for _, want := range []int{11, 11, 3, 0} { // ten are a little less than the limit
		read, last, _, err := stream.Read("", end, make([]Message, 0, 100), false)
		if err != nil || len(read) != want || last != end+uint64(want) {
			t.Errorf("%d messages up to %d, %v; want %d after %d", len(read), last, err, want, end)
		}
		end = last
	}
}

// TestReadReusesMemory: where it may, a read puts its messages into the memory of those before, unless that is large.
func TestReadReusesMemory(t *testing.T) {
	js, stream := openS(t, jetstream.StreamConfig{})
	bodies := []string{"first", strings.Repeat("x", maxSpare+1), "third", "4", "5", "6", "7", "8", "9"}
	for _, body := range bodies {
		if _, err := js.Publish(t.Context(), "s.1", []byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	memory := func(m Message) *byte { return unsafe.SliceData(m.Data) }
	var before []Message
	slots := make([]Message, 0, 3)
	for end, reuse := uint64(0), false; end < uint64(len(bodies)); reuse = end == 3 {
		var err error
		first := end
		if slots, end, _, err = stream.Read("", end, slots[:0], reuse); err != nil || end != first+3 {
			t.Fatalf("up to %d: %v", end, err)
		}
		for i, m := range slots {
			if want := bodies[first:][i]; string(m.Data) != want {
				t.Errorf("message %d: %q, want %q", m.Seq, m.Data, want)
			}
			if before == nil {
				continue
			}
			large := len(bodies[i]) > maxSpare
			if same := memory(m) == memory(before[i]); same != (reuse && !large) {
				t.Errorf("message %d is in the memory of the one before: %v", m.Seq, same)
			}
		}
		before = slices.Clone(slots)
	}
}

// TestReadsSeeWholeBatches: while atomic batches are stored, each read ends between two of them.
func TestReadsSeeWholeBatches(t *testing.T) {
	const size, batches = 200, 40
	js, stream := openS(t, jetstream.StreamConfig{AllowAtomicPublish: true})
	stored := make(chan error, 1)
	go func() {
		for range batches {
			batch, err := jetstreamext.NewBatchPublisher(js)
			for i := 1; i < size && err == nil; i++ {
				err = batch.Add("s.1", []byte("body"))
			}
			if err == nil {
				_, err = batch.Commit(t.Context(), "s.1", []byte("body"))
			}
			if err != nil {
				stored <- err
				return
			}
		}
		stored <- nil
	}()
	read, looked := make([]Message, 0, size*batches+1), map[uint64]bool{}
	for end := uint64(0); end < size*batches; {
		select {
		case err := <-stored:
			if err != nil {
				t.Fatal(err)
			}
		default:
		}
		var err error
		read, end, _, err = stream.Read("", 0, read[:0], true)
		if err != nil || len(read)%size != 0 || uint64(len(read)) != end {
			t.Fatalf("%d messages up to %d, %v", len(read), end, err)
		}
		looked[end] = true
	}
	if len(looked) < 3 {
		t.Errorf("only %d states were seen: %v", len(looked), looked)
	}
}

// TestOpenWhileTheServerEnds is for the race detector.
func TestOpenWhileTheServerEnds(t *testing.T) {
	for range 5 {
		srv, err := server.NewServer(&server.Options{
			Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoSigs: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		srv.Start()
		began, ended := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(ended)
			for i := range 3000 {
				if _, err := OpenStream(srv, "none"); !errors.Is(err, ErrNoStream) {
					t.Error(err)
				}
				if i == 0 {
					close(began)
				}
			}
		}()
		<-began
		srv.Shutdown()
		<-ended
	}
}

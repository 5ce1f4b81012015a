package natstuning

import (
	"bytes"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
)

// TestCompress: full blocks are compressed one by one, while messages are appended, read and deleted. All
// messages are there, also after the server's next start, and what is appended then.
func TestCompress(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	srv, conn := start(t, dir)
	fill(t, conn)
	stream, err := OpenStream(srv, "S")
	if err != nil {
		t.Fatal(err)
	}
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	s, err := js.Stream(t.Context(), "S")
	if err != nil {
		t.Fatal(err)
	}
	body := bytes.Repeat([]byte("y"), 300<<10)
	for range 20 { // a second block is full
		if _, err := js.Publish(t.Context(), "s", body); err != nil {
			t.Fatal(err)
		}
	}
	head := stream.Head()
	want := bodies(t, stream, head)
	var others sync.WaitGroup
	others.Go(func() {
		for range 10 {
			if _, err := js.Publish(t.Context(), "s", body); err != nil {
				t.Error(err)
			}
		}
	})
	others.Go(func() { bodies(t, stream, head) })
	var numbers []uint32
	for after, done := uint32(0), true; done; {
		if after, done, err = stream.Compress(after); err != nil {
			t.Fatal(err)
		}
		if done {
			numbers = append(numbers, after)
		}
	}
	others.Wait()
	if err := s.DeleteMsg(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	want[1] = ""
	if len(numbers) < 2 || numbers[0] != 1 || numbers[1] != 2 {
		t.Errorf("compressed %v", numbers)
	}
	files, err := filepath.Glob(filepath.Join(dir, "jetstream", "$G", "streams", "S", "msgs", "*.blk"))
	if err != nil {
		t.Fatal(err)
	}
	plain := 0
	for _, file := range files {
		compressed, err := IsCompressed(file)
		if err != nil {
			t.Error(err)
		}
		if !compressed {
			plain++
		}
	}
	if plain != 1 {
		t.Errorf("%d of %d files are not compressed; want only the one that is appended to", plain, len(files))
	}
	if upTo, done, err := stream.Compress(0); upTo != numbers[len(numbers)-1] || done || err != nil {
		t.Errorf("again: up to block %d of %v, %v, %v", upTo, numbers, done, err)
	}
	check := func(stream *Stream) {
		t.Helper()
		got := bodies(t, stream, head)
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("message %d is another one", i+1)
			}
		}
	}
	check(stream)
	end := stream.Head()
	conn.Close()
	srv.Shutdown()
	srv.WaitForShutdown()
	srv, conn = start(t, dir)
	if js, err = jetstream.New(conn); err != nil {
		t.Fatal(err)
	}
	if stream, err = OpenStream(srv, "S"); err != nil {
		t.Fatal(err)
	}
	check(stream)
	if ack, err := js.Publish(t.Context(), "s", body); err != nil || ack.Sequence != end+1 {
		t.Errorf("%+v, %v; want sequence %d", ack, err, end+1)
	}
}

// bodies reads a stream's messages up to a sequence; "" for one that is not there.
func bodies(t *testing.T, stream *Stream, head uint64) []string {
	t.Helper()
	found := make([]string, head)
	for end := uint64(0); end < head; {
		read, last, _, err := stream.Read("", end, make([]Message, 0, head), false)
		if err != nil {
			t.Error(err)
			break
		}
		for _, m := range read {
			if m.Seq <= head {
				found[m.Seq-1] = fmt.Sprintf("%s %d %x", m.Subject, len(m.Data), m.Data[0])
			}
		}
		end = last
	}
	return found
}

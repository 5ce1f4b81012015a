package natstuning

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/minio/highwayhash"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"
)

// stageTest is a stream with a stage.
type stageTest struct {
	*testing.T
	dir    string // of the stream
	js     jetstream.JetStream
	stream *Stream
	file   string
	stage  *Stage
}

func startStage(t *testing.T) *stageTest {
	js, stream := openS(t, jetstream.StreamConfig{AllowAtomicPublish: true})
	s := &stageTest{
		T: t, js: js, stream: stream, file: filepath.Join(t.TempDir(), "S"),
		dir: privateField(storeOf(stream.value), "fcfg").FieldByName("StoreDir").String(),
	}
	var err error
	if s.stage, err = OpenStage(s.file); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.stage.Close() })
	return s
}

func (s *stageTest) server() *server.Server {
	return privateField(s.stream.value, "srv").Interface().(*server.Server)
}

type batchResponse struct {
	Error *jetstream.APIError
	Count int
}

// begin stages the first messages of a batch. The first expects the last sequence at its subject.
func (s *stageTest) begin(id string, messages int, expect int) {
	s.Helper()
	if err := s.stream.Begin(id, s.stage); err != nil {
		s.Fatal(err)
	}
	for i := 1; i < messages; i++ {
		header := fmt.Sprintf("NATS/1.0\r\nA: header\r\n%s: %s\r\n%s: %d\r\n", jetstreamext.BatchIDHeader, id, jetstreamext.BatchSeqHeader, i)
		if i == 1 {
			header += fmt.Sprintf("%s: %d\r\n", jetstream.ExpectedLastSubjSeqHeader, expect)
		}
		body := bytes.Repeat([]byte{byte(i)}, i%3*100) // some are empty
		s.stream.Publish(fmt.Sprintf("s.%s.%d", id, i), "", []byte(header+"\r\n"), body)
	}
}

// commit sends the last message of a batch.
func (s *stageTest) commit(id string, messages int) (response batchResponse) {
	s.Helper()
	m := nats.NewMsg(fmt.Sprintf("s.%s.%d", id, messages))
	m.Header = nats.Header{
		jetstreamext.BatchIDHeader: {id}, jetstreamext.BatchSeqHeader: {fmt.Sprint(messages)}, jetstreamext.BatchCommitHeader: {"1"},
	}
	answer, err := s.js.Conn().RequestMsg(m, 10*time.Second)
	if err != nil {
		s.Fatal(err)
	}
	if err := json.Unmarshal(answer.Data, &response); err != nil {
		s.Fatal(err)
	}
	return response
}

// publish stores a batch.
func (s *stageTest) publish(id string, messages int) {
	s.Helper()
	s.begin(id, messages, 0)
	if got := s.commit(id, messages); got.Error != nil || got.Count != messages {
		s.Fatalf("batch %s: %+v", id, got)
	}
}

// staged is the content of the file, as it was before the last batch ended.
func (s *stageTest) staged() []byte {
	s.Helper()
	content, err := os.ReadFile(s.file)
	if err != nil {
		s.Fatal(err)
	}
	if parseStage(content) != nil {
		s.Error("the batch has not ended")
	}
	length := stageHead + binary.LittleEndian.Uint64(content[8:])
	binary.LittleEndian.PutUint64(content, highwayhash.Sum64(content[8:length], stageKey))
	return content
}

// storedIn is what a stream's directory holds, message by message.
func storedIn(t *testing.T, dir string) (all []jetstream.RawStreamMsg) {
	t.Helper()
	srv, conn := start(t, dir)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	s, err := js.Stream(t.Context(), "S")
	if err != nil {
		t.Fatal(err)
	}
	for seq := uint64(1); seq <= s.CachedInfo().State.LastSeq; seq++ {
		m, err := s.GetMsg(t.Context(), seq)
		if err != nil {
			t.Fatal(err)
		}
		m.Time = time.Time{}
		all = append(all, *m)
	}
	stop(srv)
	return all
}

func stop(srv *server.Server) {
	srv.Shutdown()
	srv.WaitForShutdown()
}

// TestStageCompletesABatch: wherever a kill or a power cut has ended the file of messages, the next start completes
// the batch, or has nothing of it. Without what the stage holds it stays as it is.
func TestStageCompletesABatch(t *testing.T) {
	s := startStage(t)
	s.publish("one", 5)
	s.publish("two", 20)
	store := filepath.Join(s.dir, "..", "..", "..", "..")
	if found, err := os.ReadDir(filepath.Join(s.dir, "batches")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the server staged the batches: %v, %v", found, err)
	}
	conn := s.js.Conn()
	srv := s.server()
	conn.Close()
	stop(srv)
	want := storedIn(t, store)
	if len(want) != 25 {
		t.Fatalf("%d messages are stored", len(want))
	}

	content, compressed, err := ReadBlock(filepath.Join(s.dir, "msgs", "1.blk"))
	if err != nil || compressed {
		t.Fatal(compressed, err)
	}
	ends := []int{0}
	for rest := content; len(rest) > 0; {
		_, size, err := ParseRecord(rest)
		if err != nil {
			t.Fatal(err)
		}
		rest = rest[size:]
		ends = append(ends, len(content)-len(rest))
	}
	staged := s.staged()
	damaged := bytes.Clone(staged)
	damaged[len(damaged)/2]++
	for _, test := range []struct {
		name   string
		end    int // of the file of messages
		staged []byte
		want   int // messages
	}{
		{"before the batch", ends[5], staged, 5},
		{"in its first message", ends[5] + 30, staged, 5},
		{"after its first message", ends[6], staged, 25},
		{"in its middle", ends[15], staged, 25},
		{"within a message", ends[15] + 1, staged, 25},
		{"before its last message", ends[24], staged, 25},
		{"after it", ends[25], staged, 25},
		{"a stage that was not written to its end", ends[15], damaged, 15},
		{"a stage that is cut", ends[15], staged[:len(staged)-1], 15},
		{"an empty stage", ends[15], nil, 15},
		{"a stage that has room left", ends[15], append(bytes.Clone(staged), damaged...), 25},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(store)); err != nil {
				t.Fatal(err)
			}
			relative, err := filepath.Rel(store, s.dir)
			if err != nil {
				t.Fatal(err)
			}
			stream := filepath.Join(dir, relative)
			if err := os.Remove(filepath.Join(stream, "msgs", IndexName)); err != nil { // that of the stop
				t.Fatal(err)
			}
			if err := os.Truncate(filepath.Join(stream, "msgs", "1.blk"), int64(test.end)); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(dir, "stage")
			if err := os.WriteFile(file, test.staged, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := RestoreStage(file, stream); err != nil {
				t.Fatal(err)
			}
			got := storedIn(t, dir)
			if len(got) != test.want {
				t.Fatalf("%d messages, want %d", len(got), test.want)
			}
			for i, m := range got {
				if fmt.Sprint(m) != fmt.Sprint(want[i]) {
					t.Errorf("%v, want %v", m, want[i])
				}
			}
			if _, err := os.Stat(filepath.Join(stream, "batches")); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the staged copy is left: %v", err)
			}
		})
	}
}

// TestRestoreStageWithoutStream: there is nothing to complete.
func TestRestoreStageWithoutStream(t *testing.T) {
	s := startStage(t)
	s.publish("one", 5)
	gone := filepath.Join(t.TempDir(), "S")
	if err := errors.Join(RestoreStage(s.file, gone), RestoreStage(filepath.Join(gone, "stage"), s.dir)); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(gone); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a directory was made: %v", err)
	}
}

// TestStageTakesOneBatchAfterTheOther: of batches at once, also one that is refused, and one of one message.
func TestStageTakesOneBatchAfterTheOther(t *testing.T) {
	s := startStage(t)
	before := batchesInFlight.Load()
	s.begin("a", 3, 0)
	s.begin("b", 1000, 0)
	s.begin("refused", 3, 7)
	s.begin("single", 1, 0)
	for _, c := range []struct {
		id    string
		count int
	}{{"b", 1000}, {"a", 3}} {
		if got := s.commit(c.id, c.count); got.Error != nil || got.Count != c.count {
			t.Errorf("batch %s: %+v", c.id, got)
		}
	}
	if got := s.commit("refused", 3); got.Error == nil || got.Error.ErrorCode != jetstream.JSErrCodeStreamWrongLastSequence {
		t.Errorf("a condition that does not hold: %+v", got)
	}
	held, err := os.ReadFile(s.file)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.commit("single", 1); got.Error != nil || got.Count != 1 {
		t.Errorf("a batch of one message: %+v", got)
	}
	if after, err := os.ReadFile(s.file); err != nil || !bytes.Equal(held, after) {
		t.Errorf("one message was staged: %v", err)
	}
	s.publish("last", 2)
	if last := s.stream.Head(); last != 1000+3+1+2 {
		t.Errorf("%d messages are stored", last)
	}
	if batch := parseStage(s.staged()); batch == nil || batch.id != "last" || len(batch.messages) != 2 {
		t.Errorf("the file holds %+v", batch)
	}
	if s.stage.Blocked() || s.stage.committing != nil {
		t.Error("the stage waits for a batch")
	}
	if left := batchesInFlight.Load() - before; left != 0 {
		t.Errorf("%d batches are left", left)
	}
}

// TestStageKeepsAPartOfABatch: while a batch may be stored in part, none is written over it.
func TestStageKeepsAPartOfABatch(t *testing.T) {
	s := startStage(t)
	part := &staged{stage: s.stage, id: "part", messages: make([]storedMessage, 2)}
	if err := part.FlushAllPending(); err != nil {
		t.Fatal(err)
	}
	if s.stage.Blocked() {
		t.Error("it is blocked before a commit is refused")
	}
	for id, count := range map[string]int{"next": 3, "single": 1} {
		s.begin(id, count, 0)
		if got := s.commit(id, count); got.Error == nil {
			t.Errorf("batch %s was stored: %+v", id, got)
		}
		if !s.stage.Blocked() {
			t.Error("it is not blocked")
		}
	}
	content, err := os.ReadFile(s.file)
	if batch := parseStage(content); batch == nil || batch.id != "part" || err != nil {
		t.Errorf("the file holds %+v", batch)
	}
}

// TestStageThatCannotBeWritten: the batches are refused, and nothing of them is stored, nor left in the server. Later ones
// the server stages itself.
func TestStageThatCannotBeWritten(t *testing.T) {
	s := startStage(t)
	before := batchesInFlight.Load()
	const batches = maxStaging / 2
	for i := range batches {
		s.begin(fmt.Sprint(i), 3, 0)
	}
	if err := s.stage.Close(); err != nil {
		t.Fatal(err)
	}
	for i := range batches {
		if got := s.commit(fmt.Sprint(i), 3); got.Error == nil {
			t.Errorf("a batch was stored: %+v", got)
		}
	}
	if s.stream.Head() != 0 || s.stage.Blocked() {
		t.Errorf("%d messages are stored; blocked: %t", s.stream.Head(), s.stage.Blocked())
	}
	for batchesInFlight.Load() != before {
		time.Sleep(time.Millisecond)
	}
	if err := s.stream.Begin("later", s.stage); err == nil {
		t.Error("the stage takes another batch")
	}
	if got := s.commit("later", 1); got.Error != nil {
		t.Errorf("a later batch: %+v", got)
	}
}

// TestStagedBatchesHaveTheServersLimits: of their number, and of the time until the commit.
func TestStagedBatchesHaveTheServersLimits(t *testing.T) {
	s := startStage(t)
	for i := range maxStaging + 1 {
		s.begin(fmt.Sprint(i), 2, 0)
	}
	if got := s.commit(fmt.Sprint(maxStaging), 2); got.Error == nil {
		t.Errorf("one batch too many: %+v", got)
	}
	if got := s.commit("0", 2); got.Error != nil {
		t.Errorf("the first one: %+v", got)
	}
	limits := &privateField(reflect.ValueOf(s.server()), "opts").Interface().(*server.Options).JetStreamLimits
	limits.MaxBatchTimeout = time.Millisecond
	before := batchesInFlight.Load()
	s.begin("forgotten", 1, 0)
	for batchesInFlight.Load() > before {
		time.Sleep(time.Millisecond)
	}
	limits.MaxBatchTimeout = 0
	s.publish("next", 3)
}

// FuzzStage: the file of a stage may hold anything.
func FuzzStage(f *testing.F) {
	f.Add([]byte{}, []byte{}, uint8(0))
	f.Add([]byte("NATS/1.0\r\n\r\n"), []byte("body"), uint8(3))
	f.Fuzz(func(t *testing.T, header, body []byte, cut uint8) {
		parseStage(body)
		batch := &staged{id: "id", messages: []storedMessage{{subj: "s", hdr: header, msg: body}, {subj: "t"}}}
		content := batch.content(nil)
		got := parseStage(append(content, body...))
		if got == nil || fmt.Sprint(got.id, got.messages) != fmt.Sprint(batch.id, batch.messages) {
			t.Fatalf("%v, want %v", got, batch)
		}
		if end := len(content) - 1 - int(cut); end >= 0 && parseStage(content[:end]) != nil {
			t.Errorf("%d of %d bytes are taken for a batch", end, len(content))
		}
		content[int(cut)%len(content)]++
		if parseStage(content) != nil {
			t.Errorf("another byte %d is not noticed", int(cut)%len(content))
		}
		for rest := body; len(rest) > 0; {
			_, rest, _ = takePart(rest)
		}
	})
}

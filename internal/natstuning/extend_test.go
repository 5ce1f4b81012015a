package natstuning

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// TestExtendedIndexIsTheServers: of streams that grow at random, and are copied as a kill would leave them, the extended
// index tells what the server's own does that has read all messages; the server takes it, and goes on from there.
func TestExtendedIndexIsTheServers(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 1))
			g := newGrowing(t, random)
			for range 4 {
				g.publish(1 + random.IntN(60))
				switch random.IntN(3) {
				case 0:
					if _, err := ExtendIndexOf(g.srv, "S"); err != nil {
						t.Fatal(err)
					}
				case 1:
					if err := writeServersIndex(g.srv, "S"); err != nil {
						t.Fatal(err)
					}
				}
				g.publish(random.IntN(60))
				if random.IntN(2) == 0 {
					g.compress()
				}
				killed := g.copy()
				if random.IntN(2) == 0 { // in several turns
					x := &extension{stream: "S", msgs: msgsOf(killed), turn: 1 + random.IntN(50), upTo: math.MaxUint64}
					x.readers, x.toSort = 1+random.IntN(3), random.Uint64N(100)
					if err := x.extend(); err != nil {
						t.Fatal(err)
					}
				}
				last, _, err := ExtendIndex(msgsOf(killed), "S")
				if err != nil || last != g.last {
					t.Fatalf("up to %d, want %d: %v", last, g.last, err)
				}
				g.check(killed)
				if warned, state := g.restarted(killed); warned != "" || state.LastSeq != g.last+1 || state.NumSubjects == 0 {
					t.Errorf("the server says %q, and goes on with %+v", warned, state)
				}
			}
		})
	}
}

// TestNoExtendedIndex: where the files are not what the index says with whole messages after it, the index stays as it is.
func TestNoExtendedIndex(t *testing.T) {
	t.Parallel()
	g := newGrowing(t, rand.New(rand.NewPCG(7, 7)))
	g.publish(30)
	if _, err := ExtendIndexOf(g.srv, "S"); err != nil {
		t.Fatal(err)
	}
	other := newGrowing(t, rand.New(rand.NewPCG(8, 8)))
	other.publish(3)
	if _, err := ExtendIndexOf(other.srv, "S"); err != nil {
		t.Fatal(err)
	}
	foreign, err := os.ReadFile(filepath.Join(msgsOf(other.dir), IndexName))
	if err != nil {
		t.Fatal(err)
	}
	first := g.lastBlock(g.dir)
	for g.lastBlock(g.dir) < first+3 {
		g.publish(5)
	}
	edit := func(block string, change func([]byte) []byte) func(string) error {
		return func(msgs string) error {
			content, err := os.ReadFile(filepath.Join(msgs, block))
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(msgs, block), change(content), 0o600)
		}
	}
	remove := func(block string) func(string) error {
		return func(msgs string) error { return os.Remove(filepath.Join(msgs, block)) }
	}
	add := func(more ...byte) func([]byte) []byte { return func(b []byte) []byte { return append(b, more...) } }
	cut := func(n int) func([]byte) []byte { return func(b []byte) []byte { return b[:len(b)-n] } }
	for name, test := range map[string]struct {
		fault func(msgs string) error
		says  string
	}{
		"a block is missing":   {remove(BlockName(first + 1)), "comes after"},
		"its block is missing": {remove(BlockName(first)), "not where it should be"},
		"its block is empty":   {edit(BlockName(first), func([]byte) []byte { return nil }), "not where it should be"},
		"another stream's index": {func(msgs string) error {
			return os.WriteFile(filepath.Join(msgs, IndexName), foreign, 0o600)
		}, "not where it should be"},
		"a new block is empty": {edit(BlockName(first+3), func([]byte) []byte { return nil }), "is empty"},
		"a message is cut off": {edit(BlockName(first+3), cut(1)), "not whole"},
		"a header is cut off":  {edit(BlockName(first+3), add(1, 2, 3)), "not whole"},
		"zeros after the end":  {edit(BlockName(first+3), add(make([]byte, 99)...)), "not whole"},
		"another byte":         {edit(BlockName(first+2), flip(99)), "checksum of message"},
		"a message twice":      {edit(BlockName(first+3), func(b []byte) []byte { return append(b, b...) }), "comes after"},
		"damaged compressed file": {edit(BlockName(first+1), func(b []byte) []byte {
			return append([]byte("cmp\x01\x99"), b...)
		}), "corrupt"},
	} {
		t.Run(name, func(t *testing.T) {
			msgs := msgsOf(g.copy())
			if err := test.fault(msgs); err != nil {
				t.Fatal(err)
			}
			refused(t, msgs, test.says)
		})
	}
}

// TestNoExtendedIndexWithDeleted: only the server knows what a deleted message means, or one that is to be deleted.
func TestNoExtendedIndexWithDeleted(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		before, after func(*growing)
		says          string
	}{
		"deleted before the index": {func(g *growing) { g.delete(2) }, func(*growing) {}, "messages were deleted, or will be"},
		"deleted after it":         {func(*growing) {}, func(g *growing) { g.delete(2) }, "messages were deleted"},
		"deleted and compacted":    {func(*growing) {}, func(g *growing) { g.delete(1) }, ""},
		"one with a time to live":  {func(*growing) {}, (*growing).publishLater, "to be deleted later"},
		"such a one in the index":  {(*growing).publishLater, func(*growing) {}, "messages were deleted, or will be"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGrowing(t, rand.New(rand.NewPCG(9, 9)))
			config := jetstream.StreamConfig{Name: "S", Subjects: []string{"s.>"}, AllowMsgTTL: true}
			if _, err := g.js.UpdateStream(t.Context(), config); err != nil {
				t.Fatal(err)
			}
			g.publish(5)
			test.before(g)
			if err := writeServersIndex(g.srv, "S"); err != nil {
				t.Fatal(err)
			}
			g.publish(5)
			test.after(g)
			refused(t, msgsOf(g.copy()), test.says)
		})
	}
}

// refused checks that an index is not extended, and stays as it is.
func refused(t *testing.T, msgs, says string) {
	t.Helper()
	before, _ := os.ReadFile(filepath.Join(msgs, IndexName))
	_, _, err := ExtendIndex(msgs, "S")
	if !errors.Is(err, ErrIndex) || !strings.Contains(err.Error(), says) {
		t.Errorf("%v, want that it says %q", err, says)
	}
	if after, _ := os.ReadFile(filepath.Join(msgs, IndexName)); !bytes.Equal(before, after) {
		t.Error("the index is another one")
	}
}

// writeServersIndex has the server write its own index, as it does each two minutes.
func writeServersIndex(srv *server.Server, stream string) error {
	store, err := fileStoreOf(srv, stream)
	if err != nil {
		return err
	}
	return forceIndex(store.UnsafePointer())
}

//go:linkname forceIndex github.com/nats-io/nats-server/v2/server.(*fileStore).forceWriteFullState
func forceIndex(store unsafe.Pointer) error

// rehashed changes an index and gives it the hash of what it is then.
func rehashed(change func([]byte) []byte) func([]byte) []byte {
	return func(b []byte) []byte {
		sum, _ := keyedHash("S")
		b = change(bytes.Clone(b[:len(b)-sum.Size()]))
		_, _ = sum.Write(b)
		return sum.Sum(b)
	}
}

// flip changes a bit of a byte; of those at the end if at is negative.
func flip(at int) func([]byte) []byte {
	return func(b []byte) []byte { b[(at+len(b))%len(b)] ^= 1; return b }
}

// FuzzReadIndex: an index of any content is one or an error.
func FuzzReadIndex(f *testing.F) {
	var b bytes.Buffer
	index := &savedIndex{messages: 2, bytes: 100, firstSeq: 1, lastSeq: 2}
	if err := writeIndex(&b, "S", func(w *indexWriter) error {
		w.head(index, 1)
		w.subject([]byte("s.1"), &subjectState{2, 1, 1})
		w.unsigned(1)
		w.indexed(indexedBlock{number: 1, bytes: 100, firstSeq: 1, lastSeq: 2})
		w.unsigned(1)
		w.write(make([]byte, RecordChecksum))
		return nil
	}); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes()[:b.Len()-8])
	f.Fuzz(func(t *testing.T, content []byte) {
		whole := rehashed(func([]byte) []byte { return content })(make([]byte, 8))
		i, err := readIndex(bytes.NewReader(whole), int64(len(whole)), "S")
		if err == nil && (i.messages == 0 || len(i.blocks) == 0 || i.subjects > uint64(len(content)) ||
			i.statesAt > i.statesEnd || i.statesEnd > int64(len(content))) {
			t.Errorf("%+v", i)
		}
	})
}

// growing is a stream to which a test appends.
type growing struct {
	t      *testing.T
	dir    string
	srv    *server.Server
	js     jetstream.JetStream
	random *rand.Rand
	last   uint64
}

func newGrowing(t *testing.T, random *rand.Rand) *growing {
	t.Helper()
	g := &growing{t: t, dir: filepath.Join(t.TempDir(), "store"), random: random}
	var conn *nats.Conn
	g.srv, conn = start(t, g.dir)
	js, err := jetstream.New(conn)
	if err == nil {
		_, err = js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s.>"}})
	}
	if err != nil {
		t.Fatal(err)
	}
	g.js = js
	return g
}

// publish appends messages at few and at many subjects, some with headers; several fill a block.
func (g *growing) publish(n int) {
	g.t.Helper()
	for range n {
		m := nats.NewMsg(fmt.Sprintf("s.%d", g.random.IntN(1+g.random.IntN(200))))
		m.Data = make([]byte, g.random.IntN(1+g.random.IntN(900<<10)))
		for i := 0; i+8 < len(m.Data); i += 64 {
			binary.LittleEndian.PutUint64(m.Data[i:], g.random.Uint64())
		}
		if g.random.IntN(3) == 0 {
			m.Header.Set("Any", "value")
		}
		g.send(m)
	}
}

func (g *growing) send(m *nats.Msg) {
	g.t.Helper()
	ack, err := g.js.PublishMsg(g.t.Context(), m)
	if err != nil {
		g.t.Fatal(err)
	}
	g.last = ack.Sequence
}

// publishLater appends a message that the server deletes in an hour.
func (g *growing) publishLater() {
	m := nats.NewMsg("s.later")
	m.Header.Set("Nats-TTL", "1h")
	g.send(m)
}

func (g *growing) delete(seq uint64) {
	stream, err := g.js.Stream(g.t.Context(), "S")
	if err == nil {
		err = stream.DeleteMsg(g.t.Context(), seq)
	}
	if err != nil {
		g.t.Fatal(err)
	}
}

func (g *growing) compress() {
	stream, err := OpenStream(g.srv, "S")
	if err == nil {
		_, _, err = stream.Compress(0)
	}
	if err != nil {
		g.t.Fatal(err)
	}
}

func msgsOf(dir string) string { return filepath.Join(dir, "jetstream", "$G", "streams", "S", "msgs") }

func (g *growing) lastBlock(dir string) uint64 {
	files, err := BlockFiles(msgsOf(dir))
	if err != nil || len(files) == 0 {
		g.t.Fatal("no blocks", err)
	}
	return files[len(files)-1].Number
}

// copy copies the files as they are now, as a kill would leave them.
func (g *growing) copy() (dir string) {
	g.t.Helper()
	dir = filepath.Join(g.t.TempDir(), "store")
	if err := os.CopyFS(dir, os.DirFS(g.dir)); err != nil {
		g.t.Fatal(err)
	}
	return dir
}

// rebuilt is the index of a server that has read all messages of a directory.
func (g *growing) rebuilt(of string) readableIndex {
	g.t.Helper()
	dir := filepath.Join(g.t.TempDir(), "store")
	if err := os.CopyFS(dir, os.DirFS(of)); err != nil {
		g.t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(msgsOf(dir), IndexName)); err != nil {
		g.t.Fatal(err)
	}
	srv, conn := start(g.t, dir)
	conn.Close()
	srv.Shutdown()
	srv.WaitForShutdown()
	return g.indexOf(dir)
}

func (g *growing) indexOf(dir string) readableIndex {
	g.t.Helper()
	content, err := os.ReadFile(filepath.Join(msgsOf(dir), IndexName))
	if err != nil {
		g.t.Fatal(err)
	}
	i, err := readIndex(bytes.NewReader(content), int64(len(content)), "S")
	if err != nil {
		g.t.Fatal(err)
	}
	states := map[string]subjectState{}
	r := &indexReader{rest: content[i.statesAt:i.statesEnd]}
	r.eachState(i.subjects, func(_ int64, s savedState) { states[string(s.subject)] = s.state() })
	if r.err != nil {
		g.t.Fatal(r.err)
	}
	return readableIndex{*i, states}
}

// restarted starts a server on the files and appends a message. It returns what the server warned of, and its state.
func (g *growing) restarted(dir string) (warned string, state jetstream.StreamState) {
	g.t.Helper()
	srv, err := server.NewServer(&server.Options{DontListen: true, JetStream: true, StoreDir: dir, NoSigs: true})
	if err != nil {
		g.t.Fatal(err)
	}
	log := &warnings{}
	srv.SetLoggerV2(log, false, false, false)
	go srv.Start()
	defer func() { srv.Shutdown(); srv.WaitForShutdown() }()
	if !srv.ReadyForConnections(time.Minute) {
		g.t.Fatal("the server did not start")
	}
	conn, err := nats.Connect("", nats.InProcessServer(srv))
	if err != nil {
		g.t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err == nil {
		_, err = js.Publish(g.t.Context(), "s.after", nil)
	}
	var stream jetstream.Stream
	if err == nil {
		stream, err = js.Stream(g.t.Context(), "S")
	}
	if err != nil {
		g.t.Fatal(err)
	}
	return log.String(), stream.CachedInfo().State
}

// A readableIndex is an index with its subjects, in no order.
type readableIndex struct {
	savedIndex
	states map[string]subjectState
}

// check compares the index of a directory with what the server makes of its messages.
func (g *growing) check(dir string) {
	g.t.Helper()
	g.indexOf(dir).compare(g.t, g.rebuilt(dir))
}

func (i readableIndex) compare(t *testing.T, want readableIndex) {
	t.Helper()
	if !maps.Equal(i.states, want.states) {
		t.Errorf("subjects\n%v, want\n%v", i.states, want.states)
	}
	i.statesAt, i.statesEnd, i.sorted = want.statesAt, want.statesEnd, want.sorted
	if fmt.Sprintf("%+v", i.savedIndex) != fmt.Sprintf("%+v", want.savedIndex) {
		t.Errorf("index\n%+v, want\n%+v", i.savedIndex, want.savedIndex)
	}
}

// warnings keeps what a server warns of.
type warnings struct {
	mu   sync.Mutex
	text strings.Builder
}

func (*warnings) Noticef(string, ...any) {}
func (*warnings) Debugf(string, ...any)  {}
func (*warnings) Tracef(string, ...any)  {}

func (w *warnings) Warnf(format string, v ...any)  { w.add(format, v) }
func (w *warnings) Errorf(format string, v ...any) { w.add(format, v) }
func (w *warnings) Fatalf(format string, v ...any) { w.add(format, v) }

func (w *warnings) add(format string, v []any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	fmt.Fprintf(&w.text, format+"\n", v...)
}

func (w *warnings) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

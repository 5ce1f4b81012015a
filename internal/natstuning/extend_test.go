package natstuning

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
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
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 1))
			g := newGrowing(t, random)
			for round := range 4 {
				g.publish(1 + random.IntN(60))
				if round == 0 || random.IntN(2) == 0 {
					if err := WriteIndex(g.srv, "S"); err != nil {
						t.Fatal(err)
					}
					g.publish(1 + random.IntN(60))
				}
				if random.IntN(2) == 0 {
					g.compress()
				}
				killed := g.copy()
				last, err := ExtendIndex(msgsOf(killed), "S")
				if err != nil || last != g.last {
					t.Fatalf("up to %d, want %d: %v", last, g.last, err)
				}
				extended := g.indexOf(killed)
				same(t, extended, g.rebuilt())
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
	if err := WriteIndex(g.srv, "S"); err != nil {
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
	block := func(n uint64) string { return fmt.Sprintf("%d.blk", n) }
	flip := func(at int) func([]byte) []byte {
		return func(b []byte) []byte { b[(at+len(b))%len(b)] ^= 1; return b }
	}
	cut := func(n int) func([]byte) []byte { return func(b []byte) []byte { return b[:len(b)-n] } }
	for name, test := range map[string]struct {
		fault func(msgs string) error
		says  string
	}{
		"no index":                {func(msgs string) error { return os.Remove(filepath.Join(msgs, IndexName)) }, "there is none"},
		"an empty index":          {edit(IndexName, func([]byte) []byte { return nil }), "too short"},
		"half an index":           {edit(IndexName, func(b []byte) []byte { return b[:len(b)/2] }), "hash"},
		"another bit":             {edit(IndexName, flip(40)), "hash"},
		"another hash":            {edit(IndexName, flip(-1)), "hash"},
		"an old version":          {edit(IndexName, rehashed(flip(1))), "version"},
		"a longer index":          {edit(IndexName, rehashed(func(b []byte) []byte { return append(b, 0) })), "longer"},
		"a shorter index":         {edit(IndexName, rehashed(cut(9))), "unexpected EOF"},
		"a block is missing":      {func(msgs string) error { return os.Remove(filepath.Join(msgs, block(first+1))) }, "comes after"},
		"its block is missing":    {func(msgs string) error { return os.Remove(filepath.Join(msgs, block(first))) }, "last block is missing"},
		"its block is empty":      {edit(block(first), func([]byte) []byte { return nil }), "not where it should be"},
		"a new block is empty":    {edit(block(first+3), func([]byte) []byte { return nil }), "is empty"},
		"a message is cut off":    {edit(block(first+3), cut(1)), "not whole"},
		"a header is cut off":     {edit(block(first+3), func(b []byte) []byte { return append(b, 1, 2, 3) }), "not whole"},
		"zeros after the end":     {edit(block(first+3), func(b []byte) []byte { return append(b, make([]byte, 99)...) }), "not whole"},
		"another byte":            {edit(block(first+2), flip(99)), "checksum of message"},
		"a message twice":         {edit(block(first+3), func(b []byte) []byte { return append(b, b...) }), "comes after"},
		"damaged compressed file": {edit(block(first+1), func(b []byte) []byte { return append([]byte("cmp\x01\x99"), b...) }), "corrupt"},
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
		"deleted before the index": {func(g *growing) { g.delete(2) }, func(*growing) {}, "messages were deleted"},
		"deleted after it":         {func(*growing) {}, func(g *growing) { g.delete(2) }, "comes after"},
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
	_, err := ExtendIndex(msgs, "S")
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

// TestExtendNothing: an index of the last message stays as it is.
func TestExtendNothing(t *testing.T) {
	t.Parallel()
	g := newGrowing(t, rand.New(rand.NewPCG(8, 8)))
	g.publish(3)
	if err := WriteIndex(g.srv, "S"); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(msgsOf(g.dir), IndexName)
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if last, err := ExtendIndex(msgsOf(g.dir), "S"); err != nil || last != 3 {
		t.Errorf("up to %d: %v", last, err)
	}
	if after, err := os.Stat(path); err != nil || !os.SameFile(before, after) {
		t.Errorf("it was written: %v", err)
	}
}

// FuzzParseIndex: an index of any content is one or an error.
func FuzzParseIndex(f *testing.F) {
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
		i, err := parseIndex(whole, "S")
		if err == nil && (i.messages == 0 || len(i.blocks) == 0 || i.subjects > uint64(len(content))) {
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

// rebuilt is the index of a server that has read all messages.
func (g *growing) rebuilt() *savedIndex {
	g.t.Helper()
	dir := g.copy()
	if err := os.Remove(filepath.Join(msgsOf(dir), IndexName)); err != nil {
		g.t.Fatal(err)
	}
	srv, conn := start(g.t, dir)
	conn.Close()
	srv.Shutdown()
	srv.WaitForShutdown()
	return g.indexOf(dir)
}

func (g *growing) indexOf(dir string) *savedIndex {
	g.t.Helper()
	content, err := os.ReadFile(filepath.Join(msgsOf(dir), IndexName))
	if err != nil {
		g.t.Fatal(err)
	}
	i, err := parseIndex(content, "S")
	if err != nil {
		g.t.Fatal(err)
	}
	return i
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

// same compares two indexes; the order of subjects is any.
func same(t *testing.T, got, want *savedIndex) {
	t.Helper()
	states := func(i *savedIndex) map[string]subjectState {
		all := map[string]subjectState{}
		x := newExtension(i, "S")
		x.each(func(subject []byte, of *subjectState, _ *change) { all[string(subject)] = *of })
		return all
	}
	if !maps.Equal(states(got), states(want)) {
		t.Errorf("subjects\n%v, want\n%v", states(got), states(want))
	}
	a, b := *got, *want
	a.states, b.states = nil, nil
	if fmt.Sprintf("%+v", a) != fmt.Sprintf("%+v", b) {
		t.Errorf("index\n%+v, want\n%+v", a, b)
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

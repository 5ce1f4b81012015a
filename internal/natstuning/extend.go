package natstuning

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"hash"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"

	"github.com/nats-io/nats-server/v2/server"
)

// A turn ends with the block in which it has added turnWhileRunning or turnAtStart messages, or a fifth of those that
// the index has if that is more, mostInTurn at most. Each takes some 150 bytes of memory meanwhile. A turn takes some
// 0.2 s for each million subjects of the index, and 0.8 s for each million messages that it adds.
const (
	turnShare        = 5
	turnWhileRunning = 250_000
	turnAtStart      = 4_000_000
	mostInTurn       = 16_000_000
	mostNames        = 1 << 31 // bytes of subjects; their places have 32 bits
)

// An index that is not sorted is sorted whole if it has at most so many subjects. Each takes as much memory as one that
// is added. The server writes an index each two minutes while it has up to a million, and at its stop.
const (
	sortWhileRunning = 1_100_000
	sortAtStart      = 4_000_000
)

// mostReaders bounds the blocks that are read at once: each takes some 12 MB of memory.
const mostReaders = 4

// ErrIndex is why there is no index: the files do not hold whole messages, one after the other. The server then reads
// the whole stream, which finds out what is wrong.
var ErrIndex = errors.New("there can be no index")

func noIndex(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrIndex, fmt.Errorf(format, args...))
}

// ExtendIndex adds to the index of a stream what was stored after it, or makes one, for a server that is not running.
// The server uses an index only if it is that of the last message, so after a kill it would read all messages, one
// after the other. Here only those are read that the index lacks, on several cores. msgs is the directory of the
// stream's messages, of which none was ever deleted. last is the sequence of the index that is there now, and sorted
// tells whether its subjects are. It returns [ErrIndex] where the server has to read all messages. An index that knows
// of messages that are not there stays: the server does not give their sequences to others.
func ExtendIndex(msgs, stream string) (last uint64, sorted bool, err error) {
	if err := checkVersion(); err != nil {
		return 0, false, err
	}
	for {
		x := &extension{stream: stream, msgs: msgs, turn: turnAtStart, toSort: sortAtStart, upTo: math.MaxUint64}
		x.readers = min(runtime.GOMAXPROCS(0), mostReaders)
		if err := x.extend(); err != nil || x.whole {
			return x.lastSeq, x.sorted, err
		}
	}
}

// ExtendIndexOf is as [ExtendIndex], for a server that runs: it adds some of the messages that the index lacks, of
// those that the server has synced. The server stores and reads meanwhile. last is the sequence of the index that is
// there now.
func ExtendIndexOf(srv *server.Server, stream string) (last uint64, err error) {
	opened, err := OpenStream(srv, stream)
	if err != nil {
		return 0, err
	}
	defer recoverReflection(&err)
	store, err := fileStoreOf(srv, stream)
	if err != nil {
		return 0, err
	}
	if !privateField(store, "prf").IsNil() {
		return 0, fmt.Errorf("stream %s is encrypted", stream)
	}
	alone := privateField(store, "wfsmu").Addr().Interface().(*sync.Mutex) // the server writes an index, too
	alone.Lock()
	defer alone.Unlock()
	msgs := MessagesDir(privateField(store, "fcfg").FieldByName("StoreDir").String())
	x := &extension{stream: stream, msgs: msgs, turn: turnWhileRunning, toSort: sortWhileRunning, readers: 1}
	x.upTo = opened.synced()
	err = x.extend()
	return x.lastSeq, err
}

// An extension is an index that is being extended. What it has of messages and blocks is brought up to date by
// readBlocks; subjects, statesAt and statesEnd are those of the file that is there.
type extension struct {
	savedIndex
	stream, msgs string
	turn         int    // it ends with the block that has so many messages
	toSort       uint64 // an index with so many subjects is sorted whole if it is not
	readers      int    // of blocks at once
	upTo         uint64 // the last sequence that it may have; MaxUint64: all, as the server does not append

	old   *os.File // nil: there is none to extend
	added additions
	whole bool // nothing is lacking
}

// extend adds to the index the messages of a turn, up to the end of a block.
func (x *extension) extend() error {
	path := filepath.Join(x.msgs, IndexName)
	x.sorted = true
	if old, err := os.Open(path); err == nil { //nolint:gosec // the server's own path
		defer old.Close() // it was only read
		if err := x.begin(old); err != nil {
			return err
		}
	}
	x.turn = max(x.turn, int(min(x.messages/turnShare, mostInTurn))) //nolint:gosec // it is small
	before := x.lastSeq
	x.reserve()
	if err := x.readBlocks(); err != nil {
		return err
	}
	if x.messages == 0 {
		return noIndex("there is no message")
	}
	if x.lastSeq == before {
		return nil
	}
	if err := x.sortOld(); err != nil {
		return err
	}
	x.added.sortAndCombine(x.readers)
	places, err := x.places()
	if err != nil {
		return err
	}
	return replaceIndex(path, x.stream, func(w *indexWriter) error { return x.write(w, places) })
}

// reserve takes the memory for what is to be added, where that is known. Its subjects are as long as the index's.
func (x *extension) reserve() {
	if x.upTo == math.MaxUint64 || x.upTo <= x.lastSeq || x.subjects == 0 {
		return
	}
	messages := int(min(x.upTo-x.lastSeq, uint64(x.turn))) //nolint:gosec // of a turn
	length := int(x.statesSize())/int(x.subjects) + 1      //nolint:gosec // as above
	x.added.reserve(messages, min(messages*length, mostNames))
}

// sortOld makes additions of the states of an index that is not sorted, unless there are too many.
func (x *extension) sortOld() error {
	if x.sorted || x.subjects > x.toSort || int64(len(x.added.names))+x.statesSize() > math.MaxUint32 {
		return nil
	}
	r := newIndexReader(x.oldStates())
	r.eachState(x.subjects, func(_ int64, s savedState) { x.added.add(s.subject, s.state()) })
	x.subjects, x.statesEnd, x.sorted = 0, x.statesAt, true
	return r.err
}

// begin takes over the index that there is. One that cannot be read is as good as none. One that can be read and is not
// of these messages is not: it tells the server what was lost.
func (x *extension) begin(old *os.File) error {
	stat, err := old.Stat()
	if err != nil {
		return err
	}
	found, err := readIndex(old, stat.Size(), x.stream)
	switch {
	case errors.Is(err, errDeleted):
		return noIndex("%w", err)
	case err != nil:
		return nil
	case !x.isOf(found):
		return noIndex("its last message is not where it should be")
	}
	x.savedIndex, x.old = *found, old
	return nil
}

// isOf reports whether the last message of an index is where the index has it.
func (x *extension) isOf(index *savedIndex) bool {
	last := index.blocks[len(index.blocks)-1]
	block, err := OpenBlock(filepath.Join(x.msgs, BlockName(last.number)))
	if err != nil {
		return false
	}
	defer block.Close() // it was only read
	records, err := block.RecordsAt()
	if err != nil {
		return false
	}
	var checksum [RecordChecksum]byte
	_, err = records.ReadAt(checksum[:], int64(last.bytes)-RecordChecksum) //nolint:gosec // a block has no more
	return err == nil && checksum == index.checksum
}

// readBlocks reads the messages after the index: several blocks at once, which it adds in their order.
func (x *extension) readBlocks() error {
	files, err := BlockFiles(x.msgs)
	if err != nil {
		return err
	}
	var from indexedBlock // the last one of the index
	if len(x.blocks) > 0 {
		from = x.blocks[len(x.blocks)-1]
		files = slices.DeleteFunc(files, func(f BlockFile) bool { return f.Number < from.number })
	}
	var scanning sync.WaitGroup
	defer scanning.Wait()
	ended := make(chan struct{})
	defer close(ended)
	queue := make(chan chan *blockScan, x.readers-1)
	scanning.Go(func() {
		defer close(queue)
		for i, file := range files {
			scanned := make(chan *blockScan, 1)
			select {
			case queue <- scanned:
			case <-ended:
				return
			}
			scanning.Go(func() {
				s := blockScans.Get().(*blockScan)
				s.scan(file, x.stream, from, x.upTo, i == len(files)-1)
				scanned <- s
			})
		}
	})
	begin := x.messages
	for scanned := range queue {
		s := <-scanned
		if s.err == nil {
			s.err = x.add(s)
		}
		if s.err != nil {
			return noIndex("block %d: %w", s.number, s.err)
		}
		blockScans.Put(s)
		if x.messages-begin >= uint64(x.turn) || len(x.added.names) >= mostNames { //nolint:gosec // a positive number
			return nil
		}
	}
	x.whole = true
	return nil
}

// A blockScan is what a block has after an index.
type blockScan struct {
	indexedBlock // its times are since 1970
	records      []byte
	subjects     [][]byte             // of the messages, in records
	checksum     [RecordChecksum]byte // of the last message
	err          error
}

// blockScans are used again: the records of one have 8 MB.
var blockScans = sync.Pool{New: func() any { return new(blockScan) }}

// scan reads the messages of a block, or those after the index whose last block it is (0: there is no index), up to a
// sequence. Its checks are those of the server. While that runs, the newest block may end with a part of a message; and
// it has just made the checksums of the others, if it goes on from an index.
func (s *blockScan) scan(file BlockFile, stream string, from indexedBlock, upTo uint64, newest bool) {
	running := upTo < math.MaxUint64
	*s = blockScan{indexedBlock: indexedBlock{number: file.Number}, records: s.records[:0], subjects: s.subjects[:0]}
	block, err := OpenBlock(file.Path)
	if err == nil {
		s.records, err = block.readAll(s.records)
		_ = block.Close() // it was only read
	}
	var sum hash.Hash64
	if err == nil && (newest || !running || from.number == 0) {
		sum, err = blockHash(stream, file.Number)
	}
	if err != nil {
		s.err = err
		return
	}
	rest := s.records
	if file.Number == from.number {
		rest = rest[min(from.bytes, uint64(len(rest))):]
	}
	for len(rest) > 0 && s.err == nil {
		r, size, err := checkedRecord(rest, sum)
		if err != nil {
			if !running || !newest {
				s.err = err
			}
			return
		}
		if r.Seq > upTo && r.Seq&deletedBits == 0 {
			return
		}
		s.err = s.add(&r, size)
		rest = rest[size:]
	}
}

// checkedRecord is as [ParseRecord], and compares the checksum if sum is not nil.
func checkedRecord(b []byte, sum hash.Hash64) (r Record, size int, err error) {
	r, size, err = ParseRecord(b)
	if err != nil || size == 0 || size > len(b) {
		return r, size, errors.New("the last message is not whole")
	}
	if sum == nil {
		return r, size, nil
	}
	var got [RecordChecksum]byte
	sumRecord(sum, b, r.Subject, r.Body)
	if !bytes.Equal(sum.Sum(got[:0]), r.Checksum[:]) {
		err = fmt.Errorf("the checksum of message %d is another one", r.Seq)
	}
	return r, size, err
}

func (s *blockScan) add(r *Record, size int) error {
	switch {
	case r.Seq&deletedBits != 0:
		return errors.New("messages were deleted")
	case len(r.Subject) == 0:
		return fmt.Errorf("message %d has no subject", r.Seq)
	case len(s.subjects) == 0:
		s.firstSeq, s.firstTime = r.Seq, r.Time
	case r.Seq != s.lastSeq+1:
		return fmt.Errorf("message %d comes after %d", r.Seq, s.lastSeq)
	}
	if r.HasHeaders && expires(r.Body[:len(r.Body)-len(r.Message)]) {
		return fmt.Errorf("message %d is to be deleted later", r.Seq)
	}
	s.bytes += uint64(size) //nolint:gosec // a positive number
	s.lastSeq, s.lastTime, s.checksum = r.Seq, r.Time, r.Checksum
	s.subjects = append(s.subjects, r.Subject)
	return nil
}

// expires reports whether a message has headers with which the server deletes it, or sends it, later.
func expires(headers []byte) bool {
	return bytes.Contains(headers, []byte("\r\nNats-TTL:")) || bytes.Contains(headers, []byte("\r\nNats-Schedule"))
}

// add adds the messages of the next block.
func (x *extension) add(s *blockScan) error {
	known := len(x.blocks) > 0 && x.blocks[len(x.blocks)-1].number == s.number
	switch {
	case len(s.subjects) == 0 && !known && x.upTo == math.MaxUint64:
		return errors.New("it is empty")
	case len(s.subjects) == 0:
		return nil
	case x.messages == 0:
		x.firstSeq, x.base = s.firstSeq, s.firstTime
	case s.firstSeq != x.lastSeq+1:
		return fmt.Errorf("message %d comes after %d", s.firstSeq, x.lastSeq)
	}
	s.firstTime, s.lastTime = s.firstTime-x.base, s.lastTime-x.base
	if known {
		last := &x.blocks[len(x.blocks)-1]
		last.bytes, last.lastSeq, last.lastTime = last.bytes+s.bytes, s.lastSeq, s.lastTime
	} else {
		x.blocks = append(x.blocks, s.indexedBlock)
	}
	for _, subject := range s.subjects {
		x.added.add(subject, subjectState{1, uint32(s.number), uint32(s.number)}) //nolint:gosec // it has 32 bits
	}
	x.messages, x.bytes = x.messages+uint64(len(s.subjects)), x.bytes+s.bytes
	x.lastSeq, x.lastTime, x.checksum = s.lastSeq, s.lastTime+x.base, s.checksum
	return nil
}

// An insertion is where an addition goes among the states of the index that there is.
type insertion struct {
	at, size int64 // in the states; size: of the one that it replaces, 0: none
	addition int
}

// places finds where the additions go, from the first to the last, and adds to each what the index has of its subject.
func (x *extension) places() (all []insertion, err error) {
	all = make([]insertion, 0, len(x.added.list))
	r := newIndexReader(x.oldStates())
	if x.sorted {
		all = x.merge(r, all)
	} else {
		all = x.search(r, all)
	}
	return all, r.err
}

// merge is places in a sorted index. It stays sorted: the server then fills its tree as it lies in memory, several
// times as fast.
func (x *extension) merge(r *indexReader, all []insertion) []insertion {
	added := x.added.list
	i := 0
	r.eachState(x.subjects, func(at int64, s savedState) {
		for ; i < len(added); i++ {
			switch bytes.Compare(x.added.name(&added[i]), s.subject) {
			case -1:
				all = append(all, insertion{at, 0, i})
			case 0:
				added[i].combine(s.state())
				all = append(all, insertion{at, int64(len(s.record)), i})
			case 1:
				return
			}
		}
	})
	for ; i < len(added); i++ {
		all = append(all, insertion{x.statesSize(), 0, i})
	}
	return all
}

// search is places in an index that is not sorted: it has the order of the server's tree. What is new goes to its end,
// sorted.
func (x *extension) search(r *indexReader, all []insertion) []insertion {
	places := x.added.byName()
	known := make([]bool, len(x.added.list))
	r.eachState(x.subjects, func(at int64, s savedState) {
		if i, has := places[string(s.subject)]; has {
			x.added.list[i].combine(s.state())
			all, known[i] = append(all, insertion{at, int64(len(s.record)), i}), true
		}
	})
	for i, known := range known {
		if !known {
			all = append(all, insertion{x.statesSize(), 0, i})
		}
	}
	return all
}

// oldStates are the states of subjects in the index that there is.
func (x *extension) oldStates() io.Reader {
	if x.old == nil {
		return bytes.NewReader(nil)
	}
	return io.NewSectionReader(x.old, x.statesAt, x.statesSize())
}

// write writes the index with the additions at their places.
func (x *extension) write(w *indexWriter, places []insertion) error {
	subjects := x.subjects
	for _, of := range places {
		if of.size == 0 {
			subjects++
		}
	}
	w.head(&x.savedIndex, subjects)
	in, at := bufio.NewReaderSize(x.oldStates(), 1<<20), int64(0)
	for _, of := range places {
		w.copy(in, of.at-at)
		if _, err := in.Discard(int(of.size)); err != nil {
			return err
		}
		added := &x.added.list[of.addition]
		w.subject(x.added.name(added), &added.subjectState)
		at = of.at + of.size
	}
	w.copy(in, x.statesSize()-at)
	if x.old != nil {
		_ = x.old.Close() // Windows replaces no open file
	}
	w.unsigned(uint64(len(x.blocks)))
	for _, b := range x.blocks {
		w.indexed(b)
	}
	w.unsigned(x.blocks[len(x.blocks)-1].number)
	w.write(x.checksum[:])
	return nil
}

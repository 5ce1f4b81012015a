package projector

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
)

const (
	commitAfter   = 500 * time.Millisecond // since the first event of a batch
	commitBusy    = 2 * time.Second        // likewise, while more events are at hand
	commitEnded   = 5 * time.Millisecond   // since an import ended, while more events are at hand
	concurrentFor = 2 * time.Second        // since several imports went on
	readyLagMost  = 30 * time.Second       // behind for longer: not ready
)

// Log is what the projector needs of an [*eventlog.Log].
type Log interface {
	State(ctx context.Context) (eventlog.State, error)
	MessageAt(ctx context.Context, seq events.Seq) (eventlog.Message, bool, error)
	LastFact(ctx context.Context, job events.JobID) (eventlog.Message, bool, error)
	Fact(ctx context.Context, subject string) (eventlog.Message, bool, error)
	Follow(ctx context.Context, after events.Seq, filter []string, fn func(eventlog.Message) error) error
	RedeliverJobs(ctx context.Context) error
}

// Projector keeps the views of one data folder and answers from them.
type Projector struct {
	log          Log
	store        *store
	flushRequest chan struct{} // a reader waits

	rooms sync.Pool // *recent, of readers that are done

	mu        sync.Mutex
	live      map[events.JobID]*Job // imports that go on, as far as they were folded; never changed once in here
	changed   chan struct{}         // closed when anything below or above moves
	wanted    events.Seq            // the largest that a reader waits for
	committed events.Seq
	at        time.Time  // of the event at committed
	head      events.Seq // the stream's end as last heard of
	caughtUp  bool       // committed was the stream's end once
	failure   error      // why Run ended, or cannot go on for now
}

// Open opens the views in a folder, which only one process may do at a time. A
// file that is damaged is set aside with a warning, one that does not belong to
// the log's stream is removed; Run then folds the stream from its beginning. It
// asks the stream's leader, until ctx ends.
func Open(ctx context.Context, dir string, log Log) (*Projector, error) {
	path := filepath.Join(dir, FileName)
	s, err := openStore(path)
	if errors.Is(err, errDamaged) {
		slog.Warn("the views are damaged and are made anew from the stream", "file", path, "set_aside", path+".bad", "reason", err)
		if err := setAside(path); err != nil {
			return nil, fmt.Errorf("set the damaged views aside: %w", err)
		}
		s, err = openStore(path)
	}
	if err != nil {
		return nil, fmt.Errorf("open the views: %w", err)
	}
	if s, err = openMatching(ctx, s, path, log); err != nil {
		return nil, err
	}
	return &Projector{
		log: log, store: s, flushRequest: make(chan struct{}, 1),
		live: map[events.JobID]*Job{}, changed: make(chan struct{}),
		committed: s.position.Seq, at: s.position.Time,
	}, nil
}

// fit gives the store, or an empty one if it is not of the log's stream.
func openMatching(ctx context.Context, s *store, path string, log Log) (*store, error) {
	state, reason, err := checkOrigin(ctx, s.position, log)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the views: %w", err), s.close())
	}
	if reason != "" {
		slog.Warn("the views are made anew from the stream", "file", path, "reason", reason)
		if err = s.leave(ctx, path, state, log); err == nil {
			s, err = openStore(path)
		}
		if err != nil {
			return nil, fmt.Errorf("open the views: %w", err)
		}
	}
	s.position.Created = state.Created
	return s, nil
}

// leave closes views that do not fit the stream and clears their place. Where the
// stream has lost its end they are the only ones that know what was in it: they
// are kept beside, what is lost is told, and imports whose end is lost go on.
func (s *store) leave(ctx context.Context, path string, state eventlog.State, log Log) error {
	if s.position.Format != format || !s.position.Created.Equal(state.Created) || s.position.Seq <= state.Last {
		return errors.Join(s.close(), os.Remove(path))
	}
	l, err := s.truncatedSince(state.Last)
	if err != nil {
		slog.Warn("what the stream has lost cannot be read from the views", "error", err)
	}
	l.warn(path + ".bad")
	if err := log.RedeliverJobs(ctx); err != nil {
		return errors.Join(err, s.close())
	}
	return errors.Join(s.close(), setAside(path))
}

// compare says why a position is not one of the log's stream; "" if it is.
func checkOrigin(ctx context.Context, p position, log Log) (state eventlog.State, reason string, err error) {
	state, err = log.State(ctx)
	if err != nil {
		return state, "", err
	}
	switch {
	case p.Format != format:
		return state, fmt.Sprintf("they have format %d, this program writes %d", p.Format, format), nil
	case p.Seq == 0:
		return state, "", nil
	case !p.Created.Equal(state.Created):
		return state, "they are of another stream", nil
	case p.Seq > state.Last:
		return state, fmt.Sprintf("they are at sequence %d, ahead of the stream, which ends at %d", p.Seq, state.Last), nil
	}
	message, found, err := log.MessageAt(ctx, p.Seq)
	if err != nil {
		return state, "", err
	}
	envelope, decodeErr := message.Decode()
	if !found || decodeErr != nil || envelope.ID != p.ID || !message.Time.Equal(p.Time) {
		reason = fmt.Sprintf("the stream holds another event at their sequence %d", p.Seq)
	}
	return state, reason, nil
}

// Close closes the file; Run must have returned.
func (p *Projector) Close() error { return p.store.close() }

// Run follows the stream and folds it, until ctx ends: then it returns nil. Any
// other end is an error, which Ready tells from then on. A full disk is none: Ready tells of it
// until there is room again.
func (p *Projector) Run(ctx context.Context) error {
	for {
		err := p.followOn(ctx)
		if !errors.Is(err, syscall.ENOSPC) {
			return err
		}
		if err := p.waitForSpace(ctx, err); err != nil || ctx.Err() != nil {
			return err
		}
	}
}

// followOn follows from the last commit on.
func (p *Projector) followOn(ctx context.Context) error {
	following, stop := context.WithCancel(ctx)
	defer stop()
	stream := follow(following, p.log, p.store.position.Seq, 0, p.onHead)
	err := newCommitter(p, p.store).run(stream)
	stop()
	followErr := stream.wait()
	if err == nil && ctx.Err() == nil {
		err = followErr
	}
	if err != nil {
		p.fail(err)
	}
	return err
}

// heard remembers the stream's end.
func (p *Projector) onHead(head events.Seq) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.head = max(p.head, head)
}

func (p *Projector) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failure = err
	p.notify()
}

// notify wakes all who wait; the lock must be held.
func (p *Projector) notify() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// publish shows readers how far imports are, before it is committed. One that
// ended is shown only when all of it can be read.
func (p *Projector) publishProgress(jobs []*Job, at events.Seq) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, j := range jobs {
		if !j.Ended() {
			p.live[j.ID] = j.snapshot(at)
		}
	}
	p.notify()
}

// published makes a commit known.
func (p *Projector) onCommit(at position, ended []events.JobID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, id := range ended {
		delete(p.live, id)
	}
	p.committed, p.at, p.failure = at.Seq, at.Time, nil
	p.head = max(p.head, at.Seq)
	p.caughtUp = p.caughtUp || p.committed >= p.head
	p.notify()
}

// awaited tells whether a reader waits for what lies behind one position, up to another.
func (p *Projector) hasWaiter(behind, upTo events.Seq) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.wanted > behind && p.wanted <= upTo
}

// Lag says how many events of the stream the views do not hold yet, and how old
// the last one that they do hold is, if there are any (else 0).
func (p *Projector) Lag() (uint64, time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lag()
}

func (p *Projector) lag() (uint64, time.Duration) {
	if p.head <= p.committed {
		return 0, 0
	}
	behind := time.Duration(0)
	if !p.at.IsZero() {
		behind = max(0, time.Since(p.at))
	}
	return uint64(p.head - p.committed), behind
}

// Position is the sequence of the last event that the views hold.
func (p *Projector) Position() events.Seq {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.committed
}

// Digest is the SHA-256 of all views, in hex: equal for equal views. It reads
// the whole file.
func (p *Projector) Digest() (string, error) { return p.store.digest() }

// WriteTo writes a copy of the views' file as the last commit left it, while the projector
// runs, and gives the number of bytes. Nothing can reuse pages meanwhile: write to a file, not to a client.
func (p *Projector) WriteTo(w io.Writer) (n int64, err error) {
	err = p.read(func(r reader) error {
		n, err = r.tx.WriteTo(w)
		return err
	})
	return n, err
}

// Ready is nil when the stream answers and the views follow it: they have been at its
// end once since they were opened, and are no more than 30 s behind. Otherwise it says why not.
func (p *Projector) Ready(ctx context.Context) error {
	state, err := p.log.State(ctx)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failure != nil {
		return p.failure
	}
	p.head = max(p.head, state.Last)
	p.caughtUp = p.caughtUp || p.committed >= state.Last
	if n, behind := p.lag(); !p.caughtUp || behind > readyLagMost && n > 2*maxBatchEvents {
		return fmt.Errorf("the views are %d events behind", n)
	}
	return nil
}

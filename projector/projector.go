package projector

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/projector/viewstore"
)

const (
	commitAfter   = 500 * time.Millisecond // after a memtable's first event
	commitBusy    = 2 * time.Second        // the same, while more events are pending
	commitEnded   = 5 * time.Millisecond   // after an import's end, while more events are pending
	concurrentFor = 2 * time.Second        // after several imports were running
	maxReadyLag   = 30 * time.Second       // behind for longer: not ready
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

// Projector folds the stream into the views of one data directory, and reads them.
type Projector struct {
	log          Log
	store        *viewstore.Store
	flushRequest chan struct{} // a reader waits

	mu        sync.Mutex
	live      map[events.JobID]*Job // running imports as last folded; an entry is replaced, never changed
	changed   chan struct{}         // closed when anything of these fields changes
	wanted    events.Seq            // the largest that a reader waits for
	committed events.Seq
	at        time.Time  // of the event at committed
	head      events.Seq // the stream's end as last seen
	caughtUp  bool       // committed was the stream's end once
	failure   error      // why Run ended, or cannot continue for now
}

// Open opens the views of a directory, which only one process can do at a time. It asks the stream's
// leader, until ctx ends. A damaged file is set aside with a warning, and one of another version is
// removed; Run then folds the stream from its beginning. If the stream does not hold what the views
// hold, the error is a *[eventlog.LossError], and nothing is changed.
func Open(ctx context.Context, dir string, log Log) (*Projector, error) {
	path := filepath.Join(dir, FileName)
	s, err := viewstore.Open(path, schema)
	if errors.Is(err, ErrDamaged) {
		slog.Warn("the views are damaged and are folded again from the stream",
			"file", path, "set_aside", path+".bad", "reason", err)
		if err := setAside(path); err != nil {
			return nil, fmt.Errorf("set the damaged views aside: %w", err)
		}
		s, err = viewstore.Open(path, schema)
	}
	if err != nil {
		return nil, fmt.Errorf("open the views: %w", err)
	}
	if s, err = openMatching(ctx, s, path, log); err != nil {
		return nil, err
	}
	p := s.Position()
	return &Projector{
		log: log, store: s, flushRequest: make(chan struct{}, 1),
		live: map[events.JobID]*Job{}, changed: make(chan struct{}),
		committed: events.Seq(p.Seq), at: p.Time,
	}, nil
}

// Close closes the file. Run must have returned.
func (p *Projector) Close() error { return p.store.Close() }

// Run follows the stream and folds it until ctx ends; then it returns nil. After any other error it
// returns that, and Ready reports it from then on. On a full disk Run waits: Ready reports the error
// until there is free space.
func (p *Projector) Run(ctx context.Context) error {
	for {
		err := p.followFromCommit(ctx)
		if !errors.Is(err, syscall.ENOSPC) {
			return err
		}
		if err := p.waitForSpace(ctx, err); err != nil || ctx.Err() != nil {
			return err
		}
	}
}

// followFromCommit folds from the last commit on.
func (p *Projector) followFromCommit(ctx context.Context) error {
	following, stop := context.WithCancel(ctx)
	defer stop()
	stream := follow(following, p.log, events.Seq(p.store.Position().Seq), 0, p.onHead)
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

// onHead records the stream's end.
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

// notify wakes all waiting readers. The caller holds the lock.
func (p *Projector) notify() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// publishProgress shows readers the progress of imports before it is committed. The end of an import
// is shown only after its commit, when all of it can be read.
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

// onCommit shows readers a commit.
func (p *Projector) onCommit(at viewstore.Position, ended []events.JobID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, id := range ended {
		delete(p.live, id)
	}
	p.committed, p.at, p.failure = events.Seq(at.Seq), at.Time, nil
	p.head = max(p.head, p.committed)
	p.caughtUp = p.caughtUp || p.committed >= p.head
	p.notify()
}

// hasWaiter reports whether a reader waits for a sequence after one position, up to another.
func (p *Projector) hasWaiter(after, upTo events.Seq) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.wanted > after && p.wanted <= upTo
}

// Lag is the number of the stream's events that the views do not hold yet and, if there are any, the
// age of the last event that they hold.
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

// Digest is the SHA-256 of all views, in hex: equal for equal views. It reads the whole file.
func (p *Projector) Digest() (string, error) { return p.store.Digest() }

// WriteTo writes a copy of the views' file as the last commit left it, while the projector runs, and
// returns the number of bytes. The file cannot reuse pages meanwhile: write to a file, not to a
// client.
func (p *Projector) WriteTo(w io.Writer) (n int64, err error) {
	err = p.read(func(r *Reader) error {
		n, err = r.WriteTo(w)
		return err
	})
	return n, err
}

// Ready is nil when the stream answers and the views follow it: they were at its end once since they
// were opened, and are at most 30 s behind. Otherwise it says why not.
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
	if n, behind := p.lag(); !p.caughtUp || behind > maxReadyLag && n > 2*maxBatchEvents {
		return fmt.Errorf("the views are %d events behind", n)
	}
	return nil
}

// CountImports counts the imports by status, as the last commit left them. It walks all of them:
// some milliseconds for 100,000.
func (p *Projector) CountImports() (map[string]int, error) {
	counts := map[string]int{}
	err := p.read(func(r *Reader) error {
		for _, s := range []Status{StatusPending, StatusRunning, StatusSuccess, StatusError} {
			counts[string(s)] = 0
			for range ascending[events.JobID](r.bound, r.views.Keys(jobIndex, viewstore.TextPrefix(statusIndex(s))), 0) {
				counts[string(s)]++
			}
		}
		return nil
	})
	return counts, err
}

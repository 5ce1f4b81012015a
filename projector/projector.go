package projector

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/internal/fsx"
	"licenseimport/projector/viewstore"
)

const (
	commitAfter   = 500 * time.Millisecond // after a memtable's first event
	commitBusy    = 2 * time.Second        // the same, while more events are pending
	commitEnded   = 5 * time.Millisecond   // after an import's end, while more events are pending
	concurrentFor = 2 * time.Second        // after several imports were running
	maxReadyLag   = 30 * time.Second       // behind for longer: not ready
	probeTime     = time.Second            // for the read that readiness makes
)

// stopTime is how long a commit may take to end when the process stops, but for tests.
var stopTime = 5 * time.Second

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
	path         string // of the views' file
	open         atomic.Pointer[viewstore.Store]
	flushRequest chan struct{} // a reader waits
	rebuilds     chan *rebuildCall
	replacing    atomic.Bool   // another file is being made: rebuilds wait
	shrinkEvery  time.Duration // between two checks of the file's free pages
	wasteful     func(viewstore.Usage) bool

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
	return BeginOpen(dir).Finish(ctx, log)
}

// An Opening opens the views of a directory in the background.
type Opening struct {
	dir  string
	file *viewstore.Opening
}

// BeginOpen begins to open the views of a directory: what needs no stream, and so may go on while NATS starts.
func BeginOpen(dir string) *Opening {
	return &Opening{dir, viewstore.BeginOpen(filepath.Join(dir, FileName), schema)}
}

// Finish is [Open].
func (o *Opening) Finish(ctx context.Context, log Log) (*Projector, error) {
	p := &Projector{
		log: log, path: filepath.Join(o.dir, FileName), flushRequest: make(chan struct{}, 1), changed: make(chan struct{}),
		rebuilds: make(chan *rebuildCall), shrinkEvery: shrinkEvery, wasteful: viewstore.Usage.Wasteful,
	}
	s, err := openStore(ctx, p.path, log, o.file)
	if err != nil {
		return nil, err
	}
	left := errors.Join(removeIfThere(p.fresh()), fsx.RemoveTemp(o.dir, copyPrefix)) // by a process that was killed
	if left != nil {
		return nil, errors.Join(left, s.Close())
	}
	p.use(s)
	return p, nil
}

// Close closes the views, if Finish has not returned them.
func (o *Opening) Close() { o.file.Close() }

// openStore opens the file for the log's stream.
func openStore(ctx context.Context, path string, log Log, opening *viewstore.Opening) (*viewstore.Store, error) {
	s, err := opening.Finish()
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
	return openMatching(ctx, s, path, log)
}

// use makes a store the one that is folded into and read.
func (p *Projector) use(s *viewstore.Store) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open.Store(s) // who sees it must not see the failure of the one before
	at := s.Position()
	p.live, p.committed, p.at = map[events.JobID]*Job{}, events.Seq(at.Seq), at.Time
	p.caughtUp, p.failure = false, nil
	p.notify()
}

// store is the file of views that is open.
func (p *Projector) store() *viewstore.Store { return p.open.Load() }

// onStore calls f with the file that is open: again where the file was replaced before a call of f reached it.
func (p *Projector) onStore(f func(*viewstore.Store) error) error {
	for {
		if err := f(p.store()); !errors.Is(err, viewstore.ErrRetired) {
			return err
		}
	}
}

// Close closes the file. Run must have returned. Where reads or a commit hang, Close leaves them behind
// after 5 s and says so.
func (p *Projector) Close() error { return p.store().Close() }

// Run follows the stream and folds it until ctx ends; then it returns nil, after 5 s at most: a commit
// that hangs is left behind. After any other error it returns that, and Ready reports it from then on.
// On a full disk Run waits: Ready reports the error until there is free space. A file that is damaged
// while it is open is replaced (damage.go).
func (p *Projector) Run(ctx context.Context) error {
	done := make(chan error, 1)
	go func() { done <- p.run(ctx) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-done:
		return err
	case <-time.After(stopTime):
		slog.Warn("a commit of the views hangs and is left behind", "file", p.path)
		return nil
	}
}

func (p *Projector) run(ctx context.Context) error {
	for {
		err := p.followAndReplace(ctx)
		switch {
		case err == nil && ctx.Err() == nil: // the file was replaced
			continue
		case errors.Is(err, ErrDamaged):
			err = p.replaceDamaged(ctx, err)
		case errors.Is(err, syscall.ENOSPC):
			err = p.waitForSpace(ctx, err)
		default:
			return err
		}
		if err != nil || ctx.Err() != nil {
			return err
		}
	}
}

// followFromCommit folds from the last commit on.
func (p *Projector) followFromCommit(ctx context.Context) error {
	following, stop := context.WithCancel(ctx)
	defer stop()
	s := p.store()
	stream := follow(following, p.log, events.Seq(s.Position().Seq), 0, p.onHead)
	err := newCommitter(p, s).run(stream)
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

// publishProgress shows readers the progress of imports, and of undos, before it is committed. The end of
// either is shown only after its commit, when all of it can be read.
func (p *Projector) publishProgress(jobs []*Job, at events.Seq) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, j := range jobs {
		if !j.Ended() || !j.Settled() && j.Ends <= p.committed {
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
func (p *Projector) Digest() (digest string, err error) {
	err = p.onStore(func(s *viewstore.Store) (err error) {
		digest, err = s.Digest()
		return err
	})
	return digest, err
}

// Usage is the size of the views' file in bytes, and how many of these hold nothing; 0 while it cannot be
// read.
func (p *Projector) Usage() (size, free int64) {
	u, err := p.usage()
	if err != nil {
		return 0, 0
	}
	return u.Size, u.Free
}

func (p *Projector) usage() (u viewstore.Usage, err error) {
	err = p.onStore(func(s *viewstore.Store) (err error) {
		u, err = s.Usage()
		return err
	})
	return u, err
}

// Ready is nil when the stream answers, a read of the views is answered within a second, and the views
// follow the stream: they were at its end once since they were opened, and are at most 30 s behind.
// Otherwise it says why not.
func (p *Projector) Ready(ctx context.Context) error {
	state, err := p.log.State(ctx)
	if err != nil {
		return err
	}
	probed := p.onStore(func(s *viewstore.Store) error { return s.Probe(probeTime) })
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := cmp.Or(p.failure, probed); err != nil {
		return err
	}
	p.head = max(p.head, state.Last)
	p.caughtUp = p.caughtUp || p.committed >= state.Last
	if n, behind := p.lag(); !p.caughtUp || behind > maxReadyLag && n > 2*maxBatchEvents {
		return fmt.Errorf("the views are %d events behind", n)
	}
	return nil
}

// CountImports counts the imports by status, and by what their rows are, as the last commit left them. It walks
// all of them: some milliseconds for 100,000.
func (p *Projector) CountImports() (byStatus, byKind map[string]int, err error) {
	byStatus, byKind = map[string]int{}, map[string]int{}
	err = p.read(func(r *Reader) error {
		for _, s := range []Status{StatusPending, StatusRunning, StatusSuccess, StatusError} {
			byStatus[string(s)] = r.countJobs(statusIndex(s))
		}
		for _, kind := range events.Kinds {
			byKind[kind.Name] = r.countJobs(kindIndex(kind))
		}
		return nil
	})
	return byStatus, byKind, err
}

// countJobs counts the imports below an entry of their index.
func (r *Reader) countJobs(index string) (n int) {
	for range ascending[events.JobID](r.bound, r.views.Keys(jobIndex, viewstore.TextPrefix(index)), 0) {
		n++
	}
	return n
}

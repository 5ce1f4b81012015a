package projector

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"time"

	"licenseimport/events"
	"licenseimport/projector/viewstore"
)

// ErrDamaged is a views' file whose bytes are not those that were written.
var ErrDamaged = viewstore.ErrDamaged

// ErrInUse is a file of views that another process has open.
var ErrInUse = viewstore.ErrInUse

// ErrHangs is a read that the views' file, or its disk, did not answer in time.
var ErrHangs = viewstore.ErrHangs

// ErrTooBroad says that a read reached its deadline.
var ErrTooBroad = errors.New("the read takes too long")

// CountUnknown is the count of a selection that no counter has: pass all of it to count it.
const CountUnknown = -1

// Read calls f with the views of the last commit. While f runs, commits cannot reuse the pages that
// they free, so f must not wait for a client. After f has returned, the Reader, its sequences and
// License.Body must not be used. After an error, what f has written must not be read: where the file
// is damaged or hangs ([ErrDamaged], [ErrHangs]), f may still run.
//
// The Reader's sequences end early when ctx ends, or after [ReadTimeout]. Read then returns the
// context's error or ErrTooBroad, whatever f returns.
func (p *Projector) Read(ctx context.Context, f func(r *Reader) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	bound := viewstore.NewBound(readLimit(ctx, time.Now().Add(ReadTimeout)))
	err := p.onStore(func(s *viewstore.Store) error {
		return s.Read(func(views *viewstore.Reader) error { return f(&Reader{views, bound}) })
	})
	if errors.Is(err, ErrHangs) || errors.Is(err, ErrDamaged) {
		return err // f may still run
	}
	return cmp.Or(bound.Err(), err)
}

// readLimit returns the check of a read's bound.
func readLimit(ctx context.Context, deadline time.Time) func() error {
	return func() error {
		if time.Now().After(deadline) {
			return ErrTooBroad
		}
		return ctx.Err()
	}
}

// read is Read without a bound.
func (p *Projector) read(f func(r *Reader) error) error {
	return p.onStore(func(s *viewstore.Store) error {
		return s.Read(func(views *viewstore.Reader) error { return f(&Reader{views: views}) })
	})
}

// Size is the size of the views' file as of the last commit, in bytes: that of a [Copy].
func (p *Projector) Size(ctx context.Context) (int64, error) {
	var size int64
	err := p.Read(ctx, func(r *Reader) error {
		size = r.views.Size()
		return nil
	})
	if err != nil {
		return 0, err
	}
	return size, nil
}

// Reader reads the views as one commit left them. It is valid during one call of [Projector.Read],
// and for one goroutine. Its methods fail with [ErrDamaged] where the file is not as it was written.
type Reader struct {
	views *viewstore.Reader
	bound *viewstore.Bound // nil: none
}

// Job returns what the last commit knows of an import; nil if there is none.
func (r *Reader) Job(id events.JobID) (*Job, error) {
	value := r.views.Entry(jobs, viewstore.NumberKey(id))
	if value == nil {
		return nil, nil
	}
	return parseJob(value)
}

// OrderCreator returns the license that made the order with an id, as the event left it that did: that is what
// is shown of the order. It is nil if there is no such order, or if it is gone.
func (r *Reader) OrderCreator(id events.Seq) (*License, error) { return r.creator(orderKind, id) }

// count returns a counter.
func (r *Reader) count(name string) int { return int(r.views.Counter(counters, name)) }

// ordered yields the members of a set in ascending or, if desc, in descending order.
func ordered[N ~uint64](b *viewstore.Bound, s viewstore.Postings, desc bool) iter.Seq[N] {
	if desc {
		return walk[N](b, s, math.MaxUint64, true)
	}
	return walk[N](b, s, 0, false)
}

// ascending yields the members of a set from a number on, in ascending order.
func ascending[N ~uint64](b *viewstore.Bound, s viewstore.Postings, from uint64) iter.Seq[N] {
	return walk[N](b, s, from, false)
}

// walk yields the members of a set until the bound is exceeded.
func walk[N ~uint64](b *viewstore.Bound, s viewstore.Postings, from uint64, desc bool) iter.Seq[N] {
	return func(yield func(N) bool) {
		for at, more := from, true; more; {
			n, ok := s.Next(at, desc)
			if !ok || !b.Step() || !yield(N(n)) {
				return
			}
			at, more = viewstore.Step(n, desc)
		}
	}
}

// decodeAs decodes a stored event that can only be of one type.
func decodeAs[E events.Event](body []byte) (E, error) {
	var none E
	envelope, err := events.Decode(body)
	if err != nil {
		return none, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	event, ok := envelope.Event.(E)
	if !ok {
		return none, fmt.Errorf("%w: unexpected type %s", ErrDamaged, envelope.Type)
	}
	return event, nil
}

package processor

import (
	"context"
	"hash/maphash"
	"slices"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// A preview tells, for rows whose outcomes are not stored, what earlier rows of the file would have made of
// their licenses. It holds nothing of a license that the file names once, and of each row of another one
// some 40 bytes: where the row stands in ROWS. What such a license would be it finds by deciding its earlier
// rows again, or in a cache of 64 MiB. So a preview that another processor continues tells the same.
type preview struct {
	p      *Processor
	job    job
	policy *Policy

	seed maphash.Seed
	// rows is the last row so far, by the hash of the license, counted from 1 in earlier; 0: none so far.
	// Licenses that are not in it are named once.
	rows    map[uint64]uint32
	all     bool // every license may be named again
	earlier []earlierRow

	// states is the event that a license would end with, by subject. Empty: its rows so far change nothing.
	states     *simplelru.LRU[string, []byte]
	stateBytes int
}

// An earlierRow is one row of a license that the file names more than once.
type earlierRow struct {
	position events.Seq // in ROWS
	before   uint32     // the row of the license before, counted from 1 in preview.earlier; 0: none
}

const (
	// maxStateBytes bounds the cache of states.
	maxStateBytes = 64 << 20
	// previewAll is up to how many rows every license may be named again: to find out would read all rows
	// once more.
	previewAll = 10 * maxRows
)

// newPreview reads the job's rows for the licenses that they name more than once, and those before the
// position. It returns nil for a job that is not previewed.
func (p *Processor) newPreview(ctx context.Context, j job, policy *Policy) (*preview, error) {
	if !j.previews() {
		return nil, nil
	}
	m := &preview{p: p, job: j, policy: policy, seed: maphash.MakeSeed(), rows: map[uint64]uint32{}}
	m.states, _ = simplelru.NewLRU(maxStateBytes, func(subject string, body []byte) { // it fails only for sizes below 1
		m.stateBytes -= stateBytes(subject, body)
	})
	if m.all = j.Sealed.Rows <= previewAll; !m.all {
		seen := newSeenFilter(j.Sealed.Rows)
		err := m.read(ctx, j.Sealed.Rows, func(v *Verdict) {
			if seen.TestAndAddString(m.policy.decider().identity(v)) {
				m.rows[m.hash(v)] = 0
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return m, m.read(ctx, j.Progress.Row, m.note)
}

// read calls fn with the valid rows up to row. A verdict is valid until fn returns.
func (m *preview) read(ctx context.Context, row events.Row, fn func(*Verdict)) error {
	whole := m.job
	whole.Progress = events.ImportProgressed{}
	reader := &rowReader{log: m.p.log, job: whole, policy: m.policy}
	defer reader.stop()
	for at := events.Row(0); at < row; {
		b := reader.batch(ctx, at)
		if b.err != nil || b.missing {
			return b.err
		}
		for i := range b.verdicts {
			if v := &b.verdicts[i]; v.Valid() && v.Row.Row <= row {
				fn(v)
			}
		}
		at += events.Row(len(b.verdicts))
		recycle(b.verdicts)
	}
	return ctx.Err()
}

// hash is the same for rows that may be about the same.
func (m *preview) hash(v *Verdict) uint64 {
	return maphash.String(m.seed, m.policy.decider().identity(v))
}

// note records a valid row, so that later ones of its license find it.
func (m *preview) note(v *Verdict) {
	hash := m.hash(v)
	before, repeated := m.rows[hash]
	if !repeated && !m.all {
		return
	}
	m.earlier = append(m.earlier, earlierRow{position: v.position, before: before})
	m.rows[hash] = uint32(len(m.earlier))
}

// recall adds to the licenses what rows before these would have made of them.
func (m *preview) recall(ctx context.Context, verdicts []Verdict, known Aggregates) error {
	wanted := map[string]bool{}
	var positions []events.Seq
	for i := range verdicts {
		v := &verdicts[i]
		if !v.Valid() || m.rows[m.hash(v)] == 0 || wanted[v.Subject()] {
			continue
		}
		wanted[v.Subject()] = true
		if made := m.policy.decider().made; made != nil && m.policy.Existing != events.UpdateExisting {
			known[v.Subject()] = Aggregate{Last: made, Pending: true}
		} else if last, cached := m.state(v.Subject()); cached {
			if last != nil {
				known[v.Subject()] = Aggregate{Last: last, Pending: true}
			}
		} else {
			for at := m.rows[m.hash(v)]; at > 0; at = m.earlier[at-1].before {
				positions = append(positions, m.earlier[at-1].position)
			}
		}
	}
	if len(positions) == 0 {
		return nil
	}
	return m.decideAgain(ctx, positions, wanted, known)
}

// decideAgain decides earlier rows of the licenses that are wanted.
func (m *preview) decideAgain(ctx context.Context, positions []events.Seq, wanted map[string]bool,
	known Aggregates) error {
	verdicts := make([]Verdict, 0, len(positions))
	err := m.p.log.RowsAt(ctx, positions, func(message eventlog.Message) error {
		row, err := eventlog.DecodeAs[*events.RowReceived](&message)
		if err != nil {
			return err
		}
		if v := m.policy.Judge(row); v.Valid() {
			verdicts = append(verdicts, v)
		}
		return nil
	})
	if err == nil {
		err = m.policy.decider().resolveRows(ctx, m.p, m.policy, verdicts)
	}
	if err != nil {
		return err
	}
	verdicts = slices.DeleteFunc(verdicts, func(v Verdict) bool {
		return !v.Valid() || !wanted[v.Subject()] // the hashes of two subjects are the same
	})
	slices.SortFunc(verdicts, func(a, b Verdict) int { return int(a.Row.Row) - int(b.Row.Row) })
	verdicts = slices.CompactFunc(verdicts, func(a, b Verdict) bool { return a.Row.Row == b.Row.Row })
	for len(verdicts) > 0 {
		verdicts = verdicts[len(m.policy.Outcomes(verdicts, known)):]
	}
	return nil
}

// remember notes rows that were decided, and what they would make of their licenses.
func (m *preview) remember(verdicts []Verdict, known Aggregates) {
	for i := range verdicts {
		v := &verdicts[i]
		if !v.Valid() {
			continue
		}
		m.note(v)
		if m.policy.Existing != events.UpdateExisting && m.policy.decider().made != nil || m.rows[m.hash(v)] == 0 {
			continue
		}
		m.cache(v.Subject(), known[v.Subject()])
	}
}

func (m *preview) cache(subject string, aggregate Aggregate) {
	var body []byte
	m.states.Remove(subject)
	if aggregate.Pending {
		var err error
		if body, err = events.Append(nil, aggregate.Last, time.Time{}); err != nil {
			return // its rows are decided again
		}
	}
	m.states.Add(subject, body)
	for m.stateBytes += stateBytes(subject, body); m.stateBytes > maxStateBytes; {
		m.states.RemoveOldest()
	}
}

// stateBytes is about what an entry of the cache takes.
func stateBytes(subject string, body []byte) int { return len(subject) + len(body) + 200 }

func (m *preview) state(subject string) (events.Event, bool) {
	body, cached := m.states.Get(subject)
	if !cached || len(body) == 0 {
		return nil, cached
	}
	envelope, err := events.Decode(body)
	return envelope.Event, err == nil
}

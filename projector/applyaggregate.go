package projector

import (
	"licenseimport/events"
	"licenseimport/projector/viewstore"
)

// An aggregate is what the rows of an import make, and later rows change, at one subject of the stream: a
// feature of a license, or what a further kind of import makes. Its events are folded by what became of their
// rows, whatever their types. Licenses and customers are folded by their types.

// aggregateName is what an error calls an aggregate.
const aggregateName = "feature"

// aggregate is what stands at a subject, as the events so far left it.
type aggregate struct {
	last    events.Seq // its last event
	made    events.Seq // the event that made it
	revoked bool       // that event took it back
	link               // the chain that it stands at
}

// aggregate finds what stands at an event's subject: also what was revoked. It is nil if there never was anything.
func (m *memtable) aggregate(subject string) (*aggregate, error) {
	value, err := m.Get(aggregates, []byte(subject))
	if value == nil || err != nil {
		return nil, err
	}
	if len(value) != 8 {
		return nil, ErrDamaged
	}
	seq := seqAt(value)
	at, err := m.factAt(seq)
	if err != nil {
		return nil, err
	}
	return &aggregate{last: seq, made: at.made, revoked: at.result == events.Revoked, link: at.link}, nil
}

// existingAggregate is [memtable.aggregate] for an event that changes what exists.
func (m *memtable) existingAggregate(e events.Outcome) (*aggregate, error) {
	at, err := m.aggregate(e.Subject())
	if err == nil && (at == nil || at.revoked) {
		err = &unknownError{aggregateName}
	}
	return at, err
}

// factAt is the fact at a sequence, where there must be one.
func (m *memtable) factAt(seq events.Seq) (*storedFact, error) {
	value, err := m.Value(allFacts, uint64(seq))
	if err != nil {
		return nil, err
	}
	found, ok := parseFact(value)
	if !ok {
		return nil, ErrDamaged
	}
	return &found, nil
}

// putAggregate stores an event as the last one of its subject.
func (m *memtable) putAggregate(e events.Outcome, next *storedFact, f fact) {
	next.nanos, next.result, next.about, next.body = f.time.UnixNano(), e.Result(), events.DetailsOf(e).License, f.body
	m.putFact(f.seq, next)
	m.Set(aggregates, []byte(e.Subject()), viewstore.NumberKey(f.seq))
}

func (m *memtable) putFact(seq events.Seq, next *storedFact) {
	m.value = next.appendTo(m.value[:0])
	m.Put(allFacts, uint64(seq), m.value)
}

// outcome folds what became of a row, of any kind of import without its own case.
func (m *memtable) outcome(j *Job, e events.Outcome, f fact) error {
	row := uint64(e.Origin().Row)
	switch e.Result() {
	case events.Imported:
		if err := m.aggregateImported(j, e, f); err != nil {
			return err
		}
		j.Next.Created++
		m.Put(rowsOf(made, j.ID), row, viewstore.NumberKey(f.seq))
		return m.warn(j, e, RowImported)
	case events.Updated:
		if err := m.aggregateUpdated(j, e, f); err != nil {
			return err
		}
		j.Next.Updated++
		m.Put(rowsOf(updated, j.ID), row, viewstore.NumberKey(f.seq))
		return m.warn(j, e, RowUpdated)
	case events.Existed:
		j.Next.Existed++
		if len(events.DetailsOf(e).Differs) > 0 {
			j.Next.Differing++
		}
		m.Put(rowsOf(existed, j.ID), row, f.body)
		return m.warn(j, e, RowExisted)
	case events.Proposed:
		m.Put(rowsOf(proposed, j.ID), row, f.body)
		return m.warn(j, e, RowUpdated)
	}
	return &unhandledEventError{name: f.Type}
}

// aggregateImported begins a chain. It may follow what was revoked, and a feature of a license that was.
func (m *memtable) aggregateImported(j *Job, e events.Outcome, f fact) error {
	next := storedFact{made: f.seq, link: link{f.seq, j.ID}}
	before, err := m.aggregate(e.Subject())
	if err != nil {
		return err
	}
	if before != nil {
		next.previous = before.last
		if !before.revoked {
			m.overtake(before.made, before.link)
		}
	}
	m.putAggregate(e, &next, f)
	return nil
}

func (m *memtable) aggregateUpdated(j *Job, e events.Outcome, f fact) error {
	at, err := m.existingAggregate(e)
	if err != nil {
		return err
	}
	next := storedFact{previous: at.last, made: at.made, link: link{at.chain, j.ID}}
	if at.owner != j.ID {
		m.overtake(at.made, at.link)
		next.chain = f.seq
		m.Count(counters, countRestorable+j.ID.String(), 1)
	}
	m.putAggregate(e, &next, f)
	return nil
}

// undoOutcome folds what an undo did about a row.
func (m *memtable) undoOutcome(j *Job, e events.Outcome, f fact) error {
	switch e.Result() {
	case events.Kept:
		m.Put(rowsOf(kept, j.ID), uint64(e.Origin().Row), f.body)
		return nil
	case events.Revoked:
		at, err := m.existingAggregate(e)
		if err != nil {
			return err
		}
		m.putAggregate(e, &storedFact{previous: at.last, made: at.made, link: at.link}, f)
		return nil
	case events.Restored:
		return m.aggregateRestored(e, f)
	}
	return &unhandledEventError{name: f.Type}
}

func (m *memtable) aggregateRestored(e events.Outcome, f fact) error {
	at, err := m.existingAggregate(e)
	if err != nil {
		return err
	}
	next := storedFact{previous: at.last, made: at.made, link: link{at.made, events.DetailsOf(e).By.JobID}}
	if restores := events.Restores(e); restores != at.made && restores != 0 {
		value, err := m.Value(allFacts, uint64(restores))
		if err != nil {
			return err
		}
		if to, ok := parseFact(value); ok && to.made == at.made {
			next.link = to.link
		}
	}
	m.fallBack(at.made, at.link, next.link)
	m.putAggregate(e, &next, f)
	return nil
}

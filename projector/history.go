package projector

import (
	"fmt"
	"slices"
	"time"

	"licenseimport/events"
	"licenseimport/projector/viewstore"
)

// License is one license as it is now. Its customer and order are parties: a license refers to them
// by id.
type License struct {
	Seq      events.Seq // its id: the sequence of the event that made it
	Created  time.Time  // when the stream stored that event
	Customer events.Seq // 0: it has none
	Order    events.Seq
	// Event is the license after its last event, as an event of the row that made it. Customer and Order
	// in it are what the last row says that names them.
	Event *events.LicenseImported
	Last  events.Seq // its last event
	Body  []byte     // that event as the stream has it; valid until the Reader reads another record
}

// Changed reports whether anything happened to the license after it was made.
func (l *License) Changed() bool { return l.Last != l.Seq }

// Fact is one event of a license, or of one of its features.
type Fact struct {
	Seq   events.Seq
	Time  time.Time // when the stream stored it
	Event events.Event
	Body  []byte // as the stream has it; valid until the Reader reads another record
}

// License returns the license with an id, as it is now; nil if there is none, or if it is gone.
func (r *Reader) License(id events.Seq) (*License, error) {
	l, revoked, err := r.license(id)
	if revoked {
		return nil, err
	}
	return l, err
}

// GoneLicense returns the license with an id that was revoked, as it was before; nil if there never was
// one, or if it exists. [Reader.History] has how it went.
func (r *Reader) GoneLicense(id events.Seq) (*License, error) {
	l, revoked, err := r.license(id)
	if !revoked {
		return nil, err
	}
	return l, err
}

// license returns a license as it is or, if it was revoked, as it was before.
func (r *Reader) license(id events.Seq) (l *License, revoked bool, err error) {
	now, err := r.standing(id)
	if now == nil || err != nil {
		return nil, false, err
	}
	s, event, err := decodeState(now.body)
	if err != nil {
		return nil, false, fmt.Errorf("license %d: %w", id, err)
	}
	return &License{
		Seq: id, Created: time.Unix(0, now.created), Customer: now.customer, Order: now.order,
		Event: asImported(s, event, s.By), Last: now.last, Body: now.body,
	}, now.revoked, nil
}

// standing is the record of a license as it is or, if it was revoked, as it was before.
type standing struct {
	record
	created int64      // when the license was made: nanoseconds since 1970
	last    events.Seq // the event that left it so
	revoked bool
}

// standing returns how a license stands, its event undecoded; nil if there never was one.
func (r *Reader) standing(id events.Seq) (*standing, error) {
	made, err := r.record(id)
	if made == nil || err != nil {
		return nil, err
	}
	at := &standing{record: *made, created: made.nanos, last: id}
	value := r.views.Entry(licenseNow, viewstore.NumberKey(id))
	if value == nil {
		return at, nil
	}
	if len(value) != 8 {
		return nil, ErrDamaged
	}
	if at.last = seqAt(value); at.last == id {
		return at, nil
	}
	c, err := r.change(at.last)
	if err != nil {
		return nil, err
	}
	if at.record = c.record; c.flags&isRevoked != 0 {
		at.revoked, at.last = true, c.previous
		at.record, err = r.after(id, c.previous)
	}
	return at, err
}

// asImported is the state as the event of a row.
func asImported(s events.LicenseState, e events.Event, row events.Origin) *events.LicenseImported {
	if made, ok := e.(*events.LicenseImported); ok {
		return made
	}
	return &events.LicenseImported{
		JobID: row.JobID, Row: row.Row, License: *s.License, Product: *s.Product, Customer: s.Customer, Order: *s.Order,
	}
}

// after is what an event of a license left.
func (r *Reader) after(id, seq events.Seq) (record, error) {
	if seq == id {
		made, err := r.record(id)
		if made == nil {
			return record{}, errOr(err, ErrDamaged)
		}
		return *made, err
	}
	c, err := r.change(seq)
	return c.record, err
}

func errOr(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// record is a license's first record; nil if there is none.
func (r *Reader) record(id events.Seq) (*record, error) {
	value, err := r.views.Get(allLicenses, uint64(id))
	if value == nil || err != nil {
		return nil, err
	}
	found, ok := parseRecord(value)
	if !ok {
		return nil, ErrDamaged
	}
	return &found, nil
}

// change is the change at a sequence, where there must be one.
func (r *Reader) change(seq events.Seq) (change, error) {
	value, err := r.views.Get(allChanges, uint64(seq))
	if err != nil {
		return change{}, err
	}
	c, ok := parseChange(value)
	if !ok {
		return change{}, ErrDamaged
	}
	return c, nil
}

// History returns the sequences of all events of a license and of its features, oldest first: also of one that
// is gone. It is empty if there never was one.
func (r *Reader) History(id events.Seq) ([]events.Seq, error) {
	made, err := r.record(id)
	if made == nil || err != nil {
		return nil, err
	}
	e, err := decodeAs[*events.LicenseImported](made.body)
	if err != nil {
		return nil, err
	}
	var all []events.Seq
	if value := r.views.Entry(licenseNow, viewstore.NumberKey(id)); len(value) == 8 {
		for seq := seqAt(value); seq != id && seq != 0; {
			all = append(all, seq)
			c, err := r.change(seq)
			if err != nil {
				return nil, err
			}
			if seq = c.previous; !r.bound.Step() {
				return nil, r.bound.Err()
			}
		}
	}
	features, err := r.featureFacts(id, e.Product.ShortCode, e.License.Key)
	if err != nil {
		return nil, err
	}
	all = append(append(all, id), features...)
	slices.Sort(all)
	return all, nil
}

// Fact returns one event of [Reader.History]; nil if no license has an event at that sequence.
func (r *Reader) Fact(seq events.Seq) (*Fact, error) {
	nanos, body, err := r.stored(seq)
	if body == nil || err != nil {
		return nil, err
	}
	event, err := decodeAs[events.Event](body)
	if err != nil {
		return nil, fmt.Errorf("event %d: %w", seq, err)
	}
	return &Fact{Seq: seq, Time: time.Unix(0, nanos), Event: event, Body: body}, nil
}

// stored is an event of a license or of a feature; nil if there is none at that sequence.
func (r *Reader) stored(seq events.Seq) (nanos int64, body []byte, err error) {
	made, err := r.record(seq)
	if err != nil {
		return 0, nil, err
	}
	if made != nil {
		return made.nanos, made.body, nil
	}
	value, err := r.views.Get(allChanges, uint64(seq))
	if err != nil {
		return 0, nil, err
	}
	if c, ok := parseChange(value); ok {
		return c.nanos, c.body, nil
	}
	if value, err = r.views.Get(allFacts, uint64(seq)); value == nil || err != nil {
		return 0, nil, err
	}
	at, ok := parseFact(value)
	if !ok {
		return 0, nil, ErrDamaged
	}
	return at.nanos, at.body, nil
}

// creator returns the license as the event left it that made a customer or order, whatever became of
// the license since. Its Seq is that event, and its Event names the import and row of it. nil: there is no
// such party.
func (r *Reader) creator(k *partyKind, id events.Seq) (*License, error) {
	if found, ok := r.views.Postings(k.all, "").Next(uint64(id), false); !ok || found != uint64(id) {
		return nil, nil
	}
	return r.partyCreator(id)
}

// partyCreator is creator of a customer or order that exists.
func (r *Reader) partyCreator(id events.Seq) (*License, error) {
	made, err := r.record(id)
	if err != nil {
		return nil, err
	}
	if made == nil {
		c, err := r.change(id)
		if err != nil {
			return nil, err
		}
		made = &c.record
	}
	s, event, err := decodeState(made.body)
	if err != nil {
		return nil, fmt.Errorf("event %d: %w", id, err)
	}
	return &License{
		Seq: id, Created: time.Unix(0, made.nanos), Customer: made.customer, Order: made.order,
		Event: asImported(s, event, events.RowOf(event)), Last: id, Body: made.body,
	}, nil
}

// licensesOf returns the licenses of a customer or an order.
func (r *Reader) licensesOf(k *partyKind, id events.Seq) (viewstore.Postings, error) {
	key := viewstore.NumberKey(id)
	listed := r.inSlot(k.more, key, key)
	made, err := r.record(id)
	if made == nil || err != nil {
		return listed, err
	}
	now := *made
	if value := r.views.Entry(licenseNow, key); len(value) == 8 {
		c, err := r.change(seqAt(value))
		if err != nil {
			return nil, err
		}
		now = c.record
	}
	if k.of(&now) != id {
		return listed, nil
	}
	return viewstore.Merge(viewstore.SliceList{uint64(id)}, listed), nil
}

// UndoPreview says what an undo of an import would do now, if it has not begun yet: how much of what it made
// would be revoked, how much restored, and how much kept since another import changed it.
func (r *Reader) UndoPreview(j *Job) events.UndoCounts {
	id := j.ID.String()
	overtaken := r.count(countOvertaken + id)
	return events.UndoCounts{
		Revoked:  events.Row(max(0, int(j.Next.Created)-overtaken)),
		Restored: events.Row(r.count(countRestorable + id)),
		Kept:     events.Row(overtaken + r.count(countSuperseded+id)),
	}
}

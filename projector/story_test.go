package projector

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"

	"licenseimport/events"
)

// story makes a random history of imports, updates and undos as processors write it, and holds what the
// views must say after it, in plain maps. Nothing of it is shared with the fold.
type story struct {
	random *rand.Rand
	names  int            // different e-mails and store ids
	all    []events.Event // the stream: the sequence of an element is its index + 1

	licenses map[events.Seq]*storyLicense
	order    []events.Seq // ids of all licenses, oldest first
	jobs     map[events.JobID]*storyJob
}

// storyLicense is one license. Its facts are events of the stream.
type storyLicense struct {
	id    events.Seq
	key   string
	facts []events.Seq
	now   state // after the last fact that is not a LicenseRevoked
	gone  bool

	customer, party events.Seq                   // party: its order
	had             map[events.Seq][2]events.Seq // customer and order after each fact
}

type storyJob struct {
	id         events.JobID
	row        events.Row
	update     bool
	ended      bool
	begins     events.Seq
	ends       events.Seq
	undo       []events.Seq // facts that the undo has not passed
	undoing    bool
	undone     bool
	handled    map[events.Seq]bool // facts that are not the first of their chain
	undoCounts events.UndoCounts
	counts     events.Counts

	decided                                                []decidedRow
	updates, kept, warned                                  []events.Row
	customersMade, customersFound, ordersMade, ordersFound uint64
}

// decidedRow is what [Reader.DecidedRows] says of a row.
type decidedRow struct {
	Row          events.Row
	Line         uint64
	Key, Product string
	License      events.Seq
	Outcome      RowOutcome
}

func newStory(seed uint64) *story {
	return &story{random: rand.New(rand.NewPCG(seed, 12)), names: 12 + int(seed%3)*40, licenses: map[events.Seq]*storyLicense{}, jobs: map[events.JobID]*storyJob{}}
}

// tell makes n steps.
func (s *story) tell(n int) {
	for range n {
		s.step()
	}
}

func (s *story) append(e events.Event) events.Seq {
	s.all = append(s.all, e)
	return events.Seq(len(s.all))
}

func (s *story) step() {
	switch n := s.random.IntN(100); {
	case n < 8 || len(s.jobs) == 0:
		s.start()
	case n < 14:
		if j := s.pick(func(j *storyJob) bool { return !j.ended }); j != nil {
			s.finish(j)
		}
	case n < 19:
		if j := s.pick(func(j *storyJob) bool { return j.ended && !j.undoing && !j.undone }); j != nil {
			s.startUndo(j)
		}
	case n < 45:
		if j := s.pick(func(j *storyJob) bool { return j.undoing }); j != nil {
			s.goOnUndo(j)
		}
	default:
		if j := s.pick(func(j *storyJob) bool { return !j.ended }); j != nil {
			for range 1 + s.random.IntN(8) {
				s.decide(j)
			}
			s.append(&events.ImportProgressed{JobID: j.id, Phase: events.Import, Row: j.row, Counts: j.counts})
		}
	}
}

// pick is a random job of those that fit.
func (s *story) pick(fits func(*storyJob) bool) *storyJob {
	var ids []events.JobID
	for _, id := range slices.Sorted(maps.Keys(s.jobs)) {
		if fits(s.jobs[id]) {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	return s.jobs[ids[s.random.IntN(len(ids))]]
}

func (s *story) start() {
	j := &storyJob{id: events.JobID(len(s.jobs) + 1), update: s.random.IntN(3) > 0, handled: map[events.Seq]bool{}}
	e := started(j.id, []string{"anna", "bert"}[s.random.IntN(2)])
	if j.update {
		e.Existing = events.UpdateExisting
	}
	j.begins = s.append(e)
	s.append(sealed(j.id, 1_000_000))
	s.append(progressed(j.id, 0, 0, 0, 0))
	s.jobs[j.id] = j
}

func (s *story) finish(j *storyJob) {
	j.ended = true
	if s.random.IntN(5) == 0 {
		s.append(&events.ImportCancelled{JobID: j.id, Manager: "anna"})
	}
	j.ends = s.append(&events.ImportFinished{JobID: j.id, Status: events.Success, Row: j.row, Counts: j.counts})
}

// named is the license that exists with a key.
func (s *story) named(product, key string) *storyLicense {
	for _, id := range s.order {
		if l := s.licenses[id]; !l.gone && l.key == key && l.now.product.ShortCode == product {
			return l
		}
	}
	return nil
}

// random values of a row.
func (s *story) customer() *events.Customer {
	if s.random.IntN(4) == 0 {
		return nil
	}
	email := fmt.Sprintf("%s%d@example.com", []string{"Ada", "ada"}[s.random.IntN(2)], s.random.IntN(s.names))
	return &events.Customer{Email: email, FirstName: fmt.Sprint("Row of ", len(s.all))}
}

func (s *story) storeID() string {
	if s.random.IntN(3) == 0 {
		return ""
	}
	return fmt.Sprint("order-", s.random.IntN(s.names))
}

func (s *story) warnings() []events.Warning {
	if s.random.IntN(8) > 0 {
		return nil
	}
	return []events.Warning{{Column: "license__trial_days", Code: events.NotATrial}, {Column: "license__license_key", Code: events.NumberLike}}
}

// decide gives the next row of an import its outcome.
func (s *story) decide(j *storyJob) {
	j.row++
	if s.random.IntN(12) == 0 {
		j.counts.Rejected++
		s.append(rejection(j.id, j.row, events.Codes[0]))
		return
	}
	product, key := []string{"a", "ab", "ü"}[s.random.IntN(3)], fmt.Sprintf("Key-%03d", s.random.IntN(60))
	l := s.named(product, key)
	switch {
	case l == nil:
		s.makeLicense(j, product, key)
	case j.update && s.random.IntN(4) > 0:
		s.updateLicense(j, l)
	default:
		e := &events.LicenseExisted{JobID: j.id, Row: j.row, LicenseKey: key, Product: events.Product{ShortCode: product}, By: l.now.by,
			Customer: s.customer(), Order: events.Order{StoreID: s.storeID()}, Warnings: s.warnings(), Line: uint64(j.row) + 1}
		j.counts.Existed++
		if e.Customer != nil && s.party(true, events.EmailKey(e.Customer.Email)) != 0 {
			j.customersFound++
		}
		if e.Order.StoreID != "" && s.party(false, e.Order.StoreID) != 0 {
			j.ordersFound++
		}
		s.append(e)
		j.note(decidedRow{j.row, e.Line, key, product, l.id, RowExisted}, e.Warnings)
	}
}

func (j *storyJob) note(row decidedRow, warnings []events.Warning) {
	j.decided = append(j.decided, row)
	if len(warnings) > 0 {
		j.warned = append(j.warned, row.Row)
		j.counts.Warnings++
	}
}

func (s *story) makeLicense(j *storyJob, product, key string) {
	e := &events.LicenseImported{JobID: j.id, Row: j.row, License: events.License{Key: key, Enabled: new(s.random.IntN(3) > 0)},
		Product: events.Product{ShortCode: product}, Customer: s.customer(), Order: events.Order{StoreID: s.storeID()},
		Warnings: s.warnings(), Line: uint64(j.row) + 1}
	id := s.append(e)
	l := &storyLicense{id: id, key: key}
	s.settle(l, id, state{e.License, e.Product, e.Customer, e.Order, events.Origin{JobID: j.id, Row: j.row}}, j, 0)
	s.licenses[id], s.order = l, append(s.order, id)
	j.counts.Imported++
	j.note(decidedRow{j.row, e.Line, key, product, id, RowImported}, e.Warnings)
}

func (s *story) updateLicense(j *storyJob, l *storyLicense) {
	now := l.now
	now.license.Note = fmt.Sprint("changed by ", j.id, "/", j.row)
	if s.random.IntN(3) == 0 {
		now.license.Enabled = new(s.random.IntN(2) == 0)
	}
	if s.random.IntN(3) == 0 {
		now.customer = s.customer()
	}
	if s.random.IntN(3) == 0 {
		now.order = events.Order{StoreID: s.storeID(), Language: fmt.Sprint("Row of ", len(s.all))}
	}
	e := &events.LicenseUpdated{JobID: j.id, Row: j.row, Line: uint64(j.row) + 1, License: now.license, Product: now.product,
		Customer: now.customer, Order: now.order, Changed: []events.Change{{Column: "license__note", To: now.license.Note}},
		Previous: l.last(), By: now.by, Warnings: s.warnings()}
	e.NamesCustomer = now.customer != nil && now.customer.Email != "" && s.random.IntN(2) == 0
	e.NamesOrder = now.order.StoreID != "" && s.random.IntN(2) == 0
	seq := s.append(e)
	customer, party := l.customer, l.party
	s.settle(l, seq, now, j, 0)
	if e.NamesCustomer && l.customer == customer {
		j.customersFound++
	}
	if e.NamesOrder && l.party == party {
		j.ordersFound++
	}
	j.counts.Updated++
	j.updates = append(j.updates, j.row)
	j.note(decidedRow{j.row, e.Line, l.key, now.product.ShortCode, l.id, RowUpdated}, e.Warnings)
}

func (l *storyLicense) last() events.Seq { return l.facts[len(l.facts)-1] }

// settle makes a license what a fact says, and finds or makes its customer and order: those that some
// license has now, else those that it had after the fact that is restored, if one is. The counts are the job's, if there
// is one.
func (s *story) settle(l *storyLicense, seq events.Seq, now state, j *storyJob, restores events.Seq) {
	back := l.had[restores]
	customer, party := events.Seq(0), l.party
	if name := now.emailKey(); name != "" {
		customer = cmp.Or(s.party(true, name), back[0], seq)
	}
	if name := now.order.StoreID; name != "" {
		party = cmp.Or(s.party(false, name), back[1], seq)
	} else if len(l.facts) == 0 || l.now.order.StoreID != "" {
		party = cmp.Or(back[1], seq)
	}
	if l.had == nil {
		l.had = map[events.Seq][2]events.Seq{}
	}
	l.had[seq] = [2]events.Seq{customer, party}
	if j != nil {
		count(customer, l.customer, seq, &j.customersMade, &j.customersFound)
		count(party, l.party, seq, &j.ordersMade, &j.ordersFound)
	}
	l.customer, l.party, l.now, l.facts = customer, party, now, append(l.facts, seq)
}

func count(now, before, seq events.Seq, made, found *uint64) {
	switch {
	case now == 0 || now == before:
	case now == seq:
		*made++
	default:
		*found++
	}
}

// party is the customer or order with a name that some license has.
func (s *story) party(customer bool, name string) events.Seq {
	for _, l := range s.licenses {
		switch {
		case l.gone:
		case customer && l.now.emailKey() == name:
			return l.customer
		case !customer && l.now.order.StoreID == name:
			return l.party
		}
	}
	return 0
}

func (s *story) event(seq events.Seq) events.Event { return s.all[seq-1] }

// state is what a license is after one of its events, and the row that this event says made it.
type state struct {
	license  events.License
	product  events.Product
	customer *events.Customer
	order    events.Order
	by       events.Origin
}

func stateAfter(e events.Event) (state, bool) {
	s, exists := events.StateAfter(e)
	if !exists {
		return state{}, false
	}
	return state{*s.License, *s.Product, s.Customer, *s.Order, s.By}, true
}

func (s state) emailKey() string {
	if s.customer == nil {
		return ""
	}
	return events.EmailKey(s.customer.Email)
}

func previousOf(e events.Event) events.Seq {
	switch e := e.(type) {
	case *events.LicenseUpdated:
		return e.Previous
	case *events.LicenseRestored:
		return e.Previous
	case *events.LicenseRevoked:
		return e.Previous
	}
	return 0
}

// effective is the event whose license a fact's is.
func (s *story) effective(seq events.Seq) events.Seq {
	for {
		e, restored := s.event(seq).(*events.LicenseRestored)
		if !restored {
			return seq
		}
		seq = e.Restores
	}
}

// firstOfChain reports whether a fact of an import is the first of its chain. What was undone in between does not count.
func (s *story) firstOfChain(seq events.Seq) bool {
	before := previousOf(s.event(seq))
	return before == 0 || s.event(s.effective(before)).Job() != s.event(seq).Job()
}

// undoOf says what an undo of an import does to the license that a chain's first fact is of: nil is kept.
func (s *story) undoOf(l *storyLicense, first events.Seq) events.Event {
	job := s.event(first).Job()
	for h := l.last(); h != 0; h = previousOf(s.event(h)) {
		h = s.effective(h)
		e := s.event(h)
		if e.Job() != job {
			return nil
		}
		if h != first {
			continue
		}
		switch e := e.(type) {
		case *events.LicenseImported:
			return &events.LicenseRevoked{JobID: job, Row: e.Row, LicenseKey: l.key, Product: e.Product, Manager: "anna", Previous: l.last()}
		case *events.LicenseUpdated:
			to := s.effective(e.Previous)
			before, _ := stateAfter(s.event(to))
			return &events.LicenseRestored{JobID: job, Row: e.Row, License: before.license, Product: before.product, Customer: before.customer,
				Order: before.order, Previous: l.last(), Restores: to, By: before.by, Manager: "anna"}
		}
	}
	return nil
}

// chainsOf are the first facts of an import's chains, with their licenses, in the order of the stream.
func (s *story) chainsOf(job events.JobID) (firsts []events.Seq, of map[events.Seq]*storyLicense) {
	of = map[events.Seq]*storyLicense{}
	for _, l := range s.licenses {
		for _, seq := range l.facts {
			switch e := s.event(seq).(type) {
			case *events.LicenseImported, *events.LicenseUpdated:
				if e.Job() == job && s.firstOfChain(seq) {
					firsts, of[seq] = append(firsts, seq), l
				}
			}
		}
	}
	slices.Sort(firsts)
	return firsts, of
}

// preview is what an undo would do now.
func (s *story) preview(job events.JobID) (c events.UndoCounts) {
	firsts, of := s.chainsOf(job)
	for _, first := range firsts {
		switch s.undoOf(of[first], first).(type) {
		case *events.LicenseRevoked:
			c.Revoked++
		case *events.LicenseRestored:
			c.Restored++
		default:
			c.Kept++
		}
	}
	return c
}

func (s *story) startUndo(j *storyJob) {
	j.undoing = true
	j.undo, _ = s.chainsOf(j.id)
	s.append(&events.UndoStarted{JobID: j.id, Manager: "anna"})
}

func (s *story) goOnUndo(j *storyJob) {
	_, of := s.chainsOf(j.id)
	position := j.begins
	for range 1 + s.random.IntN(8) {
		if len(j.undo) == 0 {
			j.undoing, j.undone = false, true
			s.append(&events.UndoFinished{JobID: j.id, UndoCounts: j.undoCounts})
			return
		}
		first := j.undo[0]
		j.undo, position = j.undo[1:], first
		s.takeBack(j, of[first], first)
	}
	s.append(&events.UndoProgressed{JobID: j.id, Position: position, UndoCounts: j.undoCounts})
}

func (s *story) takeBack(j *storyJob, l *storyLicense, first events.Seq) {
	switch e := s.undoOf(l, first).(type) {
	case *events.LicenseRevoked:
		l.facts, l.gone = append(l.facts, s.append(e)), true
		j.undoCounts.Revoked++
	case *events.LicenseRestored:
		now, _ := stateAfter(e)
		s.settle(l, s.append(e), now, nil, e.Restores)
		j.undoCounts.Restored++
	default:
		var row events.Row
		switch e := s.event(first).(type) {
		case *events.LicenseImported:
			row = e.Row
		case *events.LicenseUpdated:
			row = e.Row
		}
		s.append(&events.LicenseKept{JobID: j.id, Row: row, LicenseKey: l.key, Product: l.now.product, By: events.Origin{JobID: 1, Row: 1}})
		j.kept = append(j.kept, row)
		j.undoCounts.Kept++
	}
}

// existing are the licenses that exist, oldest first.
func (s *story) existing(fits func(*storyLicense) bool) (ids []events.Seq) {
	for _, id := range s.order {
		if l := s.licenses[id]; !l.gone && fits(l) {
			ids = append(ids, id)
		}
	}
	return ids
}

// parties are the customers, or orders, that exist, oldest first.
func (s *story) parties(of func(*storyLicense) events.Seq) (ids []events.Seq) {
	found := map[events.Seq]bool{}
	for _, l := range s.licenses {
		if id := of(l); !l.gone && id != 0 {
			found[id] = true
		}
	}
	return slices.SortedFunc(maps.Keys(found), cmp.Compare[events.Seq])
}

package projector

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"licenseimport/events"
	"licenseimport/projector/viewstore"
)

// foldedAlike folds events with other transaction boundaries and restarts, and by a rebuild: the views are the same.
// It passes the rebuilt ones to f.
func foldedAlike(t *testing.T, name string, all []events.Event, seed uint64, f func(r *Reader)) {
	t.Helper()
	log, pieces, whole := newMemLog(all...), t.TempDir(), t.TempDir()
	foldInPieces(t, pieces, log, rand.New(rand.NewPCG(seed, 15)))
	result, err := Rebuild(t.Context(), log, whole, nil)
	check(t, err)
	s := openViews(t, pieces)
	if got, err := s.Digest(); got != result.Digest || err != nil {
		t.Errorf("%s: digest %s in pieces, %s after a rebuild, %v", name, got, result.Digest, err)
	}
	check(t, s.Close())
	s = openViews(t, whole)
	check(t, s.ReadAll(readAll(f)))
	check(t, s.Close())
}

// TestCustomersAndLicensesAtOnce: imports of customers and of licenses on the same e-mail addresses at the same time
// give, in any order of their batches, the views that this order says, live and after a rebuild. What
// customers are in the end does not depend on the order, where the customers' rows give all columns.
func TestCustomersAndLicensesAtOnce(t *testing.T) {
	const emails, rows = 7, 24
	var ends []string
	for seed := range uint64(12) {
		random := rand.New(rand.NewPCG(seed, 16))
		all := []events.Event{started(1, "anna"), sealed(1, rows), progressed(1, 0, 0, 0, 0), ofKind(2, events.Customers),
			sealed(2, rows), progressed(2, 0, 0, 0, 0)}
		model := map[string]*Customer{}
		made, found := [3]uint64{}, [3]uint64{}
		name := func(email string, job events.JobID, row events.Row, said events.Customer, l *License) *Customer {
			c := model[events.EmailKey(email)]
			if c != nil {
				found[job]++
				return c
			}
			made[job]++
			c = &Customer{ID: events.Seq(len(all) + 1), By: events.Origin{JobID: job, Row: row}, Now: said, Made: l}
			model[events.EmailKey(email)] = c
			return c
		}
		at := [3]events.Row{}
		for at[1] < rows || at[2] < rows {
			job := events.JobID(1 + random.IntN(2))
			for range min(1+random.IntN(5), int(rows-at[job])) {
				at[job]++
				row := at[job]
				email := fmt.Sprintf("%s%d@example.com", []string{"Ada", "ada"}[row%2], int(row*5)%emails)
				if job == 1 {
					e := imported(1, row, "p", fmt.Sprint("K", row), email, "")
					name(email, 1, row, *e.Customer, &License{})
					all = append(all, e)
					continue
				}
				said := events.Customer{Email: email, FirstName: fmt.Sprint("Row ", row/6), LastName: "L", CompanyName: "C",
					Phone: "1", Reference: "2",
					Address: "3", Postcode: "4", State: "5", City: "6", Country: "7"}
				c := name(email, 2, row, said, nil)
				first := c.Now.Email
				c.Now, c.Now.Email = said, first
				all = append(all, customerRow(2, row, events.UpdateExisting, said))
			}
			all = append(all, progressed(job, at[job], at[job], 0, 0))
		}
		all = append(all, finished(1, rows, rows, 0, 0), finished(2, rows, rows, 0, 0))
		foldedAlike(t, fmt.Sprint("seed ", seed), all, seed, func(r *Reader) {
			end := ""
			for i := range emails {
				email := fmt.Sprintf("ada%d@example.com", i)
				c, want := r.customerNamed(t, email), model[email]
				if c == nil || c.ID != want.ID || c.Now != want.Now || c.By != want.By || (c.Made == nil) != (want.Made == nil) {
					t.Errorf("seed %d: %+v, want %+v", seed, c, want)
					continue
				}
				c.Now.Email = email // as it is written depends on who names it first
				end += fmt.Sprintln(c.Now)
			}
			ends = append(ends, end)
			for job := events.JobID(1); job <= 2; job++ {
				j, err := r.Job(job)
				check(t, err)
				got := [2]uint64{j.Shown.CreatedCustomers, j.Shown.ExistedCustomers}
				if job == 2 {
					got = [2]uint64{j.Shown.Created, j.Shown.Existed + j.Shown.Updated}
				}
				if got != [2]uint64{made[job], found[job]} {
					t.Errorf("seed %d: import %d made and found %d customers, want %d and %d", seed, job, got, made[job], found[job])
				}
			}
		})
	}
	if slices.Sort(ends); len(ends) == 0 || ends[0] != ends[len(ends)-1] {
		t.Errorf("customers depend on the order: %s and %s", ends[0], ends[len(ends)-1])
	}
}

// featureStory is a random history of imports of features and of their undos, and of licenses that are revoked and
// imported again, as processors write it.
type featureStory struct {
	random   *rand.Rand
	all      []events.Event
	licenses map[string]events.Seq       // by key: that exists
	facts    map[string][]events.Seq     // by subject
	rows     map[events.JobID]events.Row // of imports of features that run
}

func (s *featureStory) append(e events.Event) events.Seq {
	s.all = append(s.all, e)
	return events.Seq(len(s.all))
}

func (s *featureStory) event(seq events.Seq) events.Outcome { return s.all[seq-1].(events.Outcome) }

// now is the feature at a subject and the license that has it; exists is false if nothing is there.
func (s *featureStory) now(subject string) (state events.FeatureState, last events.Seq, exists bool) {
	facts := s.facts[subject]
	if len(facts) == 0 {
		return state, 0, false
	}
	last = facts[len(facts)-1]
	state, exists = events.FeatureAfter(s.event(last))
	return state, last, exists
}

func (s *featureStory) tell(n int) {
	s.append(started(1, "anna"))
	s.append(sealed(1, 1000))
	s.append(progressed(1, 0, 0, 0, 0))
	next := events.JobID(2)
	for range n {
		switch choice := s.random.IntN(12); {
		case choice == 0 && len(s.rows) < 3:
			s.append(ofKind(next, events.Features))
			s.append(sealed(next, 1000))
			s.append(progressed(next, 0, 0, 0, 0))
			s.rows[next] = 0
			next++
		case choice == 1:
			s.license(events.Row(n))
		case choice == 2:
			if job := s.any(); job != 0 {
				s.append(finished(job, s.rows[job], s.rows[job], 0, 0))
				delete(s.rows, job)
			}
		default:
			if job := s.any(); job != 0 {
				s.feature(job)
			}
		}
	}
}

func (s *featureStory) any() events.JobID {
	for job := events.JobID(1); job < 100; job++ {
		if _, runs := s.rows[job]; runs && s.random.IntN(2) == 0 {
			return job
		}
	}
	return 0
}

// license imports a license, or has the import that made it undone: each license has one.
func (s *featureStory) license(events.Row) {
	key := fmt.Sprint("K", s.random.IntN(3))
	id, exists := s.licenses[key]
	job := events.JobID(1000 + len(s.all))
	if !exists {
		s.append(started(job, "anna"))
		s.append(sealed(job, 1))
		s.append(progressed(job, 0, 0, 0, 0))
		s.licenses[key] = s.append(imported(job, 1, "p", key, "", ""))
		s.append(finished(job, 1, 1, 0, 0))
		return
	}
	job = s.all[id-1].Job()
	s.append(&events.UndoStarted{JobID: job, Manager: "anna"})
	s.append(&events.LicenseRevoked{JobID: job, Row: 1, LicenseKey: key, Product: events.Product{ShortCode: "p"},
		Manager: "anna", Previous: id})
	s.append(&events.UndoFinished{JobID: job, UndoCounts: events.UndoCounts{Revoked: 1}})
	delete(s.licenses, key)
}

// feature is a row of an import of features.
func (s *featureStory) feature(job events.JobID) {
	key := fmt.Sprint("K", s.random.IntN(3))
	license, exists := s.licenses[key]
	if !exists {
		return
	}
	s.rows[job]++
	row := s.rows[job]
	made := featureImported(job, row, license, key, fmt.Sprint("code.", s.random.IntN(3)))
	*made.Feature.MaxConsumption = len(s.all)
	state, last, there := s.now(made.Subject())
	switch {
	case !there || state.LicenseID != license:
		s.facts[made.Subject()] = append(s.facts[made.Subject()], s.append(made))
	case s.random.IntN(4) == 0:
		s.append(&events.LicenseFeatureExisted{JobID: job, Row: row, LicenseKey: key, LicenseID: license,
			Product: made.Product,
			Code:    made.Feature.Code, By: state.By})
	default:
		e := &events.LicenseFeatureUpdated{JobID: job, Row: row, LicenseKey: key, LicenseID: license, Product: made.Product,
			Feature: made.Feature,
			Changed: []events.Change{{Column: "max_consumption"}}, Previous: last, By: state.By}
		s.facts[made.Subject()] = append(s.facts[made.Subject()], s.append(e))
	}
	s.append(progressed(job, row, row, 0, 0))
}

// undo is what an undo of an import would do: by subject, for each stretch of events of the import that follow each
// other.
func (s *featureStory) undo(job events.JobID) (c events.UndoCounts) {
	for _, facts := range s.facts {
		for i, seq := range facts {
			e := s.event(seq)
			_, begins := e.(*events.LicenseFeatureImported)
			if e.Job() != job || !begins && s.event(facts[i-1]).Job() == job {
				continue
			}
			untouched := true
			for _, later := range facts[i+1:] {
				_, again := s.event(later).(*events.LicenseFeatureImported)
				untouched = untouched && s.event(later).Job() == job && !again
			}
			switch {
			case !untouched:
				c.Kept++
			case begins:
				c.Revoked++
			default:
				c.Restored++
			}
		}
	}
	return c
}

// TestFeatureStories compares the views after random histories of features with what the histories say, in pieces and
// after a rebuild: the features of each license, its history, and what an undo of each import would do.
func TestFeatureStories(t *testing.T) {
	for seed := range uint64(6) {
		s := &featureStory{random: rand.New(rand.NewPCG(seed, 17)), licenses: map[string]events.Seq{},
			facts: map[string][]events.Seq{}, rows: map[events.JobID]events.Row{}}
		s.tell(400)
		foldedAlike(t, fmt.Sprint("seed ", seed), s.all, seed, func(r *Reader) {
			for i, e := range s.all {
				if made, ok := e.(*events.LicenseImported); ok {
					s.compare(t, r, events.Seq(i+1), made)
				}
				if start, ok := e.(*events.ImportStarted); ok && start.Kind == events.Features.Name {
					j, err := r.Job(start.JobID)
					check(t, err)
					if got, want := r.UndoPreview(j), s.undo(start.JobID); got != want {
						t.Errorf("seed %d, import %d: an undo would be %+v, want %+v", seed, start.JobID, got, want)
					}
				}
			}
		})
	}
}

func (s *featureStory) compare(t *testing.T, r *Reader, id events.Seq, made *events.LicenseImported) {
	t.Helper()
	history := []events.Seq{id}
	features := map[string]int{}
	for i, e := range s.all {
		d := events.DetailsOf(e)
		if o, ok := e.(events.Outcome); ok && d.License == id && o.Result() != events.Existed {
			history = append(history, events.Seq(i+1))
		}
		if e, ok := e.(*events.LicenseRevoked); ok && e.Previous == id {
			history = append(history, events.Seq(i+1))
		}
	}
	for subject := range s.facts {
		if state, _, exists := s.now(subject); exists && state.LicenseID == id && s.licenses[made.License.Key] == id {
			features[state.Feature.Code] = *state.Feature.MaxConsumption
		}
	}
	if got, err := r.History(id); err != nil || !slices.Equal(got, history) {
		t.Errorf("license %d: history %d, want %d, %v", id, got, history, err)
	}
	l, err := r.License(id)
	check(t, err)
	if l == nil {
		return
	}
	all, err := r.Features(l)
	check(t, err)
	if len(all) != len(features) {
		t.Errorf("license %d: %d features, want %v", id, len(all), features)
	}
	for _, f := range all {
		if features[f.Feature.Code] != *f.Feature.MaxConsumption {
			t.Errorf("license %d: %+v, want %v", id, f.Feature, features)
		}
	}
}

// toyRow is the outcome of a row of a kind that the projector does not know.
type toyRow struct {
	*events.LicenseFeatureExisted
	result events.Result
	row    events.Row
}

func (e toyRow) Type() string            { return "ToyMade" }
func (e toyRow) Subject() string         { return "toys.bear" }
func (e toyRow) Origin() events.Origin   { return events.Origin{JobID: 1, Row: e.row} }
func (e toyRow) Result() events.Result   { return e.result }
func (e toyRow) Details() events.Details { return events.Details{Identity: []string{"bear"}} }

// TestAnyKindIsFolded: the events of a further kind of import are folded by what became of their rows: counts, lists
// of rows, the thing at their subject, and what an undo would do.
func TestAnyKindIsFolded(t *testing.T) {
	l := newBatchWriter(openViews(t, t.TempDir()), maxBatchEvents)
	for _, m := range newMemLog(started(1, "anna"), sealed(1, 4), progressed(1, 0, 0, 0, 0)).Messages {
		check(t, l.apply(decoded(t, m)))
	}
	for i, result := range []events.Result{events.Imported, events.Updated, events.Existed, events.Proposed} {
		e := toyRow{new(events.LicenseFeatureExisted), result, events.Row(i + 1)}
		check(t, l.active.outcome(l.jobs[1], e, fact{Envelope: events.Envelope{Event: e, Type: e.Type()},
			seq: events.Seq(4 + i), time: logBegins, body: []byte("{}")}))
	}
	l.active.markDirty(l.jobs[1])
	check(t, l.finish())
	check(t, l.store.Read(readAll(func(r *Reader) {
		j, err := r.Job(1)
		check(t, err)
		if n := j.Next; n.Created != 1 || n.Updated != 1 || n.Existed != 1 {
			t.Errorf("counts %+v", n)
		}
		for v, want := range map[viewstore.View]events.Row{made: 1, updated: 2, existed: 3, proposed: 4} {
			if rows := slices.Collect(r.rows(v, 1, 0)); !slices.Equal(rows, []events.Row{want}) {
				t.Errorf("%s: rows %v", schema.Views[v].Name, rows)
			}
		}
		if value := r.views.Entry(aggregates, []byte("toys.bear")); len(value) != 8 || seqAt(value) != 5 {
			t.Errorf("at its subject: %x", value)
		}
		if c := r.UndoPreview(j); c != (events.UndoCounts{Revoked: 1}) {
			t.Errorf("an undo would be %+v", c)
		}
	})))
	check(t, l.store.Close())
}

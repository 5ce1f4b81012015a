package processor

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"licenseimport/events"
)

// TestUndoScenarios undoes an import in each testdata/undo/*.txtar and compares the outcomes with the
// scenario's. With -update it rewrites the outcomes. A scenario has the sections
//
//	story     the events of licenses, one a line, in the order of the stream:
//	          imported|updated|revoked|restored <import>/<row> <key>, and of restored <sequence it restores>;
//	          their sequences count from 1; each changes the license's note to "after <sequence>"
//	undo      the import
//	outcomes  one a line: the import's event, and "-" or the outcome's id, its expectation and what it says
func TestUndoScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/undo/*.txtar")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d scenarios: %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { runUndoScenario(t, file) })
	}
}

func runUndoScenario(t *testing.T, file string) {
	archive, err := txtar.ParseFile(file)
	if err != nil || len(archive.Files) != 3 {
		t.Fatalf("%d sections, %v", len(archive.Files), err)
	}
	var job events.JobID
	if _, err := fmt.Sscan(string(archive.Files[1].Data), &job); err != nil {
		t.Fatal(err)
	}
	got := undoStory(t, parseStory(t, string(archive.Files[0].Data)), job)
	want := &archive.Files[2]
	if *update {
		want.Data = []byte(got)
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got != string(want.Data) {
		t.Errorf("outcomes are\n%s\nand should be\n%s", got, want.Data)
	}
}

// parseStory reads the events of a scenario.
func parseStory(t *testing.T, text string) []Aggregate {
	var all []Aggregate
	last := map[string]Aggregate{}
	for line := range strings.Lines(text) {
		var kind, key string
		var by events.Origin
		if line, _, _ = strings.Cut(line, "#"); strings.TrimSpace(line) == "" {
			continue
		}
		var restores events.Seq
		n, _ := fmt.Sscanf(line, "%s %d/%d %s %d", &kind, &by.JobID, &by.Row, &key, &restores)
		if n < 4 {
			t.Fatalf("%q", line)
		}
		e := Aggregate{Last: nextEvent(kind, by, key, last[key], restores, all), Seq: events.Seq(len(all) + 1)}
		all, last[key] = append(all, e), e
	}
	return all
}

// nextEvent is an event of a license that follows another one.
func nextEvent(kind string, by events.Origin, key string, last Aggregate, restores events.Seq,
	all []Aggregate) events.Event {
	license := events.License{Key: key, Note: fmt.Sprintf("after %d", len(all)+1)}
	product, order := events.Product{ShortCode: "psc"}, events.Order{StoreID: "o-1"}
	now, _ := events.StateAfter(last.Last)
	then := events.LicenseState{License: &license, Product: &product, Order: &order}
	switch kind {
	case "imported":
		return &events.LicenseImported{JobID: by.JobID, Row: by.Row, License: license, Product: product, Order: order}
	case "updated":
		return &events.LicenseUpdated{
			JobID: by.JobID, Row: by.Row, License: license, Product: product, Order: order,
			Changed: events.Changes(now, then), Previous: last.Seq, By: now.By,
		}
	case "revoked":
		return &events.LicenseRevoked{JobID: by.JobID, Row: by.Row, LicenseKey: key, Product: product, Previous: last.Seq}
	case "restored":
		then, _ = events.StateAfter(all[restores-1].Last)
		return &events.LicenseRestored{
			JobID: by.JobID, Row: by.Row, License: *then.License, Product: *then.Product, Order: *then.Order,
			Changed: events.Changes(now, then), Previous: last.Seq, Restores: restores, By: now.By,
		}
	}
	return nil
}

// undoStory decides the undo of an import, and describes the outcomes.
func undoStory(t *testing.T, all []Aggregate, job events.JobID) string {
	s := &undoDecider{job: job, manager: "eve", rules: licenseUndo, last: map[string]Aggregate{},
		events: map[events.Seq]events.Event{}}
	var facts []Aggregate
	for _, l := range all {
		s.last[l.Last.Subject()] = l
		if s.isRow(l.Last) {
			facts = append(facts, l)
			s.events[l.Seq] = l.Last
		}
	}
	for subject, l := range s.last {
		s.events[l.Seq] = l.Last
		s.last[subject] = l
	}
	outcomes, missing, err := s.decideAll(facts)
	for range all { // each round learns what the ones before needed
		if err != nil || len(missing) == 0 {
			break
		}
		for seq := range missing {
			s.events[seq] = all[seq-1].Last
		}
		outcomes, missing, err = s.decideAll(facts)
	}
	if err != nil || len(missing) > 0 {
		t.Fatalf("%v, missing %v", err, missing)
	}
	checkOneWrite(t, outcomes)
	var text strings.Builder
	for i, o := range outcomes {
		fmt.Fprintf(&text, "%s: %s\n", facts[i].Last.ID(), describeUndo(t, o))
	}
	return text.String()
}

// checkOneWrite fails if an undo writes twice at a license's subject.
func checkOneWrite(t testing.TB, outcomes []undoOutcome) {
	t.Helper()
	written := map[string]string{}
	for _, o := range outcomes {
		if o.event == nil || o.stored || o.event.Subject() != o.subject {
			continue
		}
		if other := written[o.subject]; other != "" {
			t.Errorf("%s and %s are both at %s", other, o.event.ID(), o.subject)
		}
		written[o.subject] = o.event.ID()
	}
}

func describeUndo(t *testing.T, o undoOutcome) string {
	if o.event == nil {
		return "-"
	}
	text := fmt.Sprintf("%s after %d", o.event.ID(), o.last)
	if o.stored {
		text = o.event.ID() + " is stored"
	}
	switch e := o.event.(type) {
	case *events.LicenseKept:
		text += fmt.Sprintf(" by %d/%d", e.By.JobID, e.By.Row)
	case *events.LicenseRestored:
		changed, err := json.Marshal(e.Changed)
		if err != nil {
			t.Fatal(err)
		}
		text += fmt.Sprintf(" restores %d: %q, changed %s", e.Restores, e.License.Note, changed)
	}
	return text
}

// TestUndoOfEveryStory tries all short stories of one license, as importers and undos can write them, and all
// undos that may follow. It compares the outcomes with those of a model: the undo of an import leaves the
// license as it was before the import's last run of events, unless another import's event, whose own undo has
// not taken it back, follows.
func TestUndoOfEveryStory(t *testing.T) {
	tried := map[string]int{}
	var extend func(story []Aggregate, undone map[events.JobID]bool)
	extend = func(story []Aggregate, undone map[events.JobID]bool) {
		for job := events.JobID(1); job <= 3; job++ {
			if undone[job] {
				continue
			}
			outcomes := undoOf(t, story, job)
			after := slices.Clip(story)
			for _, o := range outcomes {
				if o.event == nil {
					continue
				}
				tried[o.event.Type()]++
				if _, kept := o.event.(*events.LicenseKept); !kept {
					after = append(after, Aggregate{Last: o.event, Seq: events.Seq(len(after) + 1)})
				}
			}
			checkUndo(t, story, after, outcomes, job)
			if len(after) < 6 {
				now := maps.Clone(undone)
				now[job] = true
				extend(after, now)
			}
		}
		if len(story) >= 5 {
			return
		}
		for job := events.JobID(1); job <= 3; job++ { // an import ends before its undo
			if !undone[job] {
				kind := "imported"
				last := Aggregate{}
				if len(story) > 0 {
					last = story[len(story)-1]
				}
				if _, exists := events.StateAfter(last.Last); exists {
					kind = "updated"
				}
				by := events.Origin{JobID: job, Row: events.Row(len(story) + 1)}
				e := Aggregate{Last: nextEvent(kind, by, "K", last, 0, story), Seq: events.Seq(len(story) + 1)}
				extend(append(slices.Clip(story), e), undone)
			}
		}
	}
	extend(nil, map[events.JobID]bool{})
	for _, e := range []events.Event{&events.LicenseRevoked{}, &events.LicenseRestored{}, &events.LicenseKept{}} {
		if tried[e.Type()] < 100 {
			t.Errorf("%d outcomes are %s", tried[e.Type()], e.Type())
		}
	}
}

func undoOf(t testing.TB, all []Aggregate, job events.JobID) []undoOutcome {
	t.Helper()
	s := &undoDecider{job: job, manager: "eve", rules: licenseUndo, last: map[string]Aggregate{},
		events: map[events.Seq]events.Event{}}
	var facts []Aggregate
	for _, l := range all {
		s.events[l.Seq] = l.Last
		s.last[l.Last.Subject()] = l
		if s.isRow(l.Last) {
			facts = append(facts, l)
		}
	}
	outcomes, missing, err := s.decideAll(facts)
	if err != nil || len(missing) > 0 {
		t.Fatalf("%v, missing %v", err, missing)
	}
	checkOneWrite(t, outcomes)
	return outcomes
}

// standing are a story's events of rows that no undo has taken back, in order: what the license is made of.
func standing(all []Aggregate) (rows []Aggregate) {
	for _, l := range all {
		switch e := l.Last.(type) {
		case *events.LicenseImported, *events.LicenseUpdated:
			rows = append(rows, l)
		case *events.LicenseRevoked:
			rows = nil
		case *events.LicenseRestored:
			rows = rows[:1+slices.IndexFunc(rows, func(r Aggregate) bool { return r.Seq == e.Restores })]
		}
	}
	return rows
}

// checkUndo compares the outcomes of an undo with the model.
func checkUndo(t *testing.T, before, after []Aggregate, outcomes []undoOutcome, job events.JobID) {
	t.Helper()
	if len(after) == 0 {
		return
	}
	rows := standing(before)
	want := rows // without the import's last run of events
	for len(want) > 0 && want[len(want)-1].Last.Job() == job {
		want = want[:len(want)-1]
	}
	got := standing(after)
	same := slices.EqualFunc(got, want, func(a, b Aggregate) bool { return a.Seq == b.Seq })
	kept := slices.ContainsFunc(outcomes, func(o undoOutcome) bool {
		_, kept := o.event.(*events.LicenseKept)
		return kept
	})
	left := slices.ContainsFunc(got, func(l Aggregate) bool { return l.Last.Job() == job })
	if !same || left && !kept {
		t.Fatalf("undo of %d in %s gives %s", job, describeStory(before), describeStory(after))
	}
	now, exists := events.StateAfter(after[len(after)-1].Last)
	if len(got) == 0 {
		if exists {
			t.Fatalf("undo of %d in %s: the license exists", job, describeStory(before))
		}
		return
	}
	if then, _ := events.StateAfter(got[len(got)-1].Last); !exists || events.Changes(now, then) != nil {
		t.Fatalf("undo of %d in %s gives another license: %v", job, describeStory(before), events.Changes(now, then))
	}
}

func describeStory(all []Aggregate) (text string) {
	for _, l := range all {
		text += l.Last.ID() + " "
	}
	return text
}

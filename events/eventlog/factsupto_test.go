package eventlog

import (
	"errors"
	"fmt"
	"maps"
	"testing"

	"licenseimport/events"
)

// TestFactsUpTo: the messages at subjects with few and with many of them come once, those of each in order, by few requests.
func TestFactsUpTo(t *testing.T) {
	t.Parallel()
	log := openHere(t)
	counts := map[string]int{
		"licenses.p.none": 0, "licenses.p.one": 1, "licenses.p.few": 16,
		"licenses.p.many": 300, "licenses.p.others": 200,
	}
	for i := range 6 {
		counts[fmt.Sprintf("licenses.p.%d", i)] = 100
	}
	last := map[string]events.Seq{} // before the position that is read after
	var after events.Seq
	for round := range 2 {
		for i := range 300 {
			for subject, n := range counts {
				if i >= n {
					continue
				}
				ack, err := log.js.Publish(t.Context(), subject, nil)
				if err != nil {
					t.Fatal(err)
				}
				if round == 0 {
					last[subject], after = events.Seq(ack.Sequence), max(after, events.Seq(ack.Sequence))
				}
			}
		}
	}
	delete(counts, "licenses.p.others")
	delete(counts, "licenses.p.none")
	asked := map[string]events.Seq{}
	for subject := range counts {
		m, _, err := log.Fact(t.Context(), subject)
		if err != nil {
			t.Fatal(err)
		}
		asked[subject] = m.Seq
	}
	read := func(what string, of map[string]int, most uint64, facts func(func(Message) error) error) {
		t.Helper()
		got, at, before := map[string]int{}, maps.Clone(last), log.conn.Stats().OutMsgs
		err := facts(func(m Message) error {
			got[m.Subject]++
			if m.Seq <= max(after, at[m.Subject]) {
				t.Errorf("%s: %d after %d", m.Subject, m.Seq, at[m.Subject])
			}
			at[m.Subject] = m.Seq
			return nil
		})
		if err != nil || !maps.Equal(got, of) {
			t.Errorf("%s: got %v, want %v: %v", what, got, of, err)
		}
		if requests := log.conn.Stats().OutMsgs - before; requests > most {
			t.Errorf("%s: %d requests", what, requests)
		}
	}
	read("all", counts, 30, func(fn func(Message) error) error {
		return log.FactsUpTo(t.Context(), asked, after, fn)
	})
	read("none", map[string]int{}, 0, func(fn func(Message) error) error {
		return log.FactsUpTo(t.Context(), nil, after, fn)
	})
	enough := errors.New("enough")
	n := 0
	err := log.FactsUpTo(t.Context(), map[string]events.Seq{"licenses.p.many": asked["licenses.p.many"]}, 0, func(Message) error {
		if n++; n == 500 {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) || n != 500 {
		t.Errorf("%d messages: %v", n, err)
	}
}

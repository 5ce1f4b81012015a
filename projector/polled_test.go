package projector

import (
	"bytes"
	"testing"
	"time"

	"licenseimport/events"
	"licenseimport/internal/access"
)

func TestPolledKeepsTheNewestOfEachImport(t *testing.T) {
	var p polled
	if _, ok := p.get(1, 0); ok {
		t.Error("there is something in an empty one")
	}
	p.keep(1, 5, []byte("a"))
	p.keep(2, 6, []byte("b"))
	p.keep(1, 7, []byte("c"))
	if _, ok := p.get(1, 5); ok {
		t.Error("an old one is kept")
	}
	if body, ok := p.get(1, 7); !ok || string(body) != "c" || p.size != 2 {
		t.Errorf("%q %v, %d bytes", body, ok, p.size)
	}
}

func TestPolledIsBounded(t *testing.T) {
	var p polled
	body := bytes.Repeat([]byte("x"), 1<<20)
	for id := range events.JobID(100) {
		p.keep(id, 0, body)
		sum := 0
		for _, e := range p.results {
			sum += len(e.json)
		}
		if sum != p.size || sum > maxPolled {
			t.Fatalf("%d bytes are kept, %d counted", sum, p.size)
		}
		if _, ok := p.get(id, 0); !ok {
			t.Fatalf("%d is not kept", id)
		}
	}
}

// TestVersion: only what all who see an import see of it is kept for them, and only
// what the views are sure of.
func TestVersion(t *testing.T) {
	free, own := access.Manager{Name: "free", Role: access.Viewer}, access.Manager{Name: "own", Role: access.Importer, Products: []string{"psc"}}
	limited := access.Manager{Name: "limited", Role: access.Viewer, Products: []string{"psc"}}
	ended, live, stored := job{Manager: "own", Finished: time.Unix(1, 0), at: 9}, job{Manager: "own", at: 7}, job{Manager: "own"}
	for name, c := range map[string]struct {
		job job
		by  access.Manager
		at  events.Seq
		ok  bool
	}{
		"ended":                            {ended, free, 0, true},
		"ended, own":                       {ended, own, 0, true},
		"ended, another's":                 {ended, limited, 0, false},
		"goes on":                          {live, free, 7, true},
		"goes on, another's":               {live, limited, 7, false},
		"goes on, as of an unknown moment": {stored, free, 0, false},
	} {
		if at, ok := c.job.version(c.by); ok != c.ok || ok && at != c.at {
			t.Errorf("%s: %d %v", name, at, ok)
		}
	}
}

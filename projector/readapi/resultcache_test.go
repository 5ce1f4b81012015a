package readapi

import (
	"bytes"
	"testing"
	"time"

	"licenseimport/events"
	"licenseimport/internal/access"
	"licenseimport/projector"
)

func TestCacheHoldsTheNewestResultOfEachImport(t *testing.T) {
	var c resultCache
	if _, ok := c.get(1, 0); ok {
		t.Error("there is something in an empty one")
	}
	c.put(1, 5, []byte("a"))
	c.put(2, 6, []byte("b"))
	c.put(1, 7, []byte("c"))
	if _, ok := c.get(1, 5); ok {
		t.Error("an old one is kept")
	}
	if body, ok := c.get(1, 7); !ok || string(body) != "c" || c.size != 2 {
		t.Errorf("%q %v, %d bytes", body, ok, c.size)
	}
}

func TestCacheIsBounded(t *testing.T) {
	var c resultCache
	body := bytes.Repeat([]byte("x"), 1<<20)
	for id := range events.JobID(100) {
		c.put(id, 0, body)
		sum := 0
		for _, e := range c.results {
			sum += len(e.json)
		}
		if sum != c.size || sum > maxCachedBytes {
			t.Fatalf("%d bytes are kept, %d counted", sum, c.size)
		}
		if _, ok := c.get(id, 0); !ok {
			t.Fatalf("%d is not kept", id)
		}
	}
}

// TestVersion: only what all who see an import see of it is kept for them, and only
// what the views are sure of.
func TestVersion(t *testing.T) {
	free, own := access.Manager{Name: "free", Role: access.Viewer}, access.Manager{Name: "own", Role: access.Importer, Products: []string{"psc"}}
	limited := access.Manager{Name: "limited", Role: access.Viewer, Products: []string{"psc"}}
	ended, live, stored := projector.Job{Manager: "own", Finished: time.Unix(1, 0), At: 9}, projector.Job{Manager: "own", At: 7}, projector.Job{Manager: "own"}
	for name, c := range map[string]struct {
		job projector.Job
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
		if at, ok := sharedVersion(c.by, &c.job); ok != c.ok || ok && at != c.at {
			t.Errorf("%s: %d %v", name, at, ok)
		}
	}
}

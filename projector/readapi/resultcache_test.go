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
	first, second := resultKey{job: 1, partyCounts: true}, resultKey{job: 1}
	if _, ok := c.get(first, 0); ok {
		t.Error("an empty cache has a result")
	}
	c.put(first, 5, []byte("a"))
	c.put(second, 6, []byte("b"))
	c.put(first, 7, []byte("c"))
	if _, ok := c.get(first, 5); ok {
		t.Error("an old result is still there")
	}
	if body, ok := c.get(first, 7); !ok || string(body) != "c" || c.size != 2 {
		t.Errorf("%q %v, %d bytes", body, ok, c.size)
	}
}

func TestCacheIsBounded(t *testing.T) {
	var c resultCache
	body := bytes.Repeat([]byte("x"), 1<<20)
	for id := range events.JobID(100) {
		c.put(resultKey{job: id}, 0, body)
		sum := 0
		for _, e := range c.results {
			sum += len(e.json)
		}
		if sum != c.size || sum > maxCachedBytes {
			t.Fatalf("%d bytes are cached, %d counted", sum, c.size)
		}
		if _, ok := c.get(resultKey{job: id}, 0); !ok {
			t.Fatalf("%d is not cached", id)
		}
	}
}

// TestSharedVersion: a result is cached for managers who see all rows, and only where it is known
// which event it shows.
func TestSharedVersion(t *testing.T) {
	free := access.Manager{Name: "free", Role: access.Viewer}
	own := access.Manager{Name: "own", Role: access.Importer, Products: []string{"psc"}}
	limited := access.Manager{Name: "limited", Role: access.Viewer, Products: []string{"psc"}}
	ended := projector.Job{Manager: "own", Finished: time.Unix(1, 0), At: 9}
	live, stored := projector.Job{Manager: "own", At: 7}, projector.Job{Manager: "own"}
	for name, c := range map[string]struct {
		job projector.Job
		by  access.Manager
		at  events.Seq
		ok  bool
	}{
		"ended":                            {ended, free, 0, true},
		"ended, own":                       {ended, own, 0, true},
		"ended, another's":                 {ended, limited, 0, false},
		"running":                          {live, free, 7, true},
		"running, another's":               {live, limited, 7, false},
		"running, as of an unknown moment": {stored, free, 0, false},
	} {
		if at, ok := sharedVersion(c.by, &c.job); ok != c.ok || ok && at != c.at {
			t.Errorf("%s: %d %v", name, at, ok)
		}
	}
}

//go:build unix

package crashtest

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"licenseimport/events"
)

// changeFaults are the promises about changes that can be broken, with what shows it.
var changeFaults = map[string]struct {
	scenario func(t *testing.T, c *changeChaos)
	finds    func(*Changes) Faults
}{
	"first":   {updatesAtOnce, func(r *Changes) Faults { return r.Lost }},
	"changed": {undoOfWhatAnotherChanged, func(r *Changes) Faults { return r.Unexpected }},
	"key":     {retryAskedForTwice, func(r *Changes) Faults { return r.Duplicated }},
}

// TestChangeFaultsAreFound breaks one promise after the other.
func TestChangeFaultsAreFound(t *testing.T) {
	t.Parallel()
	for fault, f := range changeFaults {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			broken, err := faulty()
			must(t, err)
			c := newChangeChaos(t, broken, faultsVariable+"="+fault)
			for round := range rounds {
				f.scenario(t, c)
				must(t, c.settled())
				report, err := c.reckon()
				must(t, err)
				t.Logf("round %d: %v", round+1, report)
				if len(f.finds(report)) > 0 {
					return
				}
			}
			t.Error("the fault is not found")
		})
	}
}

// TestChangePromisesAreKept goes through the same scenarios without faults.
func TestChangePromisesAreKept(t *testing.T) {
	t.Parallel()
	c := newChangeChaos(t, program)
	for _, fault := range []string{"first", "changed", "key"} {
		changeFaults[fault].scenario(t, c)
	}
	c.verifyChanges(t)
}

// sendChanges uploads one file that names each of the shared licenses.
func (c *changeChaos) sendChanges(t *testing.T, name string, updates bool) events.JobID {
	t.Helper()
	random := rand.New(rand.NewPCG(c.seed, uint64(time.Now().UnixNano())))
	u := &changeFile{rows: make([]ChangeRow, 6*changedKeys), updates: updates}
	u.Name, u.kind = fmt.Sprintf("%s-%d.csv", name, random.Uint64()), events.Licenses
	for i := range u.rows {
		u.rows[i] = u.newRow(random)
		u.rows[i].License = License{Product: "photo", Key: fmt.Sprintf("every-%06d", i)}
		u.rows[i].Note = fmt.Sprintf("%s %d", u.Name, i)
		if i > 0 && u.rows[i].Validity == Open {
			u.rows[i].Validity = Valid
		}
	}
	u.rows[0].Validity = Invalid
	u.write()
	c.mu.Lock()
	c.uploads = append(c.uploads, u)
	c.mu.Unlock()
	query := ""
	if updates {
		query = "?existing=update"
	}
	must(t, c.client.send(t.Context(), &u.file, attempt{query: query}))
	return u.Job
}

// updatesAtOnce: several imports change the same licenses at the same time.
func updatesAtOnce(t *testing.T, c *changeChaos) {
	t.Helper()
	_, err := c.client.wait(c.sendChanges(t, "base", true))
	must(t, err)
	var uploads sync.WaitGroup
	for i := range 3 {
		uploads.Go(func() { c.sendChanges(t, fmt.Sprintf("update-%d", i), true) })
	}
	uploads.Wait()
}

// undoOfWhatAnotherChanged: an import is undone after another one has changed its licenses.
func undoOfWhatAnotherChanged(t *testing.T, c *changeChaos) {
	t.Helper()
	first := c.sendChanges(t, "first", true)
	_, err := c.client.wait(first)
	must(t, err)
	_, err = c.client.wait(c.sendChanges(t, "second", true))
	must(t, err)
	must(t, c.undo(first))
}

// retryAskedForTwice: a client asks for a retry, and again, since it has not seen the answer.
func retryAskedForTwice(t *testing.T, c *changeChaos) {
	t.Helper()
	job := c.sendChanges(t, "rejected", false)
	_, err := c.client.wait(job)
	must(t, err)
	must(t, c.retry(job))
	c.mu.Lock()
	key := fmt.Sprintf("retry-%d", c.keys)
	c.mu.Unlock()
	_, err = c.post(job, "retry", key)
	must(t, err)
}

//go:build unix

package crashtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os/exec"
	"testing"
	"time"

	"licenseimport/events"
)

// TestChangesInChaos has clients import, update, undo, cancel and retry the same licenses and their features for
// CHAOS_SECONDS (15) while processes are killed or stand still, and with CHAOS_NODES=3 NATS nodes are in trouble.
// Then every license's story is checked, the API against it, and the views against a rebuild.
func TestChangesInChaos(t *testing.T) {
	t.Parallel()
	c := newChangeChaosOn(t, newChaosSystem(t))
	go func() { // rows that were rejected until now can be imported
		rest(t.Context(), chaosTime(t)/2)
		_ = c.addProduct("later")
	}()
	c.run(t, chaosTime(t), func(ctx context.Context, number int) { c.change(ctx, number, c.random(200+number)) })
	t.Logf("%d uploads, %d requests, refused %v", len(c.uploads), c.attempts, c.refused)
	if report := c.verifyChanges(t); report.Imported == 0 || len(c.featureFiles()) > 0 && report.Features == 0 {
		t.Error("nothing was imported")
	}
	c.rebuilt(t, c.featureFiles()...)
}

// changeChaos is a system whose clients change the same licenses.
type changeChaos struct {
	*chaos
	uploads []*changeFile
	refused map[string]int // refusals, by what was asked for and the code
	asked   Requests
	keys    int // Idempotency-Keys that were used
}

func newChangeChaos(t *testing.T, program string, environment ...string) *changeChaos {
	t.Helper()
	return newChangeChaosOn(t, newSystemOf(t, program, 2*time.Second, environment...))
}

func newChangeChaosOn(t *testing.T, s *system) *changeChaos {
	t.Helper()
	c := &changeChaos{
		chaos:   newChaos(t, s),
		refused: map[string]int{},
		asked:   Requests{Undone: map[events.JobID]bool{}, Retried: map[events.JobID]int{}},
	}
	for _, product := range []string{"photo", "sync"} {
		must(t, c.addProduct(product))
	}
	return c
}

// addProduct adds a product to the catalogue.
func (c *changeChaos) addProduct(code string) error {
	return waitFor("product "+code, func() error {
		out, err := exec.Command(program, "products", "set", code, "--nats-url", c.url).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	})
}

// verifyChanges waits until every import and undo has ended, and checks the stream and the API.
func (c *changeChaos) verifyChanges(t *testing.T) *Changes {
	t.Helper()
	must(t, c.settled())
	report, err := c.reckon()
	must(t, err)
	t.Log(report)
	if !report.OK() {
		t.Error("there are faults")
	}
	shown, has, err := c.shownLicenses()
	must(t, err)
	if !maps.Equal(has, report.Has) {
		t.Errorf("features are shown as\n%v, and are\n%v", has, report.Has)
	}
	for license, cells := range report.Licenses {
		if shown[license] != cells {
			t.Errorf("%v is shown as %+v, and is %+v", license, shown[license], cells)
		}
	}
	if len(shown) != len(report.Licenses) {
		t.Errorf("%d licenses are shown, there are %d", len(shown), len(report.Licenses))
	}
	return report
}

// reckon checks what the stream holds by now.
func (c *changeChaos) reckon() (*Changes, error) {
	uploads := make([]ChangeUpload, len(c.uploads))
	for i, u := range c.uploads {
		uploads[i] = ChangeUpload{Name: u.Name, Rows: u.rows, Updates: u.updates, Acknowledged: u.Acknowledged, Job: u.Job}
	}
	var err error
	report := CheckChanges(uploads, c.asked, storedIn(c.url, &err))
	return report, err
}

// settled waits until every upload, every import and every undo has ended.
func (c *changeChaos) settled() error {
	if err := c.client.quiet(); err != nil {
		return err
	}
	for _, kind := range []*events.Kind{events.Licenses, events.Features} {
		err := waitForAll("the end of every import and undo of "+kind.Many, func() (left int, err error) {
			all, err := c.client.listOf(kind)
			for _, i := range all {
				if !i.ended() || i.Undo != nil && i.Undo.Status != "finished" {
					left++
				}
			}
			return left, err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// shownLicenses are the licenses and their features as the API lists them.
func (c *changeChaos) shownLicenses() (shown map[License]Cells, has map[Item]Cells, err error) {
	shown, has = map[License]Cells{}, map[Item]Cells{}
	for offset := 0; ; {
		var page struct {
			Count   int
			Results []struct {
				Key         string `json:"license_key"`
				Activations int    `json:"max_activations"`
				Note        string
				Product     struct {
					Code string `json:"short_code"`
				}
				Customer *struct{ Email string }
				Order    struct {
					Store string `json:"store_id"`
				}
				Features []struct {
					Code string
					Most *int `json:"max_consumption"`
				}
			}
		}
		if err := c.client.getJSON(fmt.Sprintf("/api/v1/licenses/?limit=100&offset=%d", offset), &page); err != nil {
			return nil, nil, err
		}
		for _, l := range page.Results {
			cells := Cells{Store: l.Order.Store, Activations: fmt.Sprint(l.Activations), Note: l.Note}
			if l.Customer != nil {
				cells.Email = l.Customer.Email
			}
			license := License{l.Product.Code, l.Key}
			shown[license] = cells
			for _, f := range l.Features {
				has[Item{license, f.Code}] = cellsOfFeature(events.Feature{MaxConsumption: f.Most})
			}
		}
		if offset += len(page.Results); offset >= page.Count || len(page.Results) == 0 {
			return shown, has, nil
		}
	}
}

// change does one thing after the other to licenses that all clients share.
func (c *changeChaos) change(ctx context.Context, number int, random *rand.Rand) {
	for n := 0; ctx.Err() == nil; n++ {
		var err error
		switch job := c.anyImport(random); {
		case job == 0 || random.IntN(2) == 0:
			err = c.uploadChanges(fmt.Sprintf("client-%d-file-%d", number, n), random)
		case random.IntN(5) == 0:
			_, err = c.post(job, "cancel", "")
		case random.IntN(3) > 0:
			if err = c.wait(job); err == nil {
				err = c.undo(job)
			}
		default:
			if err = c.wait(job); err == nil {
				err = c.retry(job)
			}
		}
		if err != nil {
			c.fault(err)
		}
	}
}

// featureFiles are the files of features that were acknowledged.
func (c *changeChaos) featureFiles() (files []*file) {
	for _, u := range c.uploads {
		if u.kind == events.Features && u.Acknowledged {
			files = append(files, &u.file)
		}
	}
	return files
}

// anyImport is an import that was acknowledged, or 0. Late ones are more frequent.
func (c *changeChaos) anyImport(random *rand.Rand) events.JobID {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.uploads) == 0 {
		return 0
	}
	u := c.uploads[max(0, len(c.uploads)-1-random.IntN(12))]
	if !u.Acknowledged {
		return 0
	}
	return u.Job
}

func (c *changeChaos) uploadChanges(name string, random *rand.Rand) error {
	u := newChangeFile(name, random)
	query := ""
	if u.updates {
		query = "?existing=update"
	}
	c.mu.Lock()
	c.uploads = append(c.uploads, u)
	c.mu.Unlock()
	return c.waitFor("the answer to "+name, func() error {
		c.count(&c.attempts)
		f := u.file // the client writes into it
		if err := c.client.send(context.Background(), &f, attempt{key: name, query: query}); err != nil {
			return err
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		u.file = f
		return nil
	})
}

// path is where the result of an import is.
func (c *changeChaos) path(job events.JobID) string {
	kind := events.Licenses
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, u := range c.uploads {
		if u.Acknowledged && u.Job == job {
			kind = u.kind
		}
	}
	return "/api/v1/" + kind.Results + job.String() + "/"
}

// wait waits until an import has ended.
func (c *changeChaos) wait(job events.JobID) error {
	path := c.path(job)
	return c.waitFor("the end of "+path, func() error {
		var i imported
		err := c.client.getJSON(path, &i)
		if err == nil && !i.ended() {
			err = fmt.Errorf("its status is %s", i.Status)
		}
		return err
	})
}

// undo asks for the undo of an import until the answer is yes or no.
func (c *changeChaos) undo(job events.JobID) error {
	accepted, err := c.post(job, "undo", "")
	if accepted {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.asked.Undone[job] = true
	}
	return err
}

func (c *changeChaos) retry(job events.JobID) error {
	c.mu.Lock()
	c.keys++
	key := fmt.Sprintf("retry-%d", c.keys)
	c.asked.Retried[job]++
	c.mu.Unlock()
	_, err := c.post(job, "retry", key)
	return err
}

// post asks until the answer is yes or a refusal: 409, or 404 for views that are behind.
func (c *changeChaos) post(job events.JobID, what, key string) (accepted bool, err error) {
	path := c.path(job) + what + "/"
	err = c.waitFor(path, func() error {
		c.count(&c.attempts)
		err := c.client.post(path, key)
		var refused *statusError
		if errors.As(err, &refused) && refused.status == http.StatusConflict {
			c.refuse(what, refused.body)
			return nil
		}
		accepted = err == nil
		return err
	})
	return accepted, err
}

func (c *changeChaos) refuse(what, body string) {
	var problem struct{ Code string }
	_ = json.Unmarshal([]byte(body), &problem)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refused[what+" "+problem.Code]++
}

// post makes a POST without a body.
func (c *client) post(path, key string) error {
	r, err := http.NewRequest(http.MethodPost, c.base+path, nil)
	if err != nil {
		return err
	}
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	_, err = c.do(r)
	return err
}

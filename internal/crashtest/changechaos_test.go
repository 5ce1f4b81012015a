//go:build unix

package crashtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"licenseimport/events"
)

// TestChangesInChaos has clients import, update, undo, cancel and retry the same licenses for CHAOS_SECONDS
// (15) while processes are killed or stand still, and with CHAOS_NODES=3 NATS nodes are in trouble. Then every
// license's story is checked, the API against it, and the views against a rebuild.
func TestChangesInChaos(t *testing.T) {
	t.Parallel()
	c := newChangeChaosOn(t, newChaosSystem(t))
	go func() { // rows that were rejected until now can be imported
		rest(t.Context(), time.Duration(number(t, "CHAOS_SECONDS", 15))*time.Second/2)
		_ = c.addProduct("later")
	}()
	c.run(t, func(ctx context.Context, number int) { c.change(ctx, number, c.random(200+number)) })
	t.Logf("%d uploads, %d requests, refused %v", len(c.uploads), c.attempts, c.refused)
	if report := c.verifyChanges(t); report.Imported == 0 {
		t.Error("nothing was imported")
	}
	c.rebuilt(t)
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
	_, err := c.client.settled()
	must(t, err)
	must(t, waitFor("the end of every undo", c.undosEnded))
	report, err := c.reckon()
	must(t, err)
	t.Log(report)
	if !report.OK() {
		t.Error("there are faults")
	}
	shown, err := c.shownLicenses()
	must(t, err)
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
	var stream []Stored
	if err := follow(c.url, false, func(s Stored) error { stream = append(stream, s); return nil }); err != nil {
		return nil, err
	}
	uploads := make([]ChangeUpload, len(c.uploads))
	for i, u := range c.uploads {
		uploads[i] = ChangeUpload{Name: u.Name, Rows: u.rows, Updates: u.updates, Acknowledged: u.Acknowledged, Job: u.Job}
	}
	return CheckChanges(uploads, c.asked, stream), nil
}

func (c *changeChaos) undosEnded() error {
	all, err := c.client.list()
	for _, i := range all {
		if i.Undo != nil && i.Undo.Status != "finished" {
			return fmt.Errorf("the undo of import %d is %s", i.ID, i.Undo.Status)
		}
	}
	return err
}

// shownLicenses are the licenses as the API lists them.
func (c *changeChaos) shownLicenses() (map[License]Cells, error) {
	shown := map[License]Cells{}
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
			}
		}
		if err := c.client.getJSON(fmt.Sprintf("/api/v1/licenses/?limit=100&offset=%d", offset), &page); err != nil {
			return nil, err
		}
		for _, l := range page.Results {
			cells := Cells{Store: l.Order.Store, Activations: fmt.Sprint(l.Activations), Note: l.Note}
			if l.Customer != nil {
				cells.Email = l.Customer.Email
			}
			shown[License{l.Product.Code, l.Key}] = cells
		}
		if offset += len(page.Results); offset >= page.Count || len(page.Results) == 0 {
			return shown, nil
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
			if _, err = c.client.wait(job); err == nil {
				err = c.undo(job)
			}
		default:
			if _, err = c.client.wait(job); err == nil {
				err = c.retry(job)
			}
		}
		if err != nil {
			c.fault(err)
		}
	}
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
	return waitFor("the answer to "+name, func() error {
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
	path := resultsPath + job.String() + "/" + what + "/"
	err = waitFor(path, func() error {
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

// changeFile is a file of changes.
type changeFile struct {
	file
	rows    []ChangeRow
	updates bool
}

// Of how many keys, customers and orders the files draw.
const (
	changedKeys   = 300
	changedPeople = 8
)

func newChangeFile(name string, random *rand.Rand) *changeFile {
	u := &changeFile{rows: make([]ChangeRow, 1+random.IntN(200)), updates: random.IntN(3) > 0}
	u.Name = name + ".csv"
	for i := range u.rows {
		u.rows[i] = u.newRow(random)
	}
	u.write()
	return u
}

// write makes the text of the rows.
func (u *changeFile) write() {
	var b strings.Builder
	b.WriteString(header)
	for _, row := range u.rows {
		activations := row.Activations
		if row.Validity == Invalid {
			activations = "many"
		}
		fmt.Fprintf(&b, "%s,%s,%s,%s,%s,%s\n", row.Key, row.Product, row.Email, row.Store, activations, row.Note)
	}
	u.text = b.String()
}

func (u *changeFile) newRow(random *rand.Rand) ChangeRow {
	cell := func(format string, n int) string {
		switch at := random.IntN(8); {
		case at < 3:
			return ""
		case at == 3 && u.updates:
			return clear
		}
		return fmt.Sprintf(format, 1+random.IntN(n))
	}
	row := ChangeRow{
		License: License{Product: []string{"photo", "sync"}[random.IntN(2)], Key: fmt.Sprintf("change-%06d", random.IntN(changedKeys))},
		Cells: Cells{
			Email: cell("customer%d@example.com", changedPeople), Store: cell("order-%d", changedPeople),
			Activations: cell("%d", 5), Note: cell("note %d", 5),
		},
	}
	switch random.IntN(20) {
	case 0:
		row.Validity = Invalid
	case 1, 2:
		row.Validity, row.Product = Open, "later"
	}
	return row
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

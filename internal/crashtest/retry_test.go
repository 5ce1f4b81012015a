//go:build unix

package crashtest

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os/exec"
	"testing"
	"time"

	"licenseimport/events"
)

// TestKillDuringRetry kills the server at moments around a retry, which its client repeats with the same
// Idempotency-Key until it is answered. What the killed ones stored imports nothing; the one that is
// answered has each rejected row once.
func TestKillDuringRetry(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(5, 5))
	s := newServer(t)
	files, kills := []*file{}, 0
	for round := range 3 {
		first, again := rejectedFile(fmt.Sprintf("first-%d", round), 6000)
		s.catalogue(t, "set", "photo-pro")
		must(t, s.client.send(t.Context(), first, attempt{}))
		_, err := s.client.wait(first.Job)
		must(t, err)
		s.catalogue(t, "set", "photo-lite")
		s.catalogue(t, "set", "sync")
		for !again.Acknowledged {
			killed := make(chan struct{})
			pause := 20*time.Millisecond + time.Duration(random.Int64N(int64(300*time.Millisecond)))
			go func() {
				defer close(killed)
				if kills++; kills%4 == 0 {
					return // else a slow machine would never answer
				}
				rest(context.Background(), pause)
				s.kill()
			}()
			err := s.client.retry(t.Context(), first, again)
			<-killed
			t.Logf("%s: %v", again.Name, err)
			if s.cmd == nil {
				must(t, s.start())
			}
		}
		_, err = s.client.wait(again.Job)
		must(t, err)
		s.catalogue(t, "remove", "photo-lite")
		s.catalogue(t, "remove", "sync")
		files = append(files, first, again)
	}
	report := verify(t, s.nats, s.client, files...)
	if report.CutOff != 0 || report.Recovered != 0 {
		t.Error("a retry is in no answer")
	}
}

// rejectedFile is a file of which all rows but those of photo-pro are rejected, and its retry.
func rejectedFile(name string, rows int) (first, again *file) {
	first = shape{name: name, rows: rows, seed: 1}.generate()
	again = &file{Upload: Upload{Name: RetryOf(first.Name), Whole: true}}
	for i, row := range first.Rows {
		if row.Product != "photo-pro" {
			first.Rows[i].Invalid = true
		}
		if first.Rows[i].Invalid {
			again.Rows = append(again.Rows, row)
		}
	}
	return first, again
}

// catalogue changes the product catalogue of the running server.
func (s *server) catalogue(t *testing.T, what, product string) {
	t.Helper()
	catalogue(t, s.process, what, product, "--data", s.data)
}

// catalogue runs the command products in the environment of a process.
func catalogue(t *testing.T, p *process, what, product string, flags ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), p.path, append([]string{"products", what, product}, flags...)...)
	cmd.Env = p.env
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("products %s %s: %v: %s", what, product, err, out)
	}
}

// retriedOnce: an import whose rows are rejected since the catalogue lacks their products is retried once it
// has them.
func retriedOnce(t *testing.T, s *system) []*file {
	first, again := rejectedFile("first", 3000)
	catalogue(t, s.ingest, "set", "photo-pro", "--nats-url", s.url)
	must(t, s.client.send(t.Context(), first, attempt{}))
	_, err := s.client.wait(first.Job)
	must(t, err)
	catalogue(t, s.ingest, "set", "photo-lite", "--nats-url", s.url)
	catalogue(t, s.ingest, "set", "sync", "--nats-url", s.url)
	must(t, s.client.retry(t.Context(), first, again))
	return []*file{first, again}
}

// retry asks for the retry of a file's import, and notes in again what the client saw. It asks again
// while an earlier try is in progress.
func (c *client) retry(ctx context.Context, first, again *file) error {
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+resultsPath+first.Job.String()+"/retry/", nil)
		if err != nil {
			return err
		}
		r.Header.Set("Idempotency-Key", again.Name)
		told, err := c.do(r)
		if status, ok := err.(*statusError); ok && status.status == http.StatusConflict {
			rest(ctx, 50*time.Millisecond)
			continue
		}
		if err != nil {
			return err
		}
		var answer struct {
			JobID events.JobID `json:"job_id"`
		}
		if err := json.Unmarshal(told, &answer); err != nil {
			return err
		}
		again.Acknowledged, again.Job = true, answer.JobID
		return nil
	}
}

//go:build unix

package crashtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestChaos has clients upload for CHAOS_SECONDS (15) while processes are killed
// or stand still at random moments, drawn from CHAOS_SEED (1). Kills overlap, but killers wait for a
// system that needs long to start. Then everything runs again, and everything is checked.
func TestChaos(t *testing.T) {
	t.Parallel()
	duration := time.Duration(number(t, "CHAOS_SECONDS", 15)) * time.Second
	c := &chaos{system: newSystem(t, 2*time.Second), seed: uint64(number(t, "CHAOS_SEED", 1))}
	c.readiness = newReadiness(c.probe)
	ctx, cancel := context.WithTimeout(t.Context(), duration)
	defer cancel()
	go c.readiness.watch(ctx)
	var killers, clients sync.WaitGroup
	for i, p := range c.all() {
		killers.Go(func() { c.torment(ctx, p, i == 0, rand.New(rand.NewPCG(c.seed, uint64(i)))) })
	}
	for i := range 3 {
		clients.Go(func() { c.upload(ctx, i, rand.New(rand.NewPCG(c.seed, uint64(100+i)))) })
	}
	killers.Wait()
	if err := c.ready(); err != nil {
		c.fault(err)
	}
	clients.Wait()
	for _, err := range c.faults {
		t.Error(err)
	}
	t.Logf("time to readiness: %v", c.readiness)
	if c.readiness.late > 0 {
		t.Error("the system did not start in time")
	}
	t.Logf("seed %d, %v: %d kills, %d pauses; %d uploads, sent %d times", c.seed, duration, c.kills, c.pauses, len(c.files), c.attempts)
	report := verify(t, c.url, c.client, c.files...)
	if report.Acknowledged == 0 || c.kills == 0 || c.pauses == 0 {
		t.Error("nothing was tried")
	}
	before := answers(t, c.client)
	must(t, c.withoutViews())
	same(t, before, answers(t, c.client))
}

// chaos is a system with clients that upload to it and with who kills it.
type chaos struct {
	*system
	seed      uint64
	readiness *readiness

	mu       sync.Mutex
	files    []*file
	faults   []error
	kills    int
	pauses   int
	attempts int
}

func (c *chaos) fault(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = append(c.faults, err)
}

func (c *chaos) count(n *int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	*n++
}

// probe asks once whether the whole system is ready.
func (c *chaos) probe(ctx context.Context) error {
	return errors.Join(c.client.probe(ctx), c.reads.probe(ctx))
}

// torment kills one process, or has it stand still, again and again. At the end it
// runs. The first time, a patient one stands still for longer than its claims hold.
func (c *chaos) torment(ctx context.Context, p *process, patient bool, random *rand.Rand) {
	between := func(least, most time.Duration) time.Duration {
		return least + time.Duration(random.Int64N(int64(most-least)))
	}
	for rest(ctx, between(200*time.Millisecond, 4*time.Second)) {
		if patient || random.IntN(3) == 0 {
			still := between(100*time.Millisecond, 3*time.Second)
			if patient || random.IntN(4) == 0 {
				still = between(5500*time.Millisecond, 7*time.Second)
			}
			patient = false
			c.count(&c.pauses)
			p.signal(syscall.SIGSTOP)
			rest(context.Background(), still)
			p.signal(syscall.SIGCONT)
			continue
		}
		if !c.readiness.mayKill(ctx) {
			return
		}
		c.count(&c.kills)
		p.kill()
		rest(ctx, between(0, 300*time.Millisecond))
		if err := p.start(); err != nil {
			c.fault(err)
			return
		}
	}
}

// rest is false when ctx ended before.
func rest(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// upload sends one file after the other. Some clients go away in the middle, some
// try once, the others try the same upload until it is acknowledged.
func (c *chaos) upload(ctx context.Context, number int, random *rand.Rand) {
	for n := 0; ctx.Err() == nil; n++ {
		name := fmt.Sprintf("client-%d-file-%d", number, n)
		f := shape{name: name, rows: 100 + random.IntN(3000), shared: 10, pool: 300, seed: random.Uint64()}.generate()
		c.mu.Lock()
		c.files = append(c.files, f)
		c.mu.Unlock()
		switch random.IntN(8) {
		case 0:
			c.once(f, attempt{cut: 1 + random.IntN(len(f.text)-1)})
		case 1:
			c.once(f, attempt{})
		default:
			if err := waitFor("the answer to "+name, func() error { return c.once(f, attempt{key: name}) }); err != nil {
				c.fault(err)
			}
		}
		if f.Acknowledged {
			c.look(f)
		}
	}
}

func (c *chaos) once(f *file, a attempt) error {
	c.count(&c.attempts)
	return c.client.send(context.Background(), f, a)
}

// look asks for the result of an acknowledged upload: it may not be told now, but
// never that there is none.
func (c *chaos) look(f *file) {
	_, err := c.client.result(f.Job)
	var status *statusError
	if errors.As(err, &status) && status.status == http.StatusNotFound {
		c.fault(fmt.Errorf("%s was acknowledged as import %d: %w", f.Name, f.Job, err))
	}
}

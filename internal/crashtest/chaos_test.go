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

	"licenseimport/events/eventlog/eventlogtest"
)

// maxChaos bounds the time of one system in TestChaos. Each start reads all rows of a week, and kills come every few
// seconds: three clients give a system in an hour more rows than it can read between two kills.
const maxChaos = 20 * time.Minute

// TestChaos has clients upload for CHAOS_SECONDS (15) while processes are killed
// or stand still at random moments, drawn from CHAOS_SEED (1). Kills overlap, but killers wait for a
// system that needs long to start. Then everything runs again, and everything is checked. With
// CHAOS_NODES=3 the streams are on three NATS nodes, and one after the other is in trouble.
func TestChaos(t *testing.T) {
	t.Parallel()
	round := uint64(0)
	for left := chaosTime(t); left > 0; left -= maxChaos {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			c := newChaos(t, newChaosSystem(t))
			c.seed += round
			c.run(t, min(left, maxChaos), func(ctx context.Context, number int) { c.upload(ctx, number, c.random(100+number)) })
			t.Logf("%d uploads, sent %d times", len(c.files), c.attempts)
			if report := verify(t, c.url, c.client, c.files...); report.Acknowledged == 0 {
				t.Error("nothing was acknowledged")
			}
			c.rebuilt(t)
		})
		round++
	}
}

// chaosTime is how long there is trouble.
func chaosTime(t *testing.T) time.Duration {
	t.Helper()
	return time.Duration(number(t, "CHAOS_SECONDS", 15)) * time.Second
}

// newChaosSystem starts a system on CHAOS_NODES (1) NATS nodes.
func newChaosSystem(t *testing.T) *system {
	t.Helper()
	switch nodes := number(t, "CHAOS_NODES", 1); nodes {
	case 1:
		return newSystem(t, 2*time.Second)
	case eventlogtest.Nodes:
		return newClusterSystem(t, 3*time.Second) // ingest seldom lives for long
	default:
		t.Fatalf("CHAOS_NODES=%d: it is 1 or %d", nodes, eventlogtest.Nodes)
		return nil
	}
}

// chaos is a system with clients that upload to it and with who kills it.
type chaos struct {
	*system
	seed      uint64
	readiness *readiness
	struck    map[string]int // troubles of NATS nodes, by name; of one goroutine

	mu       sync.Mutex
	files    []*file
	faults   []error
	kills    int
	pauses   int
	attempts int
}

func newChaos(t *testing.T, s *system) *chaos {
	t.Helper()
	observeHost(t)
	c := &chaos{system: s, seed: uint64(number(t, "CHAOS_SEED", 1)), struck: map[string]int{}}
	c.readiness = newReadiness(c.probe)
	return c
}

// random draws from the seed. Each user has a number.
func (c *chaos) random(user int) *rand.Rand { return rand.New(rand.NewPCG(c.seed, uint64(user))) }

// run has three clients at work for so long while processes and NATS nodes are struck. Then everything runs again.
func (c *chaos) run(t *testing.T, duration time.Duration, client func(ctx context.Context, number int)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), duration)
	watching, unwatch := context.WithCancel(context.Background())
	var killers, clients sync.WaitGroup
	defer unwatch()
	defer clients.Wait()
	defer killers.Wait()
	defer cancel()
	go c.readiness.watch(watching)
	for i, p := range c.all() {
		killers.Go(func() { c.torment(ctx, p, i == 0, c.random(i)) })
	}
	for i := range 3 {
		clients.Go(func() { client(ctx, i) })
	}
	if c.cluster != nil {
		c.tormentNodes(ctx, c.random(50))
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
	t.Logf("seed %d, %v: %d kills, %d pauses, troubles of nodes %v", c.seed, duration, c.kills, c.pauses, c.struck)
	if c.kills == 0 || c.pauses == 0 || c.cluster != nil && len(c.struck) == 0 {
		t.Error("nothing was tried")
	}
}

// waitFor is waitFor by the clock of readiness. It asks more and more seldom, as clients do that heed Retry-After: three that
// send their files a hundred times a second take a core from the system's start.
func (c *chaos) waitFor(what string, f func() error) error {
	began, end := c.readiness.clock(), time.Now().Add(10*timeout)
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, 500*time.Millisecond) {
		err := f()
		if err == nil {
			return nil
		}
		if c.readiness.clock()-began > timeout || time.Now().After(end) {
			return fmt.Errorf("waited in vain for %s: %w", what, err)
		}
		time.Sleep(pause)
	}
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
// runs. The first time, a patient one stands still for longer than its leases last.
func (c *chaos) torment(ctx context.Context, p *process, patient bool, random *rand.Rand) {
	between := between(random)
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

// between draws durations.
func between(random *rand.Rand) func(least, most time.Duration) time.Duration {
	return func(least, most time.Duration) time.Duration {
		return least + time.Duration(random.Int64N(int64(most-least)))
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
			if err := c.waitFor("the answer to "+name, func() error { return c.once(f, attempt{key: name}) }); err != nil {
				c.fault(err)
			}
		}
		f.text = "" // nobody sends it again, and an hour has thousands
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

//go:build linux && powercut

package crashtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"licenseimport/internal/crashtest/forgetfs"
)

// A machine is a server on a file system that forgets what was not synced when its power is cut.
type machine struct {
	*server
	fs      *forgetfs.FS
	mount   string
	unmount func() error
}

func newMachine(t *testing.T, program string, environment ...string) *machine {
	t.Helper()
	m := &machine{fs: forgetfs.New(), mount: t.TempDir()}
	must(t, m.mountAgain())
	t.Cleanup(func() {
		if err := m.unmount(); err != nil {
			t.Error(err)
		}
	})
	data := filepath.Join(m.mount, "data")
	m.server = &server{data: data, process: newProcess(t, "serve", "serve", "--data", data,
		"--http", "127.0.0.1:0", "--nats-port", "-1", "--abandoned-after", "1s")}
	m.path, m.env = program, append(m.env, environment...)
	must(t, m.start())
	return m
}

func (m *machine) mountAgain() (err error) {
	m.unmount, err = m.fs.Mount(m.mount)
	return err
}

// cutPower cuts the power.
func (m *machine) cutPower(survival forgetfs.Survival, random *rand.Rand) error {
	m.fs.Cut(survival, random)
	m.kill()
	return m.unmount()
}

// powerOn starts the machine on what is left on its disk.
func (m *machine) powerOn() error {
	if err := m.mountAgain(); err != nil {
		return err
	}
	return m.start()
}

// TestPowerCut cuts the power POWERCUTS (4) times while clients upload, go away and save mappings. What was
// acknowledged has to be there; seeds are drawn from POWERCUT_SEED (1).
func TestPowerCut(t *testing.T) {
	t.Parallel()
	cuts, seed := number(t, "POWERCUTS", 4), uint64(number(t, "POWERCUT_SEED", 1))
	m := newMachine(t, program)
	random := rand.New(rand.NewPCG(seed, 1))
	var all []*file
	mappings := map[string]bool{}
	for cut := range cuts {
		survival := []forgetfs.Survival{forgetfs.Nothing, forgetfs.Some}[cut%2]
		l := &load{client: m.client, round: cut, known: len(mappings), mappings: mappings}
		ctx, stop := context.WithCancel(t.Context())
		var clients sync.WaitGroup
		for i := range 3 {
			clients.Go(func() { l.run(ctx, i, rand.New(rand.NewPCG(seed, uint64(1000*cut+i)))) })
		}
		must(t, waitFor("an upload that is acknowledged", l.anyAcknowledged))
		time.Sleep(time.Duration(random.IntN(2000)) * time.Millisecond) // the moment of the cut
		must(t, m.cutPower(survival, random))
		stop()
		clients.Wait()
		must(t, m.powerOn())
		all = append(all, l.files...)
		report := verify(t, m.nats, m.client, all...)
		t.Logf("cut %d, survival %d: %d uploads so far, %d rows acknowledged", cut, survival, len(all), report.Acknowledged)
		for name := range mappings {
			if _, err := m.client.get("/api/v1/import-mappings/" + name + "/"); err != nil {
				t.Errorf("a saved mapping: %v", err)
			}
		}
		if t.Failed() {
			t.Fatalf("POWERCUT_SEED=%d, cut %d", seed, cut)
		}
	}
}

// TestPowerCutFindsAMissingBarrier is the negative control: a program that seals an upload before its rows
// are synced loses them. A start syncs what is there, so that ROWS is not empty afterwards, which ends the start.
func TestPowerCutFindsAMissingBarrier(t *testing.T) {
	t.Parallel()
	built, err := faulty()
	must(t, err)
	for round := range rounds {
		m := newMachine(t, built, faultsVariable+"=barrier")
		first := shape{name: "first", rows: 100, seed: uint64(round)}.generate()
		must(t, m.client.send(t.Context(), first, attempt{}))
		must(t, m.restartByKill())
		f := shape{name: "file", rows: 20_000, seed: uint64(round)}.generate()
		must(t, m.client.send(t.Context(), f, attempt{}))
		must(t, m.cutPower(forgetfs.Nothing, nil))
		must(t, m.powerOn())
		report, err := found(&system{url: m.nats}, []*file{first, f})
		must(t, err)
		t.Logf("round %d: %v", round+1, report)
		m.kill()
		if len(report.Lost) > 0 {
			return
		}
	}
	t.Error("the fault is not found")
}

// TestPowerCutAfterAPurge: rows of an upload that was cut off stand between those of one that was acknowledged. Their
// purge has the server rewrite the files of both, just before the power is cut. The negative control is a program
// that does not sync what it rewrites.
func TestPowerCutAfterAPurge(t *testing.T) {
	t.Parallel()
	m := newMachine(t, program)
	var all []*file
	for round := range 2 {
		all = append(all, m.cutAfterAPurge(t, round)...)
		must(t, m.powerOn())
		verify(t, m.nats, m.client, all...)
	}
}

func TestPowerCutFindsUnsyncedRewrites(t *testing.T) {
	t.Parallel()
	built, err := faulty()
	must(t, err)
	for round := range rounds {
		m := newMachine(t, built, faultsVariable+"=rewrites")
		files := m.cutAfterAPurge(t, round)
		must(t, m.mountAgain())
		must(t, m.process.start())
		if refused, err := m.refusesToStart(); err != nil || refused {
			must(t, err)
			return // for the stream is gone
		}
		must(t, m.reachable())
		report, err := found(&system{url: m.nats}, files)
		must(t, err)
		t.Logf("round %d: %v", round+1, report)
		m.kill()
		if len(report.Lost) > 0 {
			return
		}
	}
	t.Error("the fault is not found")
}

// refusesToStart waits until the program runs again, or says that something is missing.
func (m *machine) refusesToStart() (refused bool, err error) {
	err = waitFor("a start", func() error {
		text, err := os.ReadFile(m.log)
		if err != nil {
			return err
		}
		if refused = bytes.Contains(text, []byte("something that was stored is missing")); refused {
			return nil
		}
		if bytes.Count(text, []byte("licenseimport is running")) < 2 {
			return errNotThere
		}
		return nil
	})
	return refused, err
}

// cutAfterAPurge uploads two files at a time, one of which is cut off, and cuts the power when its rows are purged.
func (m *machine) cutAfterAPurge(t *testing.T, round int) []*file {
	t.Helper()
	whole := shape{name: fmt.Sprintf("whole-%d", round), rows: 12_000, seed: uint64(round)}.generate()
	cut := shape{name: fmt.Sprintf("cut-%d", round), rows: 24_000, seed: uint64(round)}.generate()
	var uploads sync.WaitGroup
	uploads.Go(func() {
		if err := m.client.send(t.Context(), whole, attempt{}); err != nil {
			t.Error(err)
		}
	})
	if err := m.client.send(t.Context(), cut, attempt{cut: len(cut.text) - 1}); err == nil {
		t.Error("the upload was not cut off")
	}
	uploads.Wait()
	must(t, m.client.quiet())
	must(t, m.cutPower(forgetfs.Some, rand.New(rand.NewPCG(uint64(round), 7))))
	return []*file{whole, cut}
}

// load is what clients do until the power is cut.
type load struct {
	client *client
	round  int
	known  int // mappings before

	mu       sync.Mutex
	files    []*file
	mappings map[string]bool // those that were acknowledged
}

func (l *load) anyAcknowledged() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.mappings) == l.known { // one is saved after each upload
		return errors.New("there is none")
	}
	return nil
}

func (l *load) run(ctx context.Context, client int, random *rand.Rand) {
	for n := 0; ctx.Err() == nil; n++ {
		f := shape{name: fmt.Sprintf("round-%d-client-%d-file-%d", l.round, client, n), rows: 1 + random.IntN(6000),
			shared: 10, pool: 300, seed: random.Uint64()}.generate()
		l.mu.Lock()
		l.files = append(l.files, f)
		l.mu.Unlock()
		var a attempt
		if random.IntN(3) == 0 {
			a.cut = 1 + random.IntN(len(f.text)-1)
		}
		if l.client.send(ctx, f, a) == nil {
			l.saveMapping(ctx, f.Name[:len(f.Name)-len(".csv")])
		}
	}
}

func (l *load) saveMapping(ctx context.Context, name string) {
	body := bytes.NewReader([]byte(`{"kind":"licenses","columns":{"Serial":"license__license_key"}}`))
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, l.client.base+"/api/v1/import-mappings/"+name+"/", body)
	if err != nil {
		return
	}
	r.Header.Set("Content-Type", "application/json")
	if _, err := l.client.do(r); err == nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.mappings[name] = true
	}
}

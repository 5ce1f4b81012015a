//go:build unix

package crashtest

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestKillersLetTheSystemStart: kills overlap for a moment; then killers wait until the system was
// ready, or for patience.
func TestKillersLetTheSystemStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ready := false
		r := newReadiness(func(context.Context) error {
			if ready {
				return nil
			}
			return errors.New("starting")
		})
		for range 2 {
			if !r.mayKill(t.Context()) {
				t.Fatal("no kill of a system that was ready")
			}
		}
		time.Sleep(overlap + time.Second)
		began := time.Now()
		go func() {
			time.Sleep(20 * time.Second) // the system's start
			r.ready(time.Now())
		}()
		if !r.mayKill(t.Context()) || time.Since(began) < 20*time.Second {
			t.Errorf("killed %v after the last readiness, before the system was ready", time.Since(began))
		}
		if time.Since(began) < 20*time.Second+calm {
			t.Error("killed right after an outage")
		}
		if len(r.outages) != 1 || r.outages[0].kills != 2 || r.outages[0].took != overlap+21*time.Second {
			t.Errorf("outages %v, want one with 2 kills", r.outages)
		}
		time.Sleep(overlap + time.Second)
		if began = time.Now(); !r.mayKill(t.Context()) || time.Since(began) < patience || r.late != 1 {
			t.Errorf("a system that does not start was killed after %v, late %d", time.Since(began), r.late)
		}
	})
}

// TestClientsArePatient: by the clock of a system that is watched only the time counts for which it is ready.
func TestClientsArePatient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := false
		r := newReadiness(func(context.Context) error {
			if down {
				return errors.New("starting")
			}
			return nil
		})
		time.Sleep(time.Second)
		if r.clock() != time.Second {
			t.Errorf("nobody watches: %v", r.clock())
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go r.watch(ctx)
		for range 3 {
			time.Sleep(10*time.Second + time.Millisecond) // between two probes
			down = true
			time.Sleep(time.Minute)
			down = false
		}
		if up := r.clock(); up < 29*time.Second || up > 30*time.Second {
			t.Errorf("ready for 30 s, counted %v", up)
		}
	})
}

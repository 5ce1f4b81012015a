package eventlog

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"licenseimport/events"

	"github.com/nats-io/nats.go"
)

// TestTurns: one at a time for each stream, and a caller does not wait when its context has ended.
func TestTurns(t *testing.T) {
	t.Parallel()
	var all turns
	var has, most atomic.Int32
	var users sync.WaitGroup
	for range 50 {
		users.Go(func() {
			release, err := all.enter(t.Context(), events.LicensesStream)
			if err != nil {
				t.Error(err)
				return
			}
			most.Store(max(most.Load(), has.Add(1)))
			has.Add(-1)
			release()
		})
	}
	users.Wait()
	if most.Load() != 1 {
		t.Errorf("%d have the turn at once", most.Load())
	}
	release, err := all.enter(t.Context(), events.LicensesStream)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := all.enter(ctx, events.LicensesStream); !errors.Is(err, context.Canceled) {
		t.Errorf("while another one has it: %v", err)
	}
	other, err := all.enter(t.Context(), events.RowsStream)
	if err != nil {
		t.Fatal(err)
	}
	other()
	release()
	if release, err = all.enter(t.Context(), events.LicensesStream); err != nil {
		t.Fatal(err)
	}
	release()
}

// ErrNoTurn is for tests outside of the package.
var ErrNoTurn = errNoTurn

// TakeTurn is for tests outside of the package.
func (l *Log) TakeTurn(ctx context.Context, stream string) (release func(), err error) {
	return l.takeTurn(ctx, stream)
}

// TestTurnsWithoutPermission: a user who may not take turns does without.
func TestTurnsWithoutPermission(t *testing.T) {
	t.Parallel()
	var all turns
	all.onDenied(fmt.Errorf(`%w: Permissions Violation for Publish to "$JS.ACK.LICENSES.processor.1"`, nats.ErrPermissionViolation))
	if all.denied.Load() {
		t.Error("another permission is missing")
	}
	all.onDenied(fmt.Errorf(`%w: Permissions Violation for Publish to "$JS.ACK.LICENSES.turn_ROWS.1"`, nats.ErrPermissionViolation))
	if !all.denied.Load() {
		t.Error("turns are not denied")
	}
	log := &Log{}
	log.turns.denied.Store(true)
	release, err := log.takeTurn(t.Context(), events.RowsStream)
	if err != nil {
		t.Fatal(err)
	}
	release()
}

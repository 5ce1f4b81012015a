package processor

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
)

// publish gives p the hint that an event is published.
func publish(t *testing.T, p *smallImportPriority, e events.Event) {
	t.Helper()
	body, err := events.Encode(e, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	p.onHint(e.Subject(), body)
}

// measureYield is how long a batch of a large import is delayed.
func (p *smallImportPriority) measureYield(t *testing.T) time.Duration {
	began := time.Now()
	p.yield(t.Context())
	return time.Since(began)
}

// TestYieldPerStep: the delay of a large import's batch, by the steps that another import has
// taken.
func TestYieldPerStep(t *testing.T) {
	t.Parallel()
	started, small := &events.ImportStarted{JobID: 7}, &events.ImportSealed{JobID: 7, Rows: maxRows}
	for name, test := range map[string]struct {
		steps []events.Event
		want  time.Duration
	}{
		"no other import":   {nil, 0},
		"an upload":         {[]events.Event{started}, maxYield},
		"a small import":    {[]events.Event{started, small}, maxYield},
		"a large import":    {[]events.Event{started, &events.ImportSealed{JobID: 7, Rows: maxRows + 1}}, 0},
		"an aborted upload": {[]events.Event{started, &events.ImportAborted{JobID: 7}}, 0},
		"decided":           {[]events.Event{started, small, &events.ImportFinished{JobID: 7, Row: maxRows}}, maxFoldWait},
		"large, decided":    {[]events.Event{&events.ImportFinished{JobID: 7, Row: maxRows + 1}}, 0},
		"one of two aborts": {[]events.Event{
			started, small, &events.ImportStarted{JobID: 8}, &events.ImportAborted{JobID: 8},
		}, maxYield},
		"cancelled": {[]events.Event{&events.ImportCancelled{JobID: 7}}, 0},
		"progress":  {[]events.Event{&events.ImportProgressed{JobID: 7, Phase: events.Import}}, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			var p smallImportPriority
			for _, step := range test.steps {
				publish(t, &p, step)
			}
			if got := p.measureYield(t); got != test.want {
				t.Errorf("%s: delayed by %v, want %v", name, got, test.want)
			}
			if got := p.measureYield(t); got != 0 {
				t.Errorf("%s: delayed again, by %v", name, got)
			}
		})
	}
}

// TestYieldBeforeJobID: the draw of a job id is a hint, and the upload's first fact replaces it.
func TestYieldBeforeJobID(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var p smallImportPriority
		p.onHint("$KV."+eventlog.Jobs+".abc", nil)
		publish(t, &p, &events.ImportStarted{JobID: 7})
		publish(t, &p, &events.ImportAborted{JobID: 7})
		if got := p.measureYield(t); got != 0 {
			t.Errorf("delayed by %v after the end of the upload", got)
		}
		p.onHint("$KV."+eventlog.Jobs+".abc", nil)
		if got := p.measureYield(t); got != maxYield {
			t.Errorf("delayed by %v, want %v", got, maxYield)
		}
		p.onHint("imports.7.started", []byte("not an event"))
		if got := p.measureYield(t); got != 0 {
			t.Errorf("delayed by %v, by a message that cannot be read", got)
		}
	})
}

// TestYieldEnds: a delay ends with the last small import, with the context, and after maxYield even
// if small imports never stop.
func TestYieldEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var p smallImportPriority
		p.yieldTo(7, maxYield)
		p.yieldTo(8, maxYield)
		time.AfterFunc(10*time.Millisecond, func() { p.yieldTo(7, 0) })
		time.AfterFunc(20*time.Millisecond, func() { p.yieldTo(8, 0) })
		if got := p.measureYield(t); got != 20*time.Millisecond {
			t.Errorf("delayed by %v, want 20ms", got)
		}
		for id := range events.JobID(40) {
			time.AfterFunc(time.Duration(id)*10*time.Millisecond, func() { p.yieldTo(id+10, maxYield) })
		}
		time.Sleep(time.Millisecond)
		if got := p.measureYield(t); got != maxYield {
			t.Errorf("with small imports all the time: delayed by %v, want %v", got, maxYield)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		began := time.Now()
		if p.yield(ctx); time.Since(began) != time.Millisecond {
			t.Errorf("delayed by %v after the context ended, want 1ms", time.Since(began))
		}
		time.Sleep(time.Second)
	})
}

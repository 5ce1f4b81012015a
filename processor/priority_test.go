package processor

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
)

// overhears is what a courtesy is told when an event is published.
func publish(t *testing.T, c *smallImportPriority, e events.Event) {
	t.Helper()
	body, err := events.Encode(e, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	c.onHint(e.Subject(), body)
}

func (c *smallImportPriority) measureYield(t *testing.T) time.Duration {
	began := time.Now()
	c.yield(t.Context())
	return time.Since(began)
}

// TestCourtesy: how long a batch of a large import is held back after each step of another import.
func TestYieldPerStep(t *testing.T) {
	t.Parallel()
	started, small := &events.ImportStarted{JobID: 7}, &events.ImportSealed{JobID: 7, Rows: maxRows}
	for name, test := range map[string]struct {
		steps []events.Event
		want  time.Duration
	}{
		"nobody":           {nil, 0},
		"an upload":        {[]events.Event{started}, maxYield},
		"a small import":   {[]events.Event{started, small}, maxYield},
		"a large import":   {[]events.Event{started, &events.ImportSealed{JobID: 7, Rows: maxRows + 1}}, 0},
		"a failed upload":  {[]events.Event{started, &events.ImportAborted{JobID: 7}}, 0},
		"it is decided":    {[]events.Event{started, small, &events.ImportFinished{JobID: 7, Row: maxRows}}, maxFoldWait},
		"a large is":       {[]events.Event{&events.ImportFinished{JobID: 7, Row: maxRows + 1}}, 0},
		"one of two is":    {[]events.Event{started, small, &events.ImportStarted{JobID: 8}, &events.ImportAborted{JobID: 8}}, maxYield},
		"a cancelled one":  {[]events.Event{&events.ImportCancelled{JobID: 7}}, 0},
		"a row's progress": {[]events.Event{&events.ImportProgressed{JobID: 7, Phase: events.Import}}, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			var c smallImportPriority
			for _, step := range test.steps {
				publish(t, &c, step)
			}
			if got := c.measureYield(t); got != test.want {
				t.Errorf("%s: held back for %v, want %v", name, got, test.want)
			}
			if got := c.measureYield(t); got != 0 {
				t.Errorf("%s: held back once more, for %v", name, got)
			}
		})
	}
}

// TestCourtesyBegins: an upload is heard of before it has an id, and only once.
func TestYieldBeforeJobID(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c smallImportPriority
		c.onHint("$KV."+eventlog.Jobs+".abc", nil)
		publish(t, &c, &events.ImportStarted{JobID: 7})
		publish(t, &c, &events.ImportAborted{JobID: 7})
		if got := c.measureYield(t); got != 0 {
			t.Errorf("after its end it is waited for, for %v", got)
		}
		c.onHint("$KV."+eventlog.Jobs+".abc", nil)
		if got := c.measureYield(t); got != maxYield {
			t.Errorf("held back for %v, want %v", got, maxYield)
		}
		c.onHint("imports.7.started", []byte("not an event")) // for others to stop at
		if got := c.measureYield(t); got != 0 {
			t.Errorf("for what cannot be read: held back for %v", got)
		}
	})
}

// TestCourtesyEnds: who waits goes on when the last small import has ended, when its own context
// has, and however many small ones keep coming.
func TestYieldEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c smallImportPriority
		c.yieldTo(7, maxYield)
		c.yieldTo(8, maxYield)
		time.AfterFunc(10*time.Millisecond, func() { c.yieldTo(7, 0) })
		time.AfterFunc(20*time.Millisecond, func() { c.yieldTo(8, 0) })
		if got := c.measureYield(t); got != 20*time.Millisecond {
			t.Errorf("went on after %v, want 20ms", got)
		}
		for id := range events.JobID(40) {
			time.AfterFunc(time.Duration(id)*10*time.Millisecond, func() { c.yieldTo(id+10, maxYield) })
		}
		time.Sleep(time.Millisecond)
		if got := c.measureYield(t); got != maxYield {
			t.Errorf("with ever more guests: held back for %v, want %v", got, maxYield)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		began := time.Now()
		if c.yield(ctx); time.Since(began) != time.Millisecond {
			t.Errorf("stopped after %v, want 1ms", time.Since(began))
		}
		time.Sleep(time.Second)
	})
}

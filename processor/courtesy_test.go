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
func overhears(t *testing.T, c *courtesy, e events.Event) {
	t.Helper()
	body, err := events.Encode(e, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	c.overhear(e.Subject(), body)
}

func (c *courtesy) waits(t *testing.T) time.Duration {
	began := time.Now()
	c.wait(t.Context())
	return time.Since(began)
}

// TestCourtesy: how long a batch of a large import is held back after each step of another import.
func TestCourtesy(t *testing.T) {
	t.Parallel()
	started, small := &events.ImportStarted{JobID: 7}, &events.ImportSealed{JobID: 7, Rows: maxRows}
	for name, test := range map[string]struct {
		steps []events.Event
		want  time.Duration
	}{
		"nobody":           {nil, 0},
		"an upload":        {[]events.Event{started}, courtesyMost},
		"a small import":   {[]events.Event{started, small}, courtesyMost},
		"a large import":   {[]events.Event{started, &events.ImportSealed{JobID: 7, Rows: maxRows + 1}}, 0},
		"a failed upload":  {[]events.Event{started, &events.ImportAborted{JobID: 7}}, 0},
		"it is decided":    {[]events.Event{started, small, &events.ImportFinished{JobID: 7, Row: maxRows}}, courtesyAfter},
		"a large is":       {[]events.Event{&events.ImportFinished{JobID: 7, Row: maxRows + 1}}, 0},
		"one of two is":    {[]events.Event{started, small, &events.ImportStarted{JobID: 8}, &events.ImportAborted{JobID: 8}}, courtesyMost},
		"a cancelled one":  {[]events.Event{&events.ImportCancelled{JobID: 7}}, 0},
		"a row's progress": {[]events.Event{&events.ImportProgressed{JobID: 7, Phase: events.Import}}, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			var c courtesy
			for _, step := range test.steps {
				overhears(t, &c, step)
			}
			if got := c.waits(t); got != test.want {
				t.Errorf("%s: held back for %v, want %v", name, got, test.want)
			}
			if got := c.waits(t); got != 0 {
				t.Errorf("%s: held back once more, for %v", name, got)
			}
		})
	}
}

// TestCourtesyBegins: an upload is heard of before it has an id, and only once.
func TestCourtesyBegins(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c courtesy
		c.overhear("$KV."+eventlog.Jobs+".abc", nil)
		overhears(t, &c, &events.ImportStarted{JobID: 7})
		overhears(t, &c, &events.ImportAborted{JobID: 7})
		if got := c.waits(t); got != 0 {
			t.Errorf("after its end it is waited for, for %v", got)
		}
		c.overhear("$KV."+eventlog.Jobs+".abc", nil)
		if got := c.waits(t); got != courtesyMost {
			t.Errorf("held back for %v, want %v", got, courtesyMost)
		}
		c.overhear("imports.7.started", []byte("not an event")) // for others to stop at
		if got := c.waits(t); got != 0 {
			t.Errorf("for what cannot be read: held back for %v", got)
		}
	})
}

// TestCourtesyEnds: who waits goes on when the last small import has ended, when its own context
// has, and however many small ones keep coming.
func TestCourtesyEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c courtesy
		c.expect(7, courtesyMost)
		c.expect(8, courtesyMost)
		time.AfterFunc(10*time.Millisecond, func() { c.expect(7, 0) })
		time.AfterFunc(20*time.Millisecond, func() { c.expect(8, 0) })
		if got := c.waits(t); got != 20*time.Millisecond {
			t.Errorf("went on after %v, want 20ms", got)
		}
		for id := range events.JobID(40) {
			time.AfterFunc(time.Duration(id)*10*time.Millisecond, func() { c.expect(id+10, courtesyMost) })
		}
		time.Sleep(time.Millisecond)
		if got := c.waits(t); got != courtesyMost {
			t.Errorf("with ever more guests: held back for %v, want %v", got, courtesyMost)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		began := time.Now()
		if c.wait(ctx); time.Since(began) != time.Millisecond {
			t.Errorf("stopped after %v, want 1ms", time.Since(began))
		}
		time.Sleep(time.Second)
	})
}

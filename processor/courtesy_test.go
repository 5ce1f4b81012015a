package processor

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestCourtesy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c courtesy
		waits := func() time.Duration {
			began := time.Now()
			c.wait(t.Context())
			return time.Since(began)
		}
		if took := waits(); took != 0 {
			t.Errorf("with no small import a batch is held back for %v", took)
		}
		first, second := c.enter(), c.enter()
		if took := waits(); took != courtesyMost {
			t.Errorf("a batch is held back for %v, want %v", took, courtesyMost)
		}
		time.AfterFunc(10*time.Millisecond, first)
		time.AfterFunc(20*time.Millisecond, second)
		if took := waits(); took != 20*time.Millisecond {
			t.Errorf("a batch goes on %v after it was held back, want 20ms: with the last small import", took)
		}
		if took := waits(); took != 0 {
			t.Errorf("afterwards it is held back for %v", took)
		}
	})
}

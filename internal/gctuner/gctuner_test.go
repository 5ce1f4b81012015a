package gctuner

import (
	"context"
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

func TestPercent(t *testing.T) {
	const mb = 1 << 20
	for inUse, want := range map[uint64]int{
		0:         Most, // nothing was collected yet
		10 * mb:   Most,
		90 * mb:   300,
		160 * mb:  150,
		200 * mb:  100,
		266 * mb:  50, // 400 MB in all, by either rule
		300 * mb:  66,
		900 * mb:  155,
		1000 * mb: 150, // 1500 MB of garbage
		1500 * mb: 100,
		5000 * mb: 100,
	} {
		if got := Percent(inUse); got != want {
			t.Errorf("with %d MB in use: %d %%, not %d", inUse/mb, got, want)
		}
	}
}

// TestWatch: what is set is the rule's, and follows what is in use.
func TestWatch(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Watch(ctx) }()
	awaitPercent(t, "little in use", func(percent int) bool { return percent == Most })
	much := make([]byte, Saved)
	awaitPercent(t, "much in use", func(percent int) bool { return percent >= 100 && percent < 110 })
	runtime.KeepAlive(much)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func awaitPercent(t *testing.T, when string, fits func(int) bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(lookEvery / 10) {
		runtime.GC()
		percent := debug.SetGCPercent(100)
		debug.SetGCPercent(percent)
		if fits(percent) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("with %s: %d %%", when, percent)
		}
	}
}

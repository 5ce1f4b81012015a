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
	for live, want := range map[uint64]int{
		0:         Most, // before the first collection
		10 * mb:   Most,
		80 * mb:   Most,
		110 * mb:  209,
		170 * mb:  100,
		210 * mb:  61, // 340 MB in all
		300 * mb:  66,
		500 * mb:  120,
		950 * mb:  157, // 2450 MB in all, by either rule
		1100 * mb: 122,
		1400 * mb: 75,
		1634 * mb: 50,
		5000 * mb: 50,
	} {
		if got := Percent(live); got != want {
			t.Errorf("live heap %d MB: %d %%, not %d", live/mb, got, want)
		}
	}
}

// TestWatch: GOGC follows the live heap, by the rule.
func TestWatch(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Watch(ctx) }()
	waitForPercent(t, "a small heap", func(percent int) bool { return percent == Most })
	much := make([]byte, Saved)
	waitForPercent(t, "a large heap", func(percent int) bool { return percent >= 100 && percent < 110 })
	runtime.KeepAlive(much)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func waitForPercent(t *testing.T, when string, fits func(int) bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(interval / 10) {
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

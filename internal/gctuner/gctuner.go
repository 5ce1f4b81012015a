// Package gctuner sets GOGC in a process with an embedded NATS server, by the live heap.
//
// Go's default lets the heap double between two collections. That is too much memory with a
// million licenses, whose subjects the server holds in memory, and too many collections with
// few. GC cost grows with the live heap, so collections are cheap while it is small. With live
// for the live heap in bytes:
//
//	heap target = max(Free, 3·live − Saved), at most max(Large, 1.5·live)
//	GOGC        ≤ Most
package gctuner

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// Free is a heap size in bytes, garbage included, that is always allowed.
	Free = 340 << 20
	// Saved, in bytes, is subtracted from three times the live heap. Its share falls as the heap
	// grows: collections of a large heap are expensive, and should stay rare.
	Saved = 400 << 20
	// Large is a heap size in bytes. Garbage may fill the heap up to it, or half as much as the live heap above it.
	Large = 2450 << 20
	// Most bounds GOGC.
	Most = 300
)

// interval is how often the rule is applied: several times between two collections.
const interval = 100 * time.Millisecond

// Watch applies the rule to the process until ctx ends.
func Watch(ctx context.Context) error {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for last := 0; ; {
		if next := Percent(liveBytes()); next != last {
			debug.SetGCPercent(next)
			last = next
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Percent returns the value of GOGC for a live heap in bytes.
func Percent(live uint64) int {
	garbage := 2*live - min(Saved, 2*live)
	if live < Free {
		garbage = max(garbage, Free-live)
	}
	garbage = min(garbage, max(Large-min(live, Large), live/2))
	return int(min(garbage*100/max(live, 1), Most))
}

// liveBytes returns what GOGC is relative to: the heap that the last collection marked, the
// stacks and the globals.
func liveBytes() (bytes uint64) {
	samples := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/scan/globals:bytes"}}
	metrics.Read(samples)
	for _, s := range samples {
		bytes += s.Value.Uint64()
	}
	return bytes
}

// Package gctuner says how much memory a process with an embedded NATS server may use before Go
// collects its garbage.
//
// Go lets the heap double between two collections. Here that is too much with a million licenses,
// whose subjects the server holds in memory, and too little with few: a collection visits
// all that is in use, so it costs the less the less that is. So the heap may have [Free] bytes, or
// three times what is in use, less [Saved], where that is more; but with little in use it grows by
// [Most] percent at most, and with some millions of licenses by [Garbage] bytes, until Go's own rule is
// the more generous one.
package gctuner

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// Free is how many bytes the heap may have, garbage included.
	Free = 400 << 20
	// Saved is how many bytes less than three times what is in use it may have beyond that. Its share becomes
	// smaller the more is in use: collections of a large heap take long, and should stay rare.
	Saved = 400 << 20
	// Garbage is how many bytes of it may be garbage, unless more is in use: then as many as are in use.
	Garbage = 1500 << 20
	// Most is by how many percent of what is in use it may grow.
	Most = 300
)

// lookEvery is how often the rule is applied: several times between two collections.
const lookEvery = 100 * time.Millisecond

// Watch applies the rule to the process until ctx ends.
func Watch(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for last := 0; ; {
		if next := Percent(inUse()); next != last {
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

// Percent is the rule for so many bytes in use: what to set as GOGC.
func Percent(inUse uint64) int {
	garbage := min(2*inUse-min(Saved, 2*inUse), max(Garbage, inUse))
	if inUse < Free {
		garbage = max(garbage, Free-inUse)
	}
	return int(min(garbage*100/max(inUse, 1), Most))
}

// inUse is what the last collection left, and what else Go counts as in use when it
// plans the next one.
func inUse() (bytes uint64) {
	samples := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/scan/globals:bytes"}}
	metrics.Read(samples)
	for _, s := range samples {
		bytes += s.Value.Uint64()
	}
	return bytes
}

//go:build unix

package crashtest

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"
)

// A killer may strike while the system is down, but not for ever: a system whose streams grow needs
// longer to start than the pauses between random kills.
const (
	calm     = 2 * time.Second  // after an outage: on a slow machine clients come no further without it
	overlap  = 3 * time.Second  // since the system was ready: kills may overlap
	patience = 60 * time.Second // for a start on a machine that is not overloaded; afterwards a killer strikes anyway, and the test fails
	probing  = 50 * time.Millisecond
)

// readiness records when a system is ready. Its methods may be called concurrently.
type readiness struct {
	probe func(context.Context) error // of the whole system, once

	mu      sync.Mutex
	since   time.Time     // when clock was 0, while nobody watches
	watched bool          // watch runs
	up      time.Duration // how long the system was ready while it was watched
	last    time.Time     // when the system was ready last
	calm    time.Time     // no kill before
	kills   int           // since then
	outages []outage
	late    int // kills after patience
}

// An outage is the time from the system's last readiness to the next one.
type outage struct {
	kills int
	took  time.Duration
}

func newReadiness(probe func(context.Context) error) *readiness {
	return &readiness{probe: probe, since: time.Now(), last: time.Now()}
}

// watch probes until ctx ends.
func (r *readiness) watch(ctx context.Context) {
	r.mu.Lock()
	r.watched = true
	r.mu.Unlock()
	before, was := time.Now(), false
	for rest(ctx, probing) {
		is, now := r.probe(ctx) == nil, time.Now()
		if is {
			r.ready(now)
		}
		if is && was {
			r.mu.Lock()
			r.up += now.Sub(before)
			r.mu.Unlock()
		}
		before, was = now, is
	}
}

// clock is the time by which clients lose their patience. While the system is watched it is the time for which it was
// ready: a client whose system is killed again and again waits longer than one that is not answered.
func (r *readiness) clock() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.watched {
		return r.up
	}
	return time.Since(r.since)
}

// ready notes that the system is ready, which ends an outage.
func (r *readiness) ready(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.kills > 0 {
		r.outages = append(r.outages, outage{r.kills, now.Sub(r.last)})
		r.calm = now.Add(calm)
	}
	r.last, r.kills = now, 0
}

// mayKill waits until the system was ready lately, at most for patience, and counts the kill. It is
// false when ctx ended before.
func (r *readiness) mayKill(ctx context.Context) bool {
	for began := time.Now(); ; {
		switch {
		case ctx.Err() != nil:
			return false
		case r.strike(time.Since(began) > time.Duration(slowdown()*float64(patience))):
			return true
		}
		rest(ctx, probing)
	}
}

// strike counts a kill, if the system was ready lately or the killer waited for too long.
func (r *readiness) strike(late bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	lately := time.Since(r.last) <= overlap
	if !lately && !late || time.Now().Before(r.calm) {
		return false
	}
	if !lately {
		r.late++
	}
	r.kills++
	return true
}

// slowdown is how many times longer a start may take on a machine with more to do than these tests give it, which is some
// four threads for each core.
func slowdown() float64 { return max(1, systemLoad()/float64(4*runtime.NumCPU())) }

// String reports the times to readiness by the number of kills within an outage.
func (r *readiness) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	byKills := map[int][]time.Duration{}
	for _, o := range r.outages {
		byKills[min(o.kills, 4)] = append(byKills[min(o.kills, 4)], o.took)
	}
	text := fmt.Sprintf("%d outages, %d kills after %v without readiness", len(r.outages), r.late, patience)
	for kills := 1; kills <= 4; kills++ {
		if all := byKills[kills]; len(all) > 0 {
			slices.Sort(all)
			text += fmt.Sprintf("; %d kills (4: or more): %d times, median %v, longest %v", kills, len(all),
				all[len(all)/2].Round(time.Millisecond), all[len(all)-1].Round(time.Millisecond))
		}
	}
	return text
}

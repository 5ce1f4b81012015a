package access

import (
	"math"
	"sync"

	"golang.org/x/time/rate"

	"licenseimport/internal/httpx"
)

// limits bounds the request rate of each working key.
type limits struct {
	rate rate.Limit // a second; 0: no limit

	mu  sync.Mutex
	key map[string]*rate.Limiter
}

func newLimits(perSecond float64) *limits {
	return &limits{rate: rate.Limit(perSecond), key: map[string]*rate.Limiter{}}
}

// take counts one request, or returns a 429 with Retry-After.
func (l *limits) take(id string) error {
	if l.rate <= 0 {
		return nil
	}
	turn := l.limiter(id).Reserve()
	wait := turn.Delay()
	if wait == 0 {
		return nil
	}
	turn.Cancel()
	return httpx.TooMany(wait, "This key may make %v requests a second.", float64(l.rate))
}

func (l *limits) limiter(id string) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.key[id] == nil {
		if len(l.key) >= maxEntries {
			clear(l.key) // drops revoked keys; the others get a new burst
		}
		l.key[id] = rate.NewLimiter(l.rate, int(math.Ceil(float64(l.rate))))
	}
	return l.key[id]
}

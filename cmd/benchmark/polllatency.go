package main

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// pollInterval is the time between two polls: 200 a second.
const pollInterval = 5 * time.Millisecond

// pollP99 imports a file, polls its result 200 times a second, and returns the p99
// latency. Each poll is sent when it is due, whether or not earlier ones have been
// answered. Its latency counts from that moment.
func pollP99(ctx context.Context, base, file string) (time.Duration, error) {
	var before struct{ Count uint64 }
	if err := get(ctx, base+listPath, &before); err != nil {
		return 0, err
	}
	ended := make(chan error, 1)
	go func() { ended <- importFile(ctx, base, "", file) }()
	job, err := waitForImport(ctx, base, before.Count)
	if err != nil {
		return 0, err
	}
	p := poller{url: base + resultPath(job)}
	if err := p.pollUntil(ctx, ended); err != nil {
		return 0, err
	}
	slices.Sort(p.took)
	return p.took[len(p.took)*99/100], nil
}

const listPath = "/api/v1/licenses-import-results/?limit=1"

// waitForImport waits until the list has more than count imports, and returns the id
// of the newest.
func waitForImport(ctx context.Context, base string, count uint64) (uint64, error) {
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(pollInterval) {
		var list struct {
			Count   uint64
			Results []struct{ ID uint64 }
		}
		if err := get(ctx, base+listPath, &list); err != nil {
			return 0, err
		}
		if list.Count > count && len(list.Results) > 0 {
			return list.Results[0].ID, nil
		}
	}
	return 0, errors.New("no import began")
}

type poller struct {
	url string

	sent sync.WaitGroup
	mu   sync.Mutex
	took []time.Duration
	err  error
}

// pollUntil polls at least once, then until the import has ended.
func (p *poller) pollUntil(ctx context.Context, ended <-chan error) error {
	ticks := time.NewTimer(0)
	defer ticks.Stop()
	for next := time.Now(); ; next = next.Add(pollInterval) {
		<-ticks.C
		p.sent.Go(func() { p.poll(ctx, next) })
		select {
		case err := <-ended:
			p.sent.Wait()
			return errors.Join(err, p.err)
		default:
			ticks.Reset(time.Until(next.Add(pollInterval)))
		}
	}
}

func (p *poller) poll(ctx context.Context, due time.Time) {
	err := get(ctx, p.url, nil)
	took := time.Since(due)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.took = append(p.took, took)
	if p.err == nil {
		p.err = err
	}
}

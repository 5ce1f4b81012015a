package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"
)

// growthResult holds the measurements of all runs of growth.
type growthResult struct {
	first, last  sample // imports from 0 to 1 and from 3 to 4 million licenses
	raw, folded  sample // reading and rebuilding 1 million
	idle, loaded []time.Duration
	searches     []time.Duration // with 1 million licenses
	peak         []int64
	events       int
}

// growth imports 4 million licenses into one store, a million at a time. After the
// first it measures serve's memory and, with the server stopped, a rebuild, and then
// searches. During the second it measures small imports.
func (b *bench) growth(ctx context.Context) ([]line, error) {
	million := b.rows(1_000_000)
	var g growthResult
	for range b.runs {
		dir, err := b.newDir()
		if err != nil {
			return nil, err
		}
		err = b.grow(ctx, &g, dir, million)
		os.RemoveAll(dir)
		if err != nil {
			return nil, err
		}
	}
	middle := func(all []time.Duration) time.Duration {
		return median(all, func(d time.Duration) time.Duration { return d })
	}
	raw, folded := g.raw.rate(g.events), g.folded.rate(g.events)
	quiet, loaded := middle(g.idle), middle(g.loaded)
	peak := median(g.peak, func(n int64) int64 { return n })
	return []line{
		atLeast(0.35, folded/raw, fmt.Sprintf("rebuild of %d licenses", million), "events/s ÷ the raw ordered consumer's on the same stream",
			fmt.Sprintf("%s and %s thousand events/s", thousands(folded), thousands(raw))),
		atLeast(0.8, g.last.rate(million)/g.first.rate(million), "growth", fmt.Sprintf("rows/s from %d to %d licenses ÷ from 0 to %d", 3*million, 4*million, million),
			fmt.Sprintf("%s and %s thousand rows/s", thousands(g.last.rate(million)), thousands(g.first.rate(million)))),
		atMost(3, float64(loaded)/float64(quiet), "", fmt.Sprintf("a 100-row import while a %d-row import runs", million), "its time ÷ on the idle server",
			fmt.Sprintf("%.0f ms and %.0f ms, medians of %d and %d", float64(loaded)/1e6, float64(quiet)/1e6, len(g.loaded), len(g.idle))),
		atMost(200, float64(slices.Max(g.searches))/1e6, " ms",
			fmt.Sprintf("search of %d licenses by a part of a word", million), "the slowest answer",
			fmt.Sprintf("median %.0f ms of %d, with the number of all that match", float64(middle(g.searches))/1e6,
				len(g.searches))),
		atMost(500, float64(peak)/1e6, " MB", "memory of serve", fmt.Sprintf("peak RSS after %d licenses", million), ""),
	}, nil
}

func (b *bench) grow(ctx context.Context, g *growthResult, dir string, million int) error {
	p, err := serve(ctx, b.program, dir)
	if err != nil {
		return err
	}
	defer func() { p.kill() }()
	if err := b.importSeed(ctx, p, &g.first, million, 1); err != nil {
		return err
	}
	peak, err := p.peak()
	if err != nil {
		return err
	}
	g.peak = append(g.peak, peak)
	if err := p.stop(); err != nil {
		return err
	}
	if err := b.rebuild(ctx, g, dir); err != nil {
		return err
	}
	if p, err = serve(ctx, b.program, dir); err != nil {
		return err
	}
	if err := b.search(ctx, g, p); err != nil {
		return err
	}
	if err := b.smallDuringLarge(ctx, g, p, million); err != nil {
		return err
	}
	var third sample
	if err := b.importSeed(ctx, p, &third, million, 3); err != nil {
		return err
	}
	if err := b.importSeed(ctx, p, &g.last, million, 4); err != nil {
		return err
	}
	return p.stop()
}

// importSeed imports a generated file and appends its figures to a sample.
func (b *bench) importSeed(ctx context.Context, p *process, to *sample, rows int, seed uint64) error {
	file, err := b.file(shape{rows: rows, seed: seed})
	if err != nil {
		return err
	}
	f, err := p.importFile(ctx, file)
	*to = append(*to, f)
	return err
}

// smallImports is how many small imports are measured on the idle server.
const smallImports = 10

// smallDuringLarge imports files of 100 rows: first on the idle server, then one each
// half second while a large import runs.
func (b *bench) smallDuringLarge(ctx context.Context, g *growthResult, p *process, rows int) error {
	large, err := b.file(shape{rows: rows, seed: 2})
	if err != nil {
		return err
	}
	seed := uint64(1000)
	small := func() (time.Duration, error) {
		seed++
		return b.importSmall(ctx, p.http, seed)
	}
	for range smallImports {
		took, err := small()
		if err != nil {
			return err
		}
		g.idle = append(g.idle, took)
	}
	ended := make(chan error, 1)
	go func() { ended <- importFile(ctx, p.http, "", large) }()
	ticker := time.NewTicker(500 * time.Millisecond)
	defer ticker.Stop()
	for {
		took, err := small()
		if err != nil {
			return err
		}
		g.loaded = append(g.loaded, took)
		select {
		case err := <-ended:
			return err
		case <-ticker.C:
		}
	}
}

// importSmall imports 100 new rows and polls the result each millisecond.
func (b *bench) importSmall(ctx context.Context, base string, seed uint64) (time.Duration, error) {
	file, err := b.file(shape{rows: 100, seed: seed})
	if err != nil {
		return 0, err
	}
	began := time.Now()
	job, err := uploadFile(ctx, base, "", file)
	if err != nil {
		return 0, err
	}
	err = waitForSuccess(ctx, base, job, time.Millisecond)
	return time.Since(began), err
}

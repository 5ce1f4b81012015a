package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// diskUse holds the bytes on the disk after a run, by where they are.
type diskUse struct{ rows, licenses, views int64 }

func (d diskUse) sum() int64 { return d.rows + d.licenses + d.views }

// disk measures the disk use of an ordinary import: when it has ended, and when the server has compressed
// what it stored.
func (b *bench) disk(ctx context.Context) ([]line, error) {
	s := b.ordinary()
	file, err := b.file(s)
	if err != nil {
		return nil, err
	}
	csv, err := sizeOf(file)
	if err != nil {
		return nil, err
	}
	dir, err := b.newDir()
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	p, err := serve(ctx, b.program, dir)
	if err != nil {
		return nil, err
	}
	defer p.kill()
	if _, err := p.importFile(ctx, file); err != nil {
		return nil, err
	}
	ended, err := diskUseOf(dir)
	if err != nil {
		return nil, err
	}
	before, err := p.cpu()
	if err != nil {
		return nil, err
	}
	rest, err := atRest(ctx, dir)
	if err != nil {
		return nil, err
	}
	after, err := p.cpu()
	if err != nil {
		return nil, err
	}
	times := func(n int64) float64 { return float64(n) / float64(csv) }
	parts := func(d diskUse) string {
		return fmt.Sprintf("ROWS %.1f, LICENSES %.1f, views %.1f", times(d.rows), times(d.licenses), times(d.views))
	}
	return []line{
		atMost(5, times(rest.sum()), "", "disk", "bytes in both streams and the views ÷ bytes of the CSV",
			fmt.Sprintf("%s; a row of the CSV has %d bytes", parts(rest), csv/int64(s.rows))),
		{what: "the same", measure: "right after the import, before the server compresses it", value: fmt.Sprintf("%.2f", times(ended.sum())),
			details: fmt.Sprintf("%s; compressed with %.1f CPU s a million rows", parts(ended), (after-before).Seconds()*1e6/float64(s.rows))},
	}, nil
}

// atRest waits until the files of a server do not change any more, and measures the disk use.
func atRest(ctx context.Context, dir string) (on diskUse, err error) {
	const unchanged = 8 * time.Second // longer than a server has to be quiet before it compresses
	for since := time.Now(); time.Since(since) < unchanged; {
		now, err := diskUseOf(dir)
		if err != nil {
			return on, err
		}
		if now != on {
			on, since = now, time.Now()
		}
		select {
		case <-ctx.Done():
			return on, ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
	return on, nil
}

func diskUseOf(dir string) (on diskUse, err error) {
	streams := filepath.Join(dir, "nats", "jetstream", "$G", "streams")
	for path, size := range map[string]*int64{
		filepath.Join(streams, "ROWS"): &on.rows, filepath.Join(streams, "LICENSES"): &on.licenses, filepath.Join(dir, "views.bolt"): &on.views,
	} {
		if *size, err = sizeOf(path); err != nil {
			return on, err
		}
	}
	return on, nil
}

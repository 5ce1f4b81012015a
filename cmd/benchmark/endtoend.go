package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"licenseimport/events"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// ordinary is the shape that most lines of the table use: 12 columns, new keys.
func (b *bench) ordinary() shape { return shape{rows: b.rows(300_000), seed: 1} }

// endToEnd measures an ordinary file against the baseline. The same server then
// imports the file again, and another one while its result is polled.
func (b *bench) endToEnd(ctx context.Context) ([]line, error) {
	s := b.ordinary()
	other, err := b.file(shape{rows: s.rows, seed: 2})
	if err != nil {
		return nil, err
	}
	var again sample
	var slow []time.Duration // p99 of each run
	ours, baselines, err := b.againstBaseline(ctx, s, func(p *process, file string) error {
		f, err := p.importFile(ctx, file)
		if err != nil {
			return err
		}
		again = append(again, f)
		p99, err := pollP99(ctx, p.http, other)
		slow = append(slow, p99)
		return err
	})
	if err != nil {
		return nil, err
	}
	what := fmt.Sprintf("end to end, %d rows of 12 columns", s.rows)
	perMillion := func(s sample, rows int) float64 { return s.cpu().Seconds() / float64(rows) * 1e6 }
	p99 := median(slow, func(d time.Duration) time.Duration { return d })
	return []line{
		atLeast(1.25, baselines.wall().Seconds()/ours.wall().Seconds(), what, "wall: the floor's ÷ ours",
			fmt.Sprintf("ours %s, floor %s; %s thousand rows/s", ours, baselines, thousands(ours.rate(s.rows)))),
		atMost(0.89, ours.cpu().Seconds()/baselines.cpu().Seconds(), "", "the same", "CPU seconds: ours ÷ the floor's", // 32 ÷ 36 s a million
			fmt.Sprintf("%.1f ÷ %.1f a million rows", perMillion(ours, s.rows), perMillion(baselines, s.rows))),
		atLeast(0.8, ours.wall().Seconds()/again.wall().Seconds(), "the same file again (all rows exist)", "rows/s ÷ the first import's",
			fmt.Sprintf("%s and %s thousand rows/s; %.1f CPU s a million", thousands(again.rate(s.rows)), thousands(ours.rate(s.rows)), perMillion(again, s.rows))),
		atMost(20, float64(p99)/1e6, " ms", "GET result, polled 200 times a second during an import", "p99, from the moment it was due",
			fmt.Sprintf("of each run: %.1f", milliseconds(slow))),
	}, nil
}

func (b *bench) repeats(ctx context.Context) ([]line, error) {
	s := b.ordinary()
	s.repeat = 0.01
	ours, baselines, err := b.againstBaseline(ctx, s, nil)
	if err != nil {
		return nil, err
	}
	return []line{atLeast(0.75, baselines.wall().Seconds()/ours.wall().Seconds(),
		"1 % of the rows repeat a key of the file", "wall: the floor's ÷ ours",
		fmt.Sprintf("ours %s, floor %s; CPU %.2f", ours, baselines, ours.cpu().Seconds()/baselines.cpu().Seconds()))}, nil
}

func (b *bench) full(ctx context.Context) ([]line, error) {
	s := shape{rows: b.rows(100_000), seed: 1, full: true}
	ours, baselines, err := b.againstBaseline(ctx, s, nil)
	if err != nil {
		return nil, err
	}
	return []line{atLeast(0.6, baselines.wall().Seconds()/ours.wall().Seconds(),
		fmt.Sprintf("%d columns, all filled (%d rows)", len(events.Licenses.ColumnNames()), s.rows),
		"wall: the floor's with bodies of that size ÷ ours",
		fmt.Sprintf("ours %s, floor %s; CPU %.2f", ours, baselines, ours.cpu().Seconds()/baselines.cpu().Seconds()))}, nil
}

// againstBaseline imports a file into an empty server and runs the baseline with as
// many bodies of the same sizes, in turn. more, unless nil, continues with the server.
func (b *bench) againstBaseline(ctx context.Context, s shape, more func(p *process, file string) error) (ours, baselines sample, err error) {
	file, err := b.file(s)
	if err != nil {
		return nil, nil, err
	}
	var size sizes
	for range b.runs {
		err := b.withServer(ctx, func(p *process, _ string) error {
			f, err := p.importFile(ctx, file)
			if err != nil {
				return err
			}
			ours = append(ours, f)
			if size == (sizes{}) {
				if size, err = bodySizes(ctx, p.nats, s.rows); err != nil {
					return err
				}
			}
			if more != nil {
				return more(p, file)
			}
			return nil
		})
		if err != nil {
			return nil, nil, err
		}
		f, err := runBaseline(ctx, s.rows, size)
		if err != nil {
			return nil, nil, err
		}
		baselines = append(baselines, f)
	}
	return ours, baselines, nil
}

// withServer runs work with a server on an empty directory. Afterwards it stops the
// server and removes the directory.
func (b *bench) withServer(ctx context.Context, work func(p *process, dir string) error, args ...string) error {
	dir, err := b.newDir()
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	p, err := serve(ctx, b.program, dir, args...)
	if err != nil {
		return err
	}
	defer p.kill()
	if err := work(p, dir); err != nil {
		return err
	}
	return p.stop()
}

// bodySizes are the average sizes of the bodies in a server's streams.
func bodySizes(ctx context.Context, url string, rows int) (sizes, error) {
	conn, err := nats.Connect(url)
	if err != nil {
		return sizes{}, err
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		return sizes{}, err
	}
	var size sizes
	for stream, average := range map[string]*int{"ROWS": &size.row, "LICENSES": &size.outcome} {
		sum := 0
		if err := readEach(ctx, js, stream, rows, func(m jetstream.Msg) { sum += len(m.Data()) }); err != nil {
			return sizes{}, err
		}
		*average = sum / rows
	}
	return size, nil
}

func milliseconds(all []time.Duration) []float64 {
	var ms []float64
	for _, d := range all {
		ms = append(ms, float64(d)/1e6)
	}
	return ms
}

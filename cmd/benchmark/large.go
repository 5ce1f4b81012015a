package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"time"
)

// largeCommand imports one file of millions of rows, kills the server at once, starts
// it again, searches, and imports the file again. It states durations and compares none.
func largeCommand(args []string) error {
	flags := flag.NewFlagSet("large", flag.ExitOnError)
	program := flags.String("program", "bin/licenseimport", "the program to measure")
	dir := flags.String("dir", os.TempDir(), "where to write; 25 GB for ten million rows")
	s := shapeFlags(flags, 10_000_000)
	if err := flags.Parse(args); err != nil {
		return err
	}
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	b := &bench{program: *program, scale: 1}
	var err error
	if b.dir, err = os.MkdirTemp(*dir, "benchmark-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	err = b.large(ctx, *s, func(what, took string) { fmt.Printf("%-52s %s\n", what, took) })
	fmt.Printf("\n%s\n", machine(b.dir))
	return err
}

// large passes each result to report as soon as it is known.
func (b *bench) large(ctx context.Context, s shape, report func(what, took string)) error {
	file, err := b.file(s)
	if err != nil {
		return err
	}
	csv, err := sizeOf(file)
	if err != nil {
		return err
	}
	report("file", fmt.Sprintf("%d rows, %d MB", s.rows, csv/1e6))
	dir, err := b.newDir()
	if err != nil {
		return err
	}
	p, err := serve(ctx, b.program, dir)
	if err != nil {
		return err
	}
	defer func() { p.kill() }()
	if err := p.importLarge(ctx, file, s.rows, "", report); err != nil {
		return err
	}
	p.kill()
	began := time.Now()
	if p, err = serve(ctx, b.program, dir); err != nil {
		return err
	}
	report("killed at once, and started until it is ready", seconds(time.Since(began)))
	if err := p.searchLarge(ctx, s, report); err != nil {
		return err
	}
	if err := p.importLarge(ctx, file, s.rows, "again: ", report); err != nil {
		return err
	}
	if err := p.stop(); err != nil {
		return err
	}
	on, err := diskUseOf(dir)
	report("disk: ROWS, LICENSES, views", fmt.Sprintf("%d, %d, %d MB", on.rows/1e6, on.licenses/1e6, on.views/1e6))
	return err
}

// importLarge imports a file and reports its phases.
func (p *process) importLarge(ctx context.Context, file string, rows int, prefix string, report func(what, took string)) error {
	began := time.Now()
	var decided []time.Time // when each tenth of the rows had been decided
	f, err := p.measure(func() error {
		job, err := uploadFile(ctx, p.http, "", file)
		if err != nil {
			return err
		}
		report(prefix+"upload", perSecond(rows, time.Since(began)))
		decided = append(decided, time.Now())
		return watchResult(ctx, p.http, job, 10*watchInterval, func(n int) {
			for len(decided) <= 10*n/rows {
				decided = append(decided, time.Now())
			}
		})
	})
	if err != nil {
		return err
	}
	report(prefix+"its rows, until the result is success", perSecond(rows, began.Add(f.wall).Sub(decided[0])))
	report(prefix+"the first tenth of them", perSecond(rows/10, decided[1].Sub(decided[0])))
	report(prefix+"the last tenth of them", perSecond(rows/10, decided[10].Sub(decided[9])))
	report(prefix+"all of it", fmt.Sprintf("%s, %.0f CPU s a million rows", perSecond(rows, f.wall), f.cpu.Seconds()/float64(rows)*1e6))
	peak, err := p.peak()
	report(prefix+"peak of memory", fmt.Sprintf("%d MB", peak/1e6))
	return err
}

// searchLarge requests pages of ten licenses with the total number of matches.
func (p *process) searchLarge(ctx context.Context, s shape, report func(what, took string)) error {
	key := string(appendKey(nil, s.seed, s.rows/3))
	for _, search := range []struct {
		what, by, value string
	}{
		{"licenses: the newest", "limit", "10"},
		{"licenses: the oldest", "offset", fmt.Sprint(s.rows - 10)},
		{"licenses: by key", "license_key", key},
		{"licenses: by the beginning of a key", "license_key__startswith", key[:8]},
		{"licenses: by a part of a key", "license_key__icontains", key[5:10]},
		{"licenses: search for a part of a name", "search", "lovelac"},
		{"licenses: search for two words", "search", "smith company 12"},
		{"licenses: of a customer", "customer_email", "customer1@example.com"},
		{"licenses: of an import", "import_id", "1"},
	} {
		var page struct{ Count int }
		began := time.Now()
		err := get(ctx, p.http+"/api/v1/licenses/?"+url.Values{"limit": {"10"}, search.by: {search.value}}.Encode(), &page)
		found := fmt.Sprintf("%d found", page.Count)
		if errors.Is(err, errBusy) { // a search that takes too long is refused, with advice
			found, err = err.Error(), nil
		}
		if err != nil {
			return err
		}
		report(search.what, fmt.Sprintf("%.0f ms, %s", time.Since(began).Seconds()*1000, found))
	}
	return nil
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

func perSecond(rows int, d time.Duration) string {
	return fmt.Sprintf("%s, %s thousand rows/s", seconds(d), thousands(float64(rows)/d.Seconds()))
}

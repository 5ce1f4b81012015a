package main

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// postgresJob is the job of an import in SQL.
//
//go:embed postgres.sql
var postgresJob []byte

// postgres measures an ordinary file beside PostgreSQL, which does the same job in one transaction: with one
// event a row in an outbox, and without. It uses the server that psql's environment names (PGHOST, PGPORT,
// PGUSER, PGDATABASE, PGPASSWORD), in a schema that it makes and drops.
func (b *bench) postgres(ctx context.Context) ([]line, error) {
	s := b.ordinary()
	what := fmt.Sprintf("end to end, %d rows of 12 columns", s.rows)
	if reason := noPostgres(ctx); reason != "" {
		none := func(measure string) line {
			return line{what: what, measure: measure, value: "not measured", details: reason}
		}
		return []line{none("wall: PostgreSQL's with an outbox ÷ ours"), none("wall: PostgreSQL's ÷ ours")}, nil
	}
	file, err := b.file(s)
	if err != nil {
		return nil, err
	}
	var ours, with, without sample
	for range b.runs {
		err := b.withServer(ctx, func(p *process, _ string) error {
			f, err := p.importFile(ctx, file)
			ours = append(ours, f)
			return err
		})
		for _, side := range []struct {
			outbox string
			took   *sample
		}{{"on", &with}, {"off", &without}} {
			if err == nil {
				var f figures
				f, err = b.runPostgres(ctx, file, side.outbox, s.rows)
				*side.took = append(*side.took, f)
			}
		}
		if err != nil {
			return nil, err
		}
	}
	return []line{
		atLeast(1.7, with.wall().Seconds()/ours.wall().Seconds(), what, "wall: PostgreSQL's with an outbox ÷ ours",
			fmt.Sprintf("PostgreSQL %s, ours %s", with, ours)),
		atLeast(0.95, without.wall().Seconds()/ours.wall().Seconds(), "", "wall: PostgreSQL's ÷ ours",
			"PostgreSQL "+without.String()),
	}, nil
}

// noPostgres says why there is nothing to measure; "": there is a server.
func noPostgres(ctx context.Context) string {
	if _, err := exec.LookPath("psql"); err != nil {
		return "there is no psql"
	}
	if err := exec.CommandContext(ctx, "psql", "-X", "-w", "-c", "select 1").Run(); err != nil {
		return "psql reaches no server: set PGHOST, PGPORT, PGUSER, PGDATABASE"
	}
	return ""
}

// runPostgres imports a file of valid rows with different keys. Its CPU time is not measured: it belongs to
// the server's processes.
func (b *bench) runPostgres(ctx context.Context, file, outbox string, rows int) (figures, error) {
	script := filepath.Join(b.dir, "postgres.sql")
	if err := os.WriteFile(script, postgresJob, 0o644); err != nil {
		return figures{}, err
	}
	began := time.Now()
	out, err := exec.CommandContext(ctx, "psql", "-X", "-w", "-q", "-A", "-t", "-v", "file="+file, "-v", "outbox="+outbox,
		"-f", script).CombinedOutput()
	took := figures{wall: time.Since(began)}
	if want := fmt.Sprintf("outcomes imported %d\n", rows); err == nil && !strings.HasSuffix(string(out), want) {
		err = fmt.Errorf("want %q", want)
	}
	if err != nil {
		return took, fmt.Errorf("psql: %w\n%s", err, out)
	}
	return took, nil
}

package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// changes measures imports that update, and an undo, against the import that made the licenses.
func (b *bench) changes(ctx context.Context) ([]line, error) {
	s := b.ordinary()
	base, err := b.file(s)
	if err != nil {
		return nil, err
	}
	files := []struct {
		share, reach float64
		what         string
	}{{0, 0.8, "no license"}, {0.05, 0.7, "5 % of the licenses"}, {1, 0.5, "every license"}}
	var first sample
	updates := make([]sample, len(files))
	for range b.runs {
		err := b.withServer(ctx, func(p *process, _ string) error {
			f, err := p.importFile(ctx, base)
			if err != nil {
				return err
			}
			first = append(first, f)
			for i, file := range files {
				changed := s
				changed.changed = file.share
				path, err := b.file(changed)
				if err != nil {
					return err
				}
				f, err := p.importWith(ctx, "?existing=update", path)
				if err != nil {
					return err
				}
				updates[i] = append(updates[i], f)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	var lines []line
	for i, file := range files {
		lines = append(lines, atLeast(file.reach, updates[i].rate(s.rows)/first.rate(s.rows),
			"existing=update changes "+file.what, "rows/s ÷ the first import's",
			fmt.Sprintf("%s, first import %s; CPU %.2f", updates[i], first, updates[i].cpu().Seconds()/first.cpu().Seconds())))
	}
	undo, err := b.undo(ctx)
	return append(lines, undo), err
}

// undo measures the undo of a large import.
func (b *bench) undo(ctx context.Context) (line, error) {
	s := shape{rows: b.rows(1_000_000), seed: 1}
	file, err := b.file(s)
	if err != nil {
		return line{}, err
	}
	var made, undone figures
	err = b.withServer(ctx, func(p *process, _ string) error {
		if made, err = p.importFile(ctx, file); err != nil {
			return err
		}
		undone, err = p.measure(func() error { return undoImport(ctx, p.http, 1) })
		return err
	})
	if err != nil {
		return line{}, err
	}
	return atLeast(0.5, made.wall.Seconds()/undone.wall.Seconds(), fmt.Sprintf("undo of an import of %d rows", s.rows), "rows/s ÷ the import's",
		fmt.Sprintf("undo %.2f s, import %.2f s; CPU %.2f", undone.wall.Seconds(), made.wall.Seconds(), undone.cpu.Seconds()/made.cpu.Seconds())), nil
}

// undoImport asks for an undo and waits until the views show its end.
func undoImport(ctx context.Context, base string, job uint64) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, base+resultPath(job)+"undo/", nil)
	if err != nil {
		return err
	}
	if err := do(request, nil); err != nil {
		return err
	}
	for {
		var result struct{ Undo *struct{ Status string } }
		if err := get(ctx, base+resultPath(job), &result); err != nil {
			return err
		}
		if result.Undo != nil && result.Undo.Status == "finished" {
			return nil
		}
		time.Sleep(watchInterval)
	}
}

// mapped measures a file with headers and dates of another system against the same rows with the columns'
// names.
func (b *bench) mapped(ctx context.Context) ([]line, error) {
	s := b.ordinary()
	plain, err := b.file(s)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(plain)
	if err != nil {
		return nil, err
	}
	query := url.Values{}
	header, rows, _ := bytes.Cut(text, []byte("\n"))
	headers := strings.Split(string(header), ",")
	for i, column := range headers {
		headers[i] = fmt.Sprintf("Field %d", i)
		query.Add("map", headers[i]+":"+column)
	}
	foreign := filepath.Join(b.dir, "foreign.csv")
	if err := os.WriteFile(foreign, append([]byte(strings.Join(headers, ",")+"\n"), rows...), 0o600); err != nil {
		return nil, err
	}
	took := map[string]sample{}
	for range b.runs {
		for file, with := range map[string]string{plain: "", foreign: "?" + query.Encode()} {
			err := b.withServer(ctx, func(p *process, _ string) error {
				f, err := p.importWith(ctx, with, file)
				took[file] = append(took[file], f)
				return err
			})
			if err != nil {
				return nil, err
			}
		}
	}
	return []line{atLeast(0.95, took[foreign].rate(s.rows)/took[plain].rate(s.rows), "a file whose headers are mapped", "rows/s ÷ the same rows without a mapping",
		fmt.Sprintf("%s, without %s; CPU %.2f", took[foreign], took[plain], took[foreign].cpu().Seconds()/took[plain].cpu().Seconds()))}, nil
}

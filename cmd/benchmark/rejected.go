package main

import (
	"context"
	"fmt"
)

// rejected measures a file with rejected rows against one without.
func (b *bench) rejected(ctx context.Context) ([]line, error) {
	s := b.ordinary()
	clean, err := b.file(s)
	if err != nil {
		return nil, err
	}
	s.invalid = 0.2
	bad, err := b.file(s)
	if err != nil {
		return nil, err
	}
	took := map[string]sample{}
	for range b.runs {
		for _, file := range []string{clean, bad} {
			err := b.withServer(ctx, func(p *process, _ string) error {
				f, err := p.importFile(ctx, file)
				took[file] = append(took[file], f)
				return err
			})
			if err != nil {
				return nil, err
			}
		}
	}
	return []line{atLeast(0.9, took[bad].rate(s.rows)/took[clean].rate(s.rows), "a file with 20 % rejected rows", "rows/s ÷ the clean file's",
		fmt.Sprintf("%s, clean %s", took[bad], took[clean]))}, nil
}

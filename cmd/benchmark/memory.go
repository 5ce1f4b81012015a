package main

import (
	"context"
	"fmt"
	"io"
	"os"
)

// memory measures the peak RSS of the role ingest with a file of 2 GB. NATS runs in
// another process. The file is generated while it is sent.
func (b *bench) memory(ctx context.Context) ([]line, error) {
	bytes := int64(b.scale * (2 << 30))
	dir, err := b.newDir()
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	roles, err := startRoles(ctx, b.program, dir, 1, 0, false)
	if err != nil {
		return nil, err
	}
	defer roles.kill()
	ingest := roles.ingests[0]
	before, err := ingest.peak()
	if err != nil {
		return nil, err
	}
	file, write := io.Pipe()
	go func() { write.CloseWithError(shape{rows: 1 << 30, seed: 1, bytes: bytes}.write(write)) }()
	job, err := upload(ctx, ingest.http, "", file)
	if err != nil {
		return nil, fmt.Errorf("import %d: %w", job, err)
	}
	peak, err := ingest.peak()
	if err != nil {
		return nil, err
	}
	return []line{atMost(128, float64(peak)/1e6, " MB", "memory of the role ingest", fmt.Sprintf("peak RSS with a file of %d MB", bytes/1e6),
		fmt.Sprintf("%.0f MB before it", float64(before)/1e6))}, roles.stop()
}

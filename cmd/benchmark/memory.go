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
	before, peak, err := b.ingestPeak(ctx, func(ingest *process) error {
		file, write := io.Pipe()
		go func() { write.CloseWithError(shape{rows: 1 << 30, seed: 1, bytes: bytes}.write(write)) }()
		_, err := upload(ctx, ingest.http, "", file)
		return err
	})
	if err != nil {
		return nil, err
	}
	return []line{atMost(64, float64(peak)/1e6, " MB", "memory of the role ingest", fmt.Sprintf("peak RSS with a file of %d MB", bytes/1e6),
		fmt.Sprintf("%.0f MB before it", float64(before)/1e6))}, nil
}

// ingestPeak is the peak RSS of the role ingest in bytes, before and after an upload to it. NATS runs in
// another process.
func (b *bench) ingestPeak(ctx context.Context, upload func(ingest *process) error) (before, after int64, err error) {
	dir, err := b.newDir()
	if err != nil {
		return 0, 0, err
	}
	defer os.RemoveAll(dir)
	roles, err := startRoles(ctx, b.program, dir, 1, 0, false)
	if err != nil {
		return 0, 0, err
	}
	defer roles.kill()
	ingest := roles.ingests[0]
	if before, err = ingest.peak(); err != nil {
		return 0, 0, err
	}
	if err = upload(ingest); err != nil {
		return 0, 0, err
	}
	if after, err = ingest.peak(); err != nil {
		return 0, 0, err
	}
	return before, after, roles.stop()
}

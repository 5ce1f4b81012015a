package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// diskUse holds the bytes on the disk after a run, by where they are.
type diskUse struct{ rows, licenses, views int64 }

// disk measures the disk use of an ordinary import, with and without compression of
// the stream ROWS.
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
	var plain, packed sample
	var left, leftPacked diskUse
	for range b.runs {
		for _, compress := range []bool{false, true} {
			f, on, err := b.importedSize(ctx, file, compress)
			if err != nil {
				return nil, err
			}
			if compress {
				packed, leftPacked = append(packed, f), on
			} else {
				plain, left = append(plain, f), on
			}
		}
	}
	times := func(n int64) float64 { return float64(n) / float64(csv) }
	return []line{
		atMost(5, times(left.rows+left.licenses+left.views), "", "disk", "bytes in both streams and the views ÷ bytes of the CSV",
			fmt.Sprintf("ROWS %.1f, LICENSES %.1f, views %.1f; a row of the CSV has %d bytes", times(left.rows), times(left.licenses), times(left.views), csv/int64(s.rows))),
		{what: "S2 compression of ROWS", measure: "its bytes, the import's wall and CPU ÷ without",
			value:   fmt.Sprintf("%.2f, %.2f, %.2f", float64(leftPacked.rows)/float64(left.rows), packed.wall().Seconds()/plain.wall().Seconds(), packed.cpu().Seconds()/plain.cpu().Seconds()),
			details: fmt.Sprintf("%s, without %s", packed, plain)},
	}, nil
}

// importedSize imports a file into an empty server and measures the disk use.
func (b *bench) importedSize(ctx context.Context, file string, compress bool) (f figures, on diskUse, err error) {
	dir, err := b.newDir()
	if err != nil {
		return f, on, err
	}
	defer os.RemoveAll(dir)
	if compress {
		if err := b.compressRows(ctx, dir); err != nil {
			return f, on, err
		}
	}
	p, err := serve(ctx, b.program, dir)
	if err != nil {
		return f, on, err
	}
	defer p.kill()
	if f, err = p.importFile(ctx, file); err != nil {
		return f, on, err
	}
	if err := p.stop(); err != nil {
		return f, on, err
	}
	on, err = diskUseOf(dir)
	return f, on, err
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

// compressRows turns on S2 compression of ROWS and stops the server again: NATS
// applies the change at its next start only.
func (b *bench) compressRows(ctx context.Context, dir string) error {
	p, err := serve(ctx, b.program, dir)
	if err != nil {
		return err
	}
	defer p.kill()
	conn, err := nats.Connect(p.nats)
	if err != nil {
		return err
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		return err
	}
	stream, err := js.Stream(ctx, "ROWS")
	if err != nil {
		return err
	}
	config := stream.CachedInfo().Config
	config.Compression = jetstream.S2Compression
	if _, err := js.UpdateStream(ctx, config); err != nil {
		return err
	}
	return p.stop()
}

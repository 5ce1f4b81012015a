package ingest

import (
	"context"
	"io"
	"net/http"
	"slices"

	"licenseimport/events"
)

// rowSource is where the rows of an import come from. The one goroutine of its upload reads it.
type rowSource interface {
	// next returns the next row, without a job id, valid until the next call; after the last row
	// [io.EOF].
	next() (*events.RowReceived, error)
	// tooLarge replaces a row whose event would be larger than [events.MaxBody].
	tooLarge(row *events.RowReceived) *events.RowReceived
	// finish reads what is left. An error means that the source is not complete.
	finish() error
	// describe adds to ImportStarted what the source knows: all but who imports, and how.
	describe(started *events.ImportStarted)
	// content is the length in bytes and the SHA-256, in lower-case hex, of what was read so far.
	content() (bytes uint64, sha256 string)
}

// fileSource reads the file of a request.
type fileSource struct {
	*rowParser
	body  *body
	sheet string // of a workbook
	close func() // frees what the table holds
}

// openFileSource opens the file of a request, and reads its header and its first row. Its errors are
// answers. The caller must call close.
func openFileSource(ctx context.Context, r *http.Request, in io.Reader, o options, c Config, base baseMapping) (*fileSource, error) {
	body, err := openBody(r, in, c.MaxFile)
	if err != nil {
		return nil, uploadError(err)
	}
	table, closeTable, err := openTable(ctx, body, o, c)
	if err != nil {
		return nil, uploadError(err)
	}
	rows, err := openRowParser(table, o, base)
	if err != nil {
		closeTable()
		return nil, uploadError(err)
	}
	source := &fileSource{rowParser: rows, body: body, close: closeTable}
	if book, ok := table.(workbookTable); ok {
		source.sheet = book.Sheet()
	}
	return source, nil
}

func (s *fileSource) tooLarge(row *events.RowReceived) *events.RowReceived { return s.tooLargeRow(row) }

func (s *fileSource) finish() error { return s.body.finish() }

func (s *fileSource) describe(started *events.ImportStarted) {
	started.FileName, started.Sheet = s.body.file.name, s.sheet
	started.Columns, started.Delimiter = s.header, string(rune(s.delimiter))
	if !slices.Equal(s.header, s.headers) {
		started.Headers = s.headers
	}
	started.Ignored, started.Mapping = s.ignored, s.mapping
}

func (s *fileSource) content() (bytes uint64, sha256 string) {
	return uint64(s.body.file.bytes), s.body.file.sum()
}

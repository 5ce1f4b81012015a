package ingest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"slices"
	"strconv"
	"strings"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/internal/access"
	"licenseimport/internal/csvfile"
	"licenseimport/internal/failpoint"
	"licenseimport/internal/httpx"
	"licenseimport/internal/mapping"
)

// rejectedSource reads the rows that an import rejected, as they were sent, from the outcomes of that
// import. It holds one row at a time. The rows are numbered from 1 and keep their lines.
type rejectedSource struct {
	ctx     context.Context // of the upload
	reader  *eventlog.RowReader
	started *events.ImportStarted // of the first import
	cells   *mapping.Cells        // of the first import's mapping
	remap   *remapping            // nil: the mapping stays
	manager access.Manager
	maxFile int64

	first *events.RowReceived // already read: the first call of next returns it
	last  events.Row          // of the first import: the last row read
	row   events.RowReceived  // reused for each row

	// The content is the rows as CSV records: the line, the values of the first import's columns, the raw
	// text. So two retries of the same rows have the same content.
	bytes  int64
	hash   hash.Hash // SHA-256
	fields []string
	buf    []byte
}

// openRejectedSource reads the first row. Its errors are answers: without a row that the manager may
// see, 409.
func openRejectedSource(
	ctx context.Context, log *eventlog.Log, started *events.ImportStarted, remap *remapping, m access.Manager, c Config,
) (*rejectedSource, error) {
	bounded, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	reader, err := log.RejectedRows(bounded, started.JobID, 0)
	if err != nil {
		return nil, storeError(err)
	}
	s := &rejectedSource{
		ctx: ctx, reader: reader, started: started, cells: mapping.Compile(started.Mapping), remap: remap, manager: m,
		maxFile: c.MaxFile, hash: sha256.New(),
	}
	first, err := s.next()
	if err == io.EOF {
		err = httpx.Conflict("nothing_to_retry", "Import %d rejected no row, so there is nothing to retry.",
			started.JobID).ForJob(uint64(started.JobID))
	}
	if err != nil {
		s.stop()
		return nil, err
	}
	s.first = first
	return s, nil
}

func (s *rejectedSource) stop() { s.reader.Stop() }

// next returns the next row that the manager may see. A row number that does not grow is a message
// that was read before.
func (s *rejectedSource) next() (*events.RowReceived, error) {
	if first := s.first; first != nil {
		s.first = nil
		return first, nil
	}
	if failpoint.Retry && s.row.Row%2 == 1 {
		s.row.Row++
		return &s.row, s.add()
	}
	for {
		rejected, err := s.read()
		if err != nil {
			return nil, err
		}
		if rejected.Row <= s.last {
			continue
		}
		s.last = rejected.Row
		if !s.sees(&rejected.Values) {
			continue
		}
		s.row = receivedAgain(rejected, s.row.Row+1)
		err = s.add()
		if s.remap != nil {
			s.remap.apply(&s.row)
		}
		return &s.row, err
	}
}

func (s *rejectedSource) read() (*events.RowRejected, error) {
	if s.ctx.Err() != nil {
		return nil, context.Cause(s.ctx)
	}
	ctx, cancel := context.WithTimeout(s.ctx, storeTimeout)
	defer cancel()
	message, err := s.reader.Next(ctx)
	if err == io.EOF {
		return nil, err
	}
	var rejected *events.RowRejected
	if err == nil {
		rejected, err = eventlog.DecodeAs[*events.RowRejected](&message)
	}
	if err != nil {
		return nil, storeError(err)
	}
	return rejected, nil
}

// sees reports whether the manager may see a row of the first import: the rule of package readapi. A
// manager limited to products retries of another manager's import only the rows of these products.
func (s *rejectedSource) sees(values *events.Values) bool {
	return s.manager.Name == s.started.Manager || !s.manager.Limited() || s.manager.Allowed(s.cells.Product(values))
}

// unreadable are the codes of rows that could not be read as CSV. Reading them again would find the
// same.
var unreadable = []events.Code{events.FieldCount, events.MalformedRow, events.RowTooLarge, events.InvalidEncoding}

// receivedAgain is a rejected row as it arrived, with another number and no job id. The errors that
// stand for a row that could not be read are always the first.
func receivedAgain(rejected *events.RowRejected, number events.Row) events.RowReceived {
	row := events.RowReceived{Row: number, Line: rejected.Line, Values: rejected.Values, Raw: rejected.Raw}
	if len(rejected.Errors) == 0 {
		return row
	}
	if e := rejected.Errors[0]; slices.Contains(unreadable, e.Code) {
		row.Malformed = &events.Malformed{Code: e.Code, Message: e.Message, Column: e.Column, Raw: rejected.Raw}
		for _, other := range rejected.Errors[1:] {
			if other.Code == e.Code {
				row.Malformed.MoreColumns = append(row.Malformed.MoreColumns, other.Column)
			}
		}
		row.Raw = ""
	}
	return row
}

// add adds the row to the content. Above the limit of a file it returns the answer 413.
func (s *rejectedSource) add() error {
	if s.bytes == 0 {
		s.write(append(append([]string{"error__line"}, s.started.Columns...), csvfile.RawColumn)...)
	}
	raw := s.row.Raw
	if s.row.Malformed != nil {
		raw = s.row.Malformed.Raw
	}
	s.fields = append(s.fields[:0], strconv.FormatUint(s.row.Line, 10))
	s.fields = append(appendValues(s.fields, s.started.Columns, &s.row.Values), raw)
	if s.write(s.fields...); s.bytes > s.maxFile {
		return tooLarge(s.maxFile)
	}
	return nil
}

// appendValues appends a row's values in the order of a file's columns.
func appendValues(fields, columns []string, values *events.Values) []string {
	for _, name := range columns {
		if i, known := events.ColumnIndex(name); known {
			fields = append(fields, values[i])
		}
	}
	return fields
}

func (s *rejectedSource) write(fields ...string) {
	s.buf = csvfile.AppendRecord(s.buf[:0], ',', fields...)
	s.bytes += int64(len(s.buf))
	s.hash.Write(s.buf)
}

func (s *rejectedSource) content() (bytes uint64, sha256 string) {
	return uint64(s.bytes), hex.EncodeToString(s.hash.Sum(nil))
}

// finish reads the rows that are left.
func (s *rejectedSource) finish() error {
	for {
		if _, err := s.next(); err != nil {
			if err == io.EOF {
				return nil
			}
			return err
		}
	}
}

func (s *rejectedSource) tooLarge(row *events.RowReceived) *events.RowReceived {
	columns := s.started.Columns
	if s.remap != nil {
		columns = s.remap.header
	}
	fields := appendValues(nil, columns, &row.Values)
	return oversized(row, strings.TrimSuffix(string(csvfile.AppendRecord(nil, ',', fields...)), "\r\n"))
}

// describe says of the new import what the first one says of its file.
func (s *rejectedSource) describe(started *events.ImportStarted) {
	own := *started
	*started = *s.started
	started.JobID, started.Manager, started.Products = own.JobID, own.Manager, own.Products
	started.Mode, started.Existing, started.DryRun, started.Query = own.Mode, own.Existing, own.DryRun, own.Query
	started.RetryOf = s.started.JobID
	if s.remap != nil {
		s.remap.describe(started)
	}
}

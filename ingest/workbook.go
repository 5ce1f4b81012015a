package ingest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"licenseimport/internal/csvfile"
	"licenseimport/internal/fsx"
	"licenseimport/internal/httpx"
	"licenseimport/internal/mapping"
	"licenseimport/internal/workbook"
)

// unpackedFactor bounds what a workbook takes once it is unpacked, in multiples of Config.MaxWorkbook:
// 4 GiB by default. XML packs well, so a workbook that is full of values takes some ten times as much.
const unpackedFactor = 16

// openTable opens the file of a request as rows: a workbook by its first bytes, else a CSV. The caller
// must call close when it has read the rows.
func openTable(ctx context.Context, b *body, o options, c Config) (rows mapping.Table, closeTable func(), err error) {
	content := bufio.NewReaderSize(b.file, 512)
	head, _ := content.Peek(workbook.Head) // the next read returns an error again
	if !workbook.IsZIP(head) && !workbook.IsOLE(head) {
		return csvfile.NewReader(content, csvOptions(o, c)), func() {}, refuseSheet(o)
	}
	return openWorkbook(ctx, content, b, o, c)
}

// refuseSheet refuses the parameter of workbooks, where the file is a CSV.
func refuseSheet(o options) error {
	if o.sheet == "" {
		return nil
	}
	return httpx.BadParameter("sheet", o.sheet, "left out for a CSV: only a workbook has sheets")
}

// refuseCSVParameters refuses the parameters that are about a CSV, where the file is a workbook.
func refuseCSVParameters(o options) error {
	const must = "left out for a workbook: it is about a CSV"
	switch {
	case o.delimiter != 0:
		return httpx.BadParameter("delimiter", csvfile.DelimiterName(o.delimiter), must)
	case o.encoding != csvfile.UTF8:
		return httpx.BadParameter("encoding", csvfile.NameWindows1252, must)
	}
	return nil
}

// openWorkbook writes the file to a temporary file, since a workbook's directory stands at its end, and
// reads the rest of the request. The temporary file is gone after close, and when the process ends.
func openWorkbook(ctx context.Context, content io.Reader, b *body, o options, c Config) (workbookTable, func(), error) {
	if err := refuseCSVParameters(o); err != nil {
		return workbookTable{}, nil, err
	}
	temp, err := c.tempFile()
	if err != nil {
		return workbookTable{}, nil, tableError(err)
	}
	size, err := io.Copy(temp, &limitedReader{src: content, left: c.MaxWorkbook, maxBytes: c.MaxWorkbook, what: "workbook"})
	if err == nil {
		err = b.finish()
	}
	var rows *workbook.Reader
	if err == nil {
		rows, err = workbook.Open(haltedReaderAt{ctx, temp}, size, workbook.Options{
			Sheet: o.sheet, MaxRow: c.MaxRow, MaxColumns: c.MaxColumns, Temp: c.tempFile,
			MaxUnpacked: min(c.MaxFile, c.MaxWorkbook*unpackedFactor),
		})
	}
	if err != nil {
		return workbookTable{}, nil, tableError(errors.Join(err, temp.Close()))
	}
	closeAll := func() { _ = errors.Join(rows.Close(), temp.Close()) } // nothing was written that anybody reads
	return workbookTable{rows}, closeAll, nil
}

func (c Config) tempFile() (*fsx.TempFile, error) {
	return fsx.CreateTemp(c.TempDir, workbook.TempPrefix, uint64(c.MinFree))
}

// workbookTable makes answers of the errors of a workbook's rows.
type workbookTable struct{ *workbook.Reader }

func (t workbookTable) Read() (csvfile.Row, error) {
	row, err := t.Reader.Read()
	if err != nil && err != io.EOF {
		err = tableError(err)
	}
	return row, err
}

// haltedReaderAt fails when the upload is halted, with the reason.
type haltedReaderAt struct {
	ctx context.Context
	io.ReaderAt
}

func (r haltedReaderAt) ReadAt(p []byte, at int64) (int, error) {
	if r.ctx.Err() != nil {
		return 0, context.Cause(r.ctx)
	}
	return r.ReaderAt.ReadAt(p, at)
}

// tableError is the answer to a file that cannot be read as rows. Errors of reading the request stay.
func tableError(err error) error {
	if known, ok := errors.AsType[*httpx.Error](err); ok {
		return known
	}
	if foreign, ok := errors.AsType[*csvfile.NotCSVError](err); ok {
		return httpx.Unsupported("not_csv", "%s.", sentence(foreign.Error()))
	}
	if unreadable, ok := errors.AsType[*workbook.UnreadableError](err); ok {
		return httpx.Unsupported("not_csv", "%s.", sentence(unreadable.Error())).Because(unreadable.Cause)
	}
	if sheet, ok := errors.AsType[*workbook.SheetError](err); ok {
		return httpx.BadParameter("sheet", sheet.Name, "one of the workbook's sheets: "+quoted(sheet.Sheets))
	}
	if large, ok := errors.AsType[*workbook.TooLargeError](err); ok {
		return httpx.TooLarge("too_large", "%s.", sentence(large.Error()))
	}
	if empty, ok := errors.AsType[*workbook.EmptySheetError](err); ok {
		return emptySheet(empty)
	}
	if header, ok := errors.AsType[*csvfile.HeaderError](err); ok {
		return httpx.BadRequest(string(header.Code), "%s.", sentence(header.Error()))
	}
	switch {
	case errors.Is(err, csvfile.ErrEmpty):
		return httpx.BadRequest("empty_file", "%s.", sentence(err.Error()))
	case errors.Is(err, syscall.ENOSPC):
		return diskFull(err)
	}
	if temporary, ok := errors.AsType[*fs.PathError](err); ok {
		return httpx.New(http.StatusInternalServerError, "internal",
			"The server cannot use its directory for temporary files, so nothing was imported.").Because(temporary)
	}
	return err
}

// otherSheet is the code of an item that names another sheet.
const otherSheet = "other_sheet"

// emptySheet is the answer to a sheet without values. It names the workbook's other sheets.
func emptySheet(empty *workbook.EmptySheetError) error {
	if len(empty.Others) == 0 {
		return httpx.BadRequest("empty_file", "%s.", sentence(empty.Error()))
	}
	return nameSheets(httpx.BadRequest("empty_file", "%s.", sentence(empty.Error())), empty.Others)
}

// nameSheets adds the workbook's other sheets to an answer.
func nameSheets(answer *httpx.Error, others []string) error {
	answer.Detail += fmt.Sprintf(" The workbook has other sheets: %s. Name one (sheet=NAME).", quoted(others))
	for _, other := range others {
		answer.Problems = append(answer.Problems, httpx.Problem{
			Code: otherSheet, Message: fmt.Sprintf("the workbook has a sheet %q", other), Parameter: "sheet=" + other,
		})
	}
	return answer
}

// headerOfSheet is the answer to a header with problems. Where a column is missing, another sheet of the workbook may
// have the table.
func (t workbookTable) headerOfSheet(problems []csvfile.HeaderProblem) error {
	answer, others := headerProblems(problems), t.OtherSheets()
	missing := slices.ContainsFunc(problems, func(p csvfile.HeaderProblem) bool { return p.Kind == csvfile.MissingColumn })
	if !missing || len(others) == 0 {
		return answer
	}
	answer.Detail += fmt.Sprintf(" It is the sheet %q.", t.Sheet())
	return nameSheets(answer, others)
}

func quoted(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = strconv.Quote(name)
	}
	return strings.Join(quoted, ", ")
}

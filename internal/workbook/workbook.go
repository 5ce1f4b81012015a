package workbook

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"strings"

	"licenseimport/internal/csvfile"
	"licenseimport/internal/fsx"
)

// The largest sheet of the format.
const (
	maxSheetRows    = 1 << 20
	maxSheetColumns = 1 << 14
)

// DefaultMaxUnpacked is the default of Options.MaxUnpacked: 4 GiB.
const DefaultMaxUnpacked = 4 << 30

// TempPrefix begins the names of temporary files.
const TempPrefix = "workbook-"

// Options configure a Reader. The zero value reads the first sheet with the default limits.
type Options struct {
	Sheet       string // its name; empty: the first one that is not hidden
	MaxRow      int    // bytes of a row's values; above: row_too_large. 0: csvfile.DefaultMaxRow
	MaxColumns  int    // of the header. 0: csvfile.DefaultMaxColumns
	MaxUnpacked int64  // bytes of all parts that are read, unpacked. 0: DefaultMaxUnpacked

	// Temp makes the temporary file for the workbook's texts, which the Reader closes. nil: one in the
	// system's directory for these.
	Temp func() (*fsx.TempFile, error)
}

func (o Options) withDefaults() Options {
	if o.MaxRow <= 0 {
		o.MaxRow = csvfile.DefaultMaxRow
	}
	if o.MaxColumns <= 0 {
		o.MaxColumns = csvfile.DefaultMaxColumns
	}
	if o.MaxUnpacked <= 0 {
		o.MaxUnpacked = DefaultMaxUnpacked
	}
	if o.Temp == nil {
		o.Temp = func() (*fsx.TempFile, error) { return fsx.CreateTemp("", TempPrefix, 0) }
	}
	return o
}

// sheet is one tab of a workbook that holds cells.
type sheet struct {
	name   string
	part   string
	hidden bool
}

// workbook is what the parts beside the sheets say.
type workbook struct {
	parts    *parts
	sheets   []sheet
	date1904 bool
	strings  string // the part of the shared strings; empty: none
	styles   []numberFormat
}

// Head is how many bytes of a file IsZIP and IsOLE look at.
const Head = 8

// IsZIP reports whether a file begins like a ZIP archive, as a workbook does.
func IsZIP(head []byte) bool {
	for _, magic := range []string{"PK\x03\x04", "PK\x05\x06", "PK\x07\x08"} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return true
		}
	}
	return false
}

// IsOLE reports whether a file begins like an old Excel workbook or like one with a password.
func IsOLE(head []byte) bool {
	return bytes.HasPrefix(head, []byte("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"))
}

// openWorkbook reads what a workbook says about itself.
func openWorkbook(r io.ReaderAt, size int64, maxUnpacked int64) (*workbook, error) {
	head := make([]byte, Head)
	if _, err := r.ReadAt(head, 0); err != nil && err != io.EOF {
		return nil, err
	}
	if IsOLE(head) {
		return nil, oleError(r, size)
	}
	p, err := openParts(r, size, maxUnpacked)
	if err != nil {
		return nil, readError(err)
	}
	w := &workbook{parts: p}
	if err := w.open(); err != nil {
		return nil, readError(err)
	}
	return w, nil
}

// readError is the error of a workbook that cannot be read: the reader's own where it is not the
// workbook that is at fault.
func readError(err error) error {
	if _, known := errors.AsType[*UnreadableError](err); known {
		return err
	}
	if _, known := errors.AsType[*TooLargeError](err); known {
		return err
	}
	if _, known := errors.AsType[*sourceError](err); known {
		return err
	}
	if _, known := errors.AsType[*fs.PathError](err); known {
		return err // of the temporary file
	}
	return damaged(err)
}

// sourceError is an error of the file that the workbook is in. It is wrapped so that archive/zip's users
// can tell it from a damaged archive.
type sourceError struct{ error }

func (e *sourceError) Unwrap() error { return e.error }

// source is the file that a workbook is in.
type source struct{ io.ReaderAt }

func (s source) ReadAt(p []byte, at int64) (int, error) {
	n, err := s.ReaderAt.ReadAt(p, at)
	if err != nil && err != io.EOF {
		err = &sourceError{err}
	}
	return n, err
}

// oleError tells an old workbook from one with a password: that one's directory names the stream
// EncryptedPackage, in UTF-16.
func oleError(r io.ReaderAt, size int64) error {
	const name = "EncryptedPackage"
	wanted := make([]byte, 0, 2*len(name))
	for _, c := range []byte(name) {
		wanted = append(wanted, c, 0)
	}
	buf := make([]byte, 64<<10)
	for at := int64(0); at < size; at += int64(len(buf) - len(wanted)) {
		n, err := r.ReadAt(buf, at)
		if bytes.Contains(buf[:n], wanted) {
			return errEncrypted
		}
		if err != nil {
			break
		}
	}
	return errOldExcel
}

// open finds the workbook's part, its sheets, styles and strings.
func (w *workbook) open() error {
	main, err := w.mainPart()
	if err != nil {
		return err
	}
	relations, err := w.parts.relations(main)
	if err != nil {
		return err
	}
	styles := ""
	for _, r := range relations {
		switch r.kind {
		case "sharedStrings":
			w.strings = r.target
		case "styles":
			styles = r.target
		}
	}
	if err := w.readSheets(main, relations); err != nil {
		return err
	}
	if len(w.sheets) == 0 {
		return errNoSheet
	}
	w.styles, err = readStyles(w.parts, styles)
	return err
}

// mainPart returns the name of the workbook's part, or tells what the archive is else.
func (w *workbook) mainPart() (string, error) {
	relations, err := w.parts.relations("")
	if err != nil {
		return "", err
	}
	for _, r := range relations {
		if r.kind != "officeDocument" {
			continue
		}
		switch {
		case strings.HasSuffix(strings.ToLower(r.target), ".bin"):
			return "", errBinary
		case !strings.Contains(strings.ToLower(r.target), "workbook") && w.parts.isOtherOffice():
			return "", errOtherOffice
		}
		return r.target, nil
	}
	switch {
	case w.parts.has("xl/workbook.xml"):
		return "xl/workbook.xml", nil
	case w.parts.has("xl/workbook.bin"):
		return "", errBinary
	case w.parts.has("content.xml") && w.parts.has("mimetype"):
		return "", errOpenDocument
	}
	return "", errArchive
}

// isOtherOffice reports whether the archive is a document or a presentation.
func (p *parts) isOtherOffice() bool {
	return p.has("word/document.xml") || p.has("ppt/presentation.xml") || p.has("visio/document.xml")
}

func (w *workbook) readSheets(main string, relations map[string]relation) error {
	return w.parts.scan(main, func(s *scanner) error {
		switch string(s.name) {
		case "workbookPr":
			w.date1904 = isTrue(s.attr("date1904"))
		case "sheet":
			r, found := relations[string(s.attr("id"))]
			if !found || r.kind != "worksheet" {
				return nil // a sheet of charts or macros
			}
			if len(w.sheets) == maxSheets {
				return errors.New("the workbook has too many sheets")
			}
			state := string(s.attr("state"))
			w.sheets = append(w.sheets, sheet{string(s.attr("name")), r.target, state != "" && state != "visible"})
		}
		return nil
	})
}

func isTrue(value []byte) bool { return string(value) == "1" || string(value) == "true" }

// find returns the sheet of a name; "": the first one that a user sees.
func (w *workbook) find(name string) (sheet, error) {
	var names []string
	for _, s := range w.sheets {
		if name == "" && !s.hidden || name != "" && s.name == name {
			return s, nil
		}
		names = append(names, s.name)
	}
	if name == "" {
		return w.sheets[0], nil
	}
	for _, s := range w.sheets {
		if strings.EqualFold(strings.TrimSpace(s.name), strings.TrimSpace(name)) {
			return s, nil
		}
	}
	return sheet{}, &SheetError{Name: name, Sheets: names}
}

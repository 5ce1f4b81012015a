package workbook

import (
	"fmt"
	"strings"

	"licenseimport/internal/csvfile"
)

// UnreadableError says that the file is no workbook that can be read.
type UnreadableError struct {
	Format string // "an old Excel workbook (.xls)", …
	Advice string // what to do
	Cause  error  // of a damaged workbook; may be nil
}

func (e *UnreadableError) Error() string {
	return fmt.Sprintf("the file is %s: %s", e.Format, e.Advice)
}

func (e *UnreadableError) Unwrap() error { return e.Cause }

// SheetError says that the workbook has no sheet of the name that was asked for.
type SheetError struct {
	Name   string
	Sheets []string // those that there are
}

func (e *SheetError) Error() string {
	quoted := make([]string, len(e.Sheets))
	for i, name := range e.Sheets {
		quoted[i] = fmt.Sprintf("%q", name)
	}
	return fmt.Sprintf("the workbook has no sheet %q: it has %s", e.Name, strings.Join(quoted, ", "))
}

// EmptySheetError says that a sheet has no row with values. It wraps [csvfile.ErrEmpty].
type EmptySheetError struct {
	Sheet  string
	Others []string // the workbook's other sheets that are not hidden
}

func (e *EmptySheetError) Error() string {
	return fmt.Sprintf("the sheet %q is empty: its first row with values must name the columns", e.Sheet)
}

func (e *EmptySheetError) Unwrap() error { return csvfile.ErrEmpty }

// TooLargeError says that the workbook takes more than a limit once it is unpacked.
type TooLargeError struct {
	Limit int64 // bytes
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("the workbook takes more than %d bytes once it is unpacked: split it, or save the sheet as CSV UTF-8", e.Limit)
}

const saveAs = `open it in the spreadsheet program and save it as an Excel workbook (.xlsx) or as "CSV UTF-8"`

// The formats that are uploaded in place of a workbook.
var (
	errOldExcel  = &UnreadableError{Format: "an old Excel workbook (.xls)", Advice: saveAs}
	errEncrypted = &UnreadableError{
		Format: "a workbook that is protected by a password",
		Advice: "open it in the spreadsheet program, remove the password and save it again",
	}
	errBinary       = &UnreadableError{Format: "a binary Excel workbook (.xlsb)", Advice: saveAs}
	errOpenDocument = &UnreadableError{Format: "an OpenDocument file (.ods)", Advice: saveAs}
	errOtherOffice  = &UnreadableError{Format: "an Office document that is no workbook", Advice: saveAs}
	errArchive      = &UnreadableError{
		Format: "a ZIP archive and no workbook",
		Advice: "unpack it and send the file in it, a CSV or an Excel workbook (.xlsx). From a spreadsheet program, save the sheet as \"CSV UTF-8\"",
	}
	errNoSheet = &UnreadableError{Format: "a workbook without a sheet of cells", Advice: "add a sheet whose first row names the columns"}
)

// damaged is a workbook that cannot be read to its end.
func damaged(cause error) error {
	return &UnreadableError{Format: "a damaged Excel workbook or ZIP archive", Advice: saveAs, Cause: cause}
}

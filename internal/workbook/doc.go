// Package workbook reads and writes Excel workbooks (.xlsx), one sheet as the rows of a table.
//
// A Reader takes a file that can be read at any place, since a ZIP archive's directory stands at its
// end. It returns what package csvfile returns for a CSV: a Header, then one Row at a time.
//
//	ZIP archive ──▶ workbook.xml, styles.xml     sheets, date system, number formats
//	            ──▶ sharedStrings.xml            texts, in blocks in a temporary file
//	            ──▶ worksheets/sheet1.xml        rows, one at a time
//
//	parts.go         the archive: parts by name, what may be unpacked, relationships
//	scanner.go       XML as a workbook has it, with bounded memory
//	xmltext.go       names, references and line ends of XML; what is wrong with it
//	text.go          texts of cells: _xHHHH_, escaping
//	strings.go       the shared strings
//	styles.go, numberformat.go, number.go   which numbers are dates, and how a number is written
//	sheet.go         cells as text
//	workbook.go      options and limits; a workbook's sheets
//	reader.go        rows with a header
//	errors.go        why a workbook cannot be read
//	writer.go        a workbook from rows, written as a stream
//	writerparts.go   its parts that do not depend on the rows
//
// # Promises
//
// Memory does not grow with the workbook: an open one takes some 10 MiB. A row is bounded by
// Options.MaxRow, what is unpacked by Options.MaxUnpacked, whatever the archive says about its sizes,
// and the archive's directory by 2 MiB. Nothing of a part is unpacked that is not needed.
//
// An error affects one row where only that row is at fault: it is too long, or has a value in a column
// without a name. What a workbook cannot have (rows out of order, a string that does not exist, XML that
// is not well-formed, a wrong checksum) is damage, and ends the reading with an UnreadableError.
//
// # Cells
//
//	text, also rich and inline      as it is, with leading zeros and space; phonetic guides are left out
//	whole number                    with all digits that are stored, without a decimal point; 1E3 is 1000
//	other number                    with at most the 15 digits that programs compute with: 0.1+0.2 is 0.3
//	number with a format of zeros   filled up: 42 as 00000 is 00042, and as "K-"0000 K-0042
//	date                            YYYY-MM-DD, in the 1900 system and in the 1904 system
//	date and time                   YYYY-MM-DD HH:MM:SS, where the format shows both and it is not midnight
//	time alone                      HH:MM:SS
//	true or false                   true or false
//	formula                         its stored value; one that was never computed is #VALUE!
//	error                           #REF!, #N/A and so on
//
// A number is a date if its number format shows a day, a month or a year. Day 60 of the 1900 system is
// written 1900-02-29, as Excel shows it: no such day exists, and the rule for dates says so.
//
// The number of a day without a date format is a number: only who knows that a column holds dates can
// read it as one ([Reader.SerialDate]).
//
// # Rows
//
// The header is the first row that has a value. Rows and columns that are hidden are read like others, as
// in the CSV that a program saves. Of merged cells the first has the value, the others are empty. A row
// without values is skipped. Row.Line is the row's number in the sheet.
//
// The first sheet is the first one that is not hidden. Names of sheets are compared as they are, then
// without regard to case.
//
// # Caveats
//
// XML in another encoding than UTF-8 is not read; no known program writes it. A DTD is damage, so no
// entity can grow or name a file.
//
// A text that has _xHHHH_ in it means the character with that number, as the format says. Programs
// that do not know the rule write such a text, if ever, without escaping its first character.
package workbook

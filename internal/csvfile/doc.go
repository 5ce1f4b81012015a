// Package csvfile reads CSV as real programs write it: Excel, LibreOffice, Google Sheets, PowerShell,
// pandas, and people.
//
// A Reader takes any io.Reader and returns a Header, then one Row at a time:
//
//	bytes ──▶ encoding ──▶ buffer ──▶ preamble (sep=, header) ──▶ rows
//	          UTF-8        one row    delimiter, line ends        valid, or with a RowError
//	          UTF-16       at a time
//	          windows-1252
//
// # Promises
//
// Memory is bounded by one row (Options.MaxRow) and a buffer of 64 KiB. A valid row costs no
// allocation.
//
// An error affects one row. A row that cannot be read has a RowError: a code, a sentence and the row's
// text. The rows around it are read as usual. After a quoting error, reading resumes at the line after
// the row's first line, so a forgotten quote does not swallow the rows after it. Row.Number counts
// data rows without a gap, rows with errors included. Row.Line is the physical line of the file, as an
// editor counts it.
//
// Values stay as sent: nothing is trimmed, line breaks inside quotes and control characters stay. Only
// the quotes are removed. The caller decides what a value means.
//
// The rows of a file do not depend on how its bytes arrive: in one read, or one at a time.
//
// An error of the underlying reader is returned unchanged and never looks like the end of the file. The
// row that it cut off is not returned.
//
// # The rules
//
//   - Quotes follow RFC 4180 strictly. A quote inside an unquoted value, and text after a closing quote
//     (white space too), are malformed_row: what the writer meant cannot be known.
//   - A line ends with LF or CRLF, also mixed in one file. A lone CR ends a line only in files whose
//     header line ends with one (old Mac files). Elsewhere it is part of the value.
//   - A blank line, and a row whose values are all empty or white space, is skipped and not counted,
//     also before the header.
//   - The first line may be sep=; (any of the four delimiters, also in quotes), as Excel writes it. It
//     sets the delimiter and counts as a physical line.
//   - The delimiter is the one that yields the most known column names; else the one that occurs most
//     often outside quotes in the header line; else the comma.
//   - A byte order mark overrides Options.Encoding: it cannot be there by chance.
//   - A row with a value under an empty header is field_count. So is a row with too few or too many
//     fields, empty or not.
//   - A row with several errors gets one code: the first of malformed_row or row_too_large,
//     field_count, invalid_encoding.
//
// MatchHeader pairs a header with the columns that a program knows. Guard, Unguard and AppendRecord
// write a CSV that a spreadsheet can open without executing a cell as a formula.
//
// # Caveats
//
// UTF-16 without a byte order mark is not detected; its header is refused with advice.
//
// An open quote costs a second scan of up to MaxRow bytes. A line cannot both open a quote and stand
// inside one, so a hostile file costs about twice an ordinary one.
package csvfile

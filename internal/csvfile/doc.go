// Package csvfile reads CSV as the world writes it: from Excel, LibreOffice, Google Sheets, PowerShell, pandas and by hand.
//
// A Reader takes any io.Reader and hands out a Header and then one Row after the other:
//
//	bytes ──▶ encoding ──▶ buffer ──▶ preamble (sep=, header) ──▶ rows
//	          UTF-8        one row    delimiter, line ends        sound or damaged
//	          UTF-16       at a time
//	          windows-1252
//
// # Promises
//
// Memory is bounded: at most one row (Options.MaxRow) beside a buffer of 64 KiB, whatever the file holds. A sound row costs no
// allocation.
//
// Damage stays where it is. A row that cannot be read is handed out with a Damage, which has a code, a sentence and the row's
// text, and the rows around it stand. After a quoting error, reading resumes at the line after the row's first line, so that
// one forgotten quote does not swallow the rows behind it. Row.Number counts data rows without a gap, damaged ones
// included, and Row.Line is always the physical line of the file, as an editor counts it.
//
// Values are kept as they were sent: nothing is trimmed, line breaks inside quotes stay what they were, and so do control
// characters. Only the quotes are undone. What a value means is for others to judge.
//
// How the bytes arrive does not matter: read whole or one at a time, a file gives the same rows.
//
// A failure of the underlying reader is returned as it is and never looks like the end of the file; the row that it cut off is
// not handed out.
//
// # The rules
//
//   - Quotes are those of RFC 4180, strictly: a quote inside an unquoted value and text after a closing quote (white space too)
//     are malformed_row, for nobody can know what was meant.
//   - A line ends with LF or CRLF, also mixed. A CR alone ends a line only in files whose header line ends so (old Mac files);
//     elsewhere it is part of the value.
//   - A blank line, and a row of nothing but empty or white values, is skipped and not counted, also before the header.
//   - The first line may be sep=; (any of the four delimiters, also in quotes), as Excel has it. It sets the delimiter and counts as a
//     physical line.
//   - The delimiter is the one that gives the most known column names, else the one that the header line holds most often outside quotes, else the
//     comma.
//   - A byte order mark wins over Options.Encoding: it cannot be there by chance.
//   - A row with a value under an empty header is field_count, as is one with too few or too many fields, empty or not.
//   - Where a row is damaged in two ways, the first of malformed_row or row_too_large, field_count, invalid_encoding is named.
//
// MatchHeader pairs the header with the columns that a program knows. Guard, Unguard and AppendRecord write a CSV that
// spreadsheets can open without running what is in it.
//
// # Caveats
//
// UTF-16 without a byte order mark is not guessed; its header is refused with advice. A quote that is left open costs a second look
// at up to MaxRow bytes; since a line cannot both open a quote and stand inside one, a hostile file costs about twice an honest one,
// not more.
package csvfile

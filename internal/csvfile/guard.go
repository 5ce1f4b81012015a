package csvfile

import (
	"slices"
	"strings"
	"unicode"
)

// The last column of an invalid_rows.csv: the text of a row that could not be read. Its name says
// whether the cells of the file were passed through Guard.
const (
	RawColumn        = "error__raw"
	GuardedRawColumn = "error__raw_guarded"
)

// MappingColumn is the column of an invalid_rows.csv that names the mapping of its rows, where they have
// one.
const MappingColumn = "error__mapping"

// Guard makes a cell safe to open in a spreadsheet program, which would run one that begins like a formula:
//
//   - A cell that matches ^'*[=+\-@\t\r] gets one ' in front. So does one that begins with a full-width
//     ＝ ＋ － ＠, and one whose formula follows white space or a line feed.
//   - A place inside the cell gets one ' where a formula follows a delimiter or a line break: a program
//     whose locale has another delimiter takes that place for the beginning of a cell.
//
// Quotes that stand before the formula count in each rule, so Unguard can undo Guard on every cell.
func Guard(cell string) string {
	if !strings.ContainsAny(cell, formulaStarts+"\t\r") {
		return cell
	}
	guarded := make([]byte, 0, len(cell)+2)
	if beginsLikeFormula(cell) {
		guarded = append(guarded, '\'')
	}
	from := 0
	for i := innerFrom(cell); i < len(cell); i++ {
		if isCellEnd(cell[i]) && formulaFollows(cell[i+1:]) {
			guarded = append(append(guarded, cell[from:i+1]...), '\'')
			from = i + 1
		}
	}
	return string(append(guarded, cell[from:]...))
}

// Unguard undoes Guard. It is for files that have the column GuardedRawColumn (IsGuardedColumn): in any
// other file such a cell may have been sent so.
func Unguard(cell string) string {
	if strings.IndexByte(cell, '\'') < 0 {
		return cell
	}
	plain, from := make([]byte, 0, len(cell)), 0
	if cell[0] == '\'' && beginsLikeFormula(cell) {
		from = 1
	}
	for i := innerFrom(cell); i < len(cell); i++ {
		if rest := cell[i+1:]; isCellEnd(cell[i]) && strings.HasPrefix(rest, "'") && formulaFollows(rest) {
			plain = append(plain, cell[from:i+1]...)
			from = i + 2
		}
	}
	return string(append(plain, cell[from:]...))
}

// Unguarded is the header before Guard: the fields as they are, unless one of them is GuardedRawColumn.
func (h Header) Unguarded() Header {
	if !slices.ContainsFunc(h.Fields, IsGuardedColumn) {
		return h
	}
	h.Fields = slices.Clone(h.Fields)
	for i, field := range h.Fields {
		h.Fields[i] = Unguard(field)
	}
	return h
}

// formulaStarts are the characters that begin a formula. East Asian spreadsheets take the full-width
// forms for the others.
const formulaStarts = "=+-@＝＋－＠"

func isFormula(s string) bool {
	for _, r := range s {
		return strings.ContainsRune(formulaStarts, r)
	}
	return false
}

// beginsLikeFormula is the rule for the beginning of a cell. It looks past quotes in any place, so it
// says the same of a cell and of the guarded cell.
func beginsLikeFormula(cell string) bool {
	unquoted := strings.TrimLeft(cell, "'")
	if unquoted != "" && (unquoted[0] == '\t' || unquoted[0] == '\r') {
		return true
	}
	return isFormula(strings.TrimLeftFunc(unquoted, func(r rune) bool { return r == '\'' || unicode.IsSpace(r) }))
}

// innerFrom is where the rule for places inside a cell begins: a tab or CR that the rule for the
// beginning looks at is not the end of a cell.
func innerFrom(cell string) int {
	quotes := len(cell) - len(strings.TrimLeft(cell, "'"))
	if quotes < len(cell) && (cell[quotes] == '\t' || cell[quotes] == '\r') {
		return quotes + 1
	}
	return quotes
}

// isCellEnd reports whether a program may end a cell here: at a delimiter of some locale or, where it
// does not see the quotes around the cell, at a line break.
func isCellEnd(c byte) bool { return strings.IndexByte(",;\t|\r\n", c) >= 0 }

// formulaFollows is the rule for a place inside a cell. It does not look past the next cell end, so the
// places of one cell do not depend on each other.
func formulaFollows(rest string) bool {
	rest = strings.TrimLeft(rest, "'")
	return isFormula(strings.TrimLeftFunc(rest, func(r rune) bool {
		return unicode.IsSpace(r) && (r >= 0x80 || !isCellEnd(byte(r)))
	}))
}

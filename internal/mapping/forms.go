package mapping

import (
	"strings"
	"unicode"

	"licenseimport/events"
)

// maxJudged bounds the cells of a column that are looked at.
const maxJudged = 500

// judged returns the cells that are not empty, at most maxJudged.
func judged(cells []string) []string {
	var given []string
	for _, cell := range cells {
		if cell = strings.TrimSpace(cell); cell != "" && len(given) < maxJudged {
			given = append(given, cell)
		}
	}
	return given
}

// share is the part of the cells, from 0 to 1, for which is holds; 0 without cells.
func share(cells []string, is func(string) bool) float64 {
	if len(cells) == 0 {
		return 0
	}
	n := 0
	for _, cell := range cells {
		if is(cell) {
			n++
		}
	}
	return float64(n) / float64(len(cells))
}

// most is the share of cells that has to be of a form. Files have mistakes: those rows are rejected.
const most = 0.8

// half is the share of cells that has to be of a form where the header is clear.
const half = 0.5

// fits reports whether enough of the cells are values of a column that a header names so surely, as they
// are or translated. own is the vendor's table; nil: none. Without cells it does.
func fits(column int, cells []string, confidence float64, own map[string]string) bool {
	if len(cells) == 0 {
		return true
	}
	most := needed(confidence)
	switch {
	case isKey(column):
		return share(cells, notKeyUnder(confidence)) < 1-most
	case column == events.ColumnProduct:
		return share(cells, cannotBeProduct) < 1-most
	}
	return share(cells, func(cell string) bool {
		_, named := own[normalCell(cell)]
		_, translated := obvious(column, cell)
		return named || translated || isValue(column, cell)
	}) >= most
}

// columnLicenseKey is the column of features that names their license.
var columnLicenseKey, _ = events.ColumnIndex("license_key")

// isKey reports whether a column holds license keys.
func isKey(column int) bool { return column == events.ColumnKey || column == columnLicenseKey }

// Identifies reports whether a column's values tell one row from another: a file does not have the same in all.
func Identifies(column int) bool { return isKey(column) || events.Columns[column].Type == events.Email }

func isDate(cell string) bool {
	for f := range dateFormats {
		if _, ok := dateFormats[f].parse(cell); ok {
			return true
		}
	}
	return false
}

func isEmail(cell string) bool {
	return events.Columns[events.ColumnEmail].Set(new(events.Record), cell) == ""
}

func isNumber(cell string) bool {
	return strings.Trim(cell, "0123456789.,-+") == "" && strings.ContainsAny(cell, "0123456789")
}

// cannotBeKey is what no license key looks like: an address, a date, a short number, a sentence, a word.
func cannotBeKey(cell string) bool {
	return strings.Contains(cell, "@") || isDate(cell) || isNumber(cell) && len(cell) < 8 ||
		len(strings.Fields(cell)) > 3 || len([]rune(cell)) < 4 || isWord(cell)
}

// notKeyUnder is what speaks against a license key under a header that names it so surely. A short text is
// a key where the header says so; a short number only where it can mean nothing else, since a serial number
// may count the rows.
func notKeyUnder(confidence float64) func(string) bool {
	if confidence < likely {
		return cannotBeKey
	}
	return func(cell string) bool {
		switch {
		case strings.Contains(cell, "@") || isDate(cell) || len(strings.Fields(cell)) > 3:
			return true
		case confidence >= certain:
			return false
		case isNumber(cell):
			return len(cell) < 8
		case confidence >= sure:
			return false
		}
		return !strings.ContainsAny(cell, "0123456789") && cannotBeKey(cell)
	}
}

// isWord reports whether a cell is letters in the case of a word.
func isWord(cell string) bool {
	lower := false
	for _, r := range cell {
		if !unicode.IsLetter(r) {
			return false
		}
		lower = lower || unicode.IsLower(r)
	}
	return lower && len(cell) < 16
}

// cannotBeProduct is what no product looks like: an address, a date, money.
func cannotBeProduct(cell string) bool {
	return strings.Contains(cell, "@") || isDate(cell) || isNumber(cell) && strings.ContainsAny(cell, ".,-") || len([]rune(cell)) > 64
}

// isGroupedKey is the form of most license keys: groups of the same length, of capitals and digits,
// with hyphens between them. UUIDs are not: they are ids of records more often than keys.
func isGroupedKey(cell string) bool {
	groups := strings.Split(cell, "-")
	if len(groups) < 3 || len(groups[0]) < 3 {
		return false
	}
	letters := false
	for _, group := range groups {
		if len(group) != len(groups[0]) {
			return false
		}
		for _, c := range []byte(group) {
			if (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
				return false
			}
			letters = letters || c >= 'A'
		}
	}
	return letters
}

// isKeyLike reports whether a cell may be a key by its form alone: long, without spaces, with digits.
func isKeyLike(cell string) bool {
	return len(cell) >= 8 && !strings.ContainsFunc(cell, unicode.IsSpace) && !cannotBeKey(cell) &&
		strings.ContainsAny(cell, "0123456789")
}

// distinct reports whether no two cells are the same.
func distinct(cells []string) bool {
	seen := make(map[string]bool, len(cells))
	for _, cell := range cells {
		if seen[cell] {
			return false
		}
		seen[cell] = true
	}
	return true
}

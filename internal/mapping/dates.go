package mapping

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ISO is the date format of a mapping that names none.
const ISO = "YYYY-MM-DD"

// Ambiguous, in the place of a date format, says that the dates of a file can be read with the day
// first and with the month first, or that as many of them have one format as have another.
const Ambiguous = "ambiguous"

// A dateFormat reads dates with the parts of a day in one order.
type dateFormat struct {
	name      string
	separator byte
	order     string // of the parts: d, m, y; M is a month's English name
}

// dateFormats is the table of date formats. ISO is the first: every format reads it, too.
var dateFormats = [...]dateFormat{
	{ISO, '-', "ymd"},
	{"MM/DD/YYYY", '/', "mdy"},
	{"DD/MM/YYYY", '/', "dmy"},
	{"DD.MM.YYYY", '.', "dmy"},
	{"YYYY/MM/DD", '/', "ymd"},
	{"D MMM YYYY", ' ', "dMy"},
}

// DateFormats lists the formats that a mapping may name.
func DateFormats() []string {
	names := make([]string, len(dateFormats))
	for i := range dateFormats {
		names[i] = dateFormats[i].name
	}
	return names
}

// DateFormatName is the name of a date format as [DateFormats] lists it, of a name in any case; "" is [ISO]. A name that
// is not known stays.
func DateFormatName(name string) string {
	if f := formatOf(name); f != nil {
		return f.name
	}
	return name
}

// monthFirst is how dates with a month's name are written in America: Mar 5, 2030. No other format reads them, so
// they need no name of their own.
var monthFirst = dateFormat{"D MMM YYYY", ' ', "Mdy"}

// formatOf finds a format, in any case; "" is ISO. nil: there is none of that name.
func formatOf(name string) *dateFormat {
	if name == "" {
		return &dateFormats[0]
	}
	for i := range dateFormats {
		if strings.EqualFold(dateFormats[i].name, strings.TrimSpace(name)) {
			return &dateFormats[i]
		}
	}
	return nil
}

const (
	hour24  = `([01]?[0-9]|2[0-3])`
	hour12  = `(0?[1-9]|1[0-2])`
	minutes = `:[0-5][0-9](:[0-5][0-9]([.,][0-9]{1,9})?)?` // and seconds
	halfDay = ` ?[AaPp]\.?[Mm]\.?`
	zone    = ` ?([Zz]|UTC|GMT|[+-]([01][0-9]|2[0-3])(:?[0-5][0-9])?)`
)

// afterDate is the time of day that may follow a date, with its zone: as ISO 8601 writes it, as shops
// export it (10:22:33 +0000), or on a clock of twelve hours. It does not count: the date stays as written.
// A time that no clock shows says that the cell is no date.
var afterDate = regexp.MustCompile(
	`^([Tt]|,? +)(` + hour24 + minutes + `|` + hour12 + minutes + halfDay + `)(` + zone + `)?$`)

// iso returns a date as YYYY-MM-DD, and any other value as it is: the column's rule rejects that.
func (f *dateFormat) iso(value string) string {
	if date, ok := f.parse(value); ok {
		return date
	}
	if f != &dateFormats[0] {
		if date, ok := dateFormats[0].parse(value); ok {
			return date
		}
	}
	return value
}

// parse reads a date of this format, alone or with a time of day, as YYYY-MM-DD.
func (f *dateFormat) parse(value string) (string, bool) {
	value = strings.TrimSpace(value)
	if f.order == "dMy" && value != "" && (value[0] < '0' || value[0] > '9') {
		f = &monthFirst
	}
	var year, month, day int
	rest := value
	for i := range len(f.order) {
		if i > 0 {
			if f.order[i-1:] == "dy" {
				rest = strings.TrimPrefix(rest, ",")
			}
			if rest == "" || !f.separates(rest[0]) {
				return "", false
			}
			rest = rest[1:]
		}
		ok := false
		switch f.order[i] {
		case 'y':
			year, rest, ok = number(rest, 4, 4)
		case 'm':
			month, rest, ok = number(rest, f.shortest(), 2)
		case 'd':
			day, rest, ok = number(rest, f.shortest(), 2)
		case 'M':
			month, rest, ok = monthName(rest)
		}
		if !ok {
			return "", false
		}
	}
	if rest != "" && !afterDate.MatchString(rest) || year < 1 {
		return "", false
	}
	date := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	if date.Month() != time.Month(month) || date.Day() != day {
		return "", false
	}
	if alone := len(rest) == 0 && f.name == ISO; alone {
		return value, true // without an allocation
	}
	return date.Format(time.DateOnly), true
}

// separates accepts a hyphen between the parts of a date with a month's name, too: 5-Mar-2027.
func (f *dateFormat) separates(c byte) bool {
	return c == f.separator || f.separator == ' ' && c == '-'
}

// shortest is how many digits a month or day has at least: programs leave a leading zero out, but not
// in ISO dates.
func (f *dateFormat) shortest() int {
	if f.name == ISO {
		return 2
	}
	return 1
}

// number reads between least and most digits from the front of s.
func number(s string, least, most int) (n int, rest string, ok bool) {
	end := 0
	for end < len(s) && end < most && '0' <= s[end] && s[end] <= '9' {
		end++
	}
	if end < least {
		return 0, s, false
	}
	n, err := strconv.Atoi(s[:end])
	return n, s[end:], err == nil
}

// monthName reads an English month, whole or its first three letters, from the front of s.
func monthName(s string) (month int, rest string, ok bool) {
	end := 0
	for end < len(s) && (s[end]|0x20) >= 'a' && (s[end]|0x20) <= 'z' {
		end++
	}
	for m := time.January; m <= time.December; m++ {
		if name := m.String(); strings.EqualFold(s[:end], name) || strings.EqualFold(s[:end], name[:3]) {
			return int(m), s[end:], true
		}
	}
	return 0, s, false
}

// DetectDates returns the formats that the dates of a file may have: those that read the most cells. ISO is
// one only where it is the only one, since every format reads its dates. Cells that are no dates do not count.
func DetectDates(cells []string) (names []string) {
	var hits [len(dateFormats)]int
	var dayFirst, monthFirst bool // cells that only that order reads
	for _, cell := range cells {
		var reads [len(dateFormats)]bool
		for f := range dateFormats {
			if _, ok := dateFormats[f].parse(cell); ok {
				hits[f]++
				reads[f] = true
			}
		}
		monthFirst = monthFirst || reads[1] && !reads[2]
		dayFirst = dayFirst || reads[2] && !reads[1]
	}
	if monthFirst && dayFirst { // neither order is that of the file
		hits[1] = max(hits[1], hits[2])
		hits[2] = hits[1]
	}
	most := slices.Max(hits[1:])
	if most == 0 && hits[0] > 0 {
		return []string{ISO}
	}
	for f := 1; f < len(dateFormats) && most > 0; f++ {
		if hits[f] == most {
			names = append(names, dateFormats[f].name)
		}
	}
	return names
}

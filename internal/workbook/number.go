package workbook

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// appendNumber appends a number as text: a date, a time or a plain number, as its format says.
func appendNumber(dst, value []byte, f numberFormat, date1904 bool) []byte {
	whole := isInteger(value)
	if f == (numberFormat{}) && whole {
		return append(dst, value...)
	}
	number, err := strconv.ParseFloat(string(value), 64)
	if err != nil || math.IsInf(number, 0) || math.IsNaN(number) {
		return append(dst, value...) // no number: the rules of the column say so
	}
	if f.date || f.time {
		if text, ok := formatSerial(number, f, date1904); ok {
			return append(dst, text...)
		}
	}
	text := string(value)
	if !whole {
		text = formatNumber(number)
	}
	if f.digits != "" && isInteger([]byte(text)) && text[0] != '-' {
		text = fill(f.digits, text)
	}
	return append(dst, text...)
}

// isInteger reports whether a number is written as it is shown: as digits alone. All of them count, also where
// spreadsheet programs would compute with 15: two keys that differ in the last one are two.
func isInteger(value []byte) bool {
	digits := value
	if len(digits) > 1 && digits[0] == '-' {
		digits = digits[1:]
	}
	if len(digits) == 0 || digits[0] == '0' && len(value) > 1 {
		return false
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// formatNumber writes a number as spreadsheet programs show it: with the 15 digits that they compute
// with, without an exponent, and without a decimal point where it is whole. Beyond 10^21 there is an
// exponent, as in a CSV of these programs.
func formatNumber(number float64) string {
	short := strconv.FormatFloat(number, 'g', 15, 64)
	rounded, err := strconv.ParseFloat(short, 64)
	if err != nil {
		return short
	}
	if abs := math.Abs(rounded); abs >= 1e21 || abs != 0 && abs < 1e-9 {
		return strings.Replace(strconv.FormatFloat(rounded, 'E', -1, 64), "E+0", "E+", 1)
	}
	text := strconv.FormatFloat(rounded, 'f', -1, 64)
	if text == "-0" {
		return "0"
	}
	return text
}

const (
	secondsPerDay = 24 * 60 * 60
	maxSerial     = 2958466 // the day after 9999-12-31 in the 1900 system
	offset1904    = 1462    // days between the two systems' beginnings
)

// formatSerial writes the date of a day number. ok is false for a number that is no date.
func formatSerial(serial float64, f numberFormat, date1904 bool) (text string, ok bool) {
	if serial < 0 || serial >= maxSerial || date1904 && serial >= maxSerial-offset1904 {
		return "", false
	}
	seconds := int64(math.Round(serial * secondsPerDay))
	day, seconds := seconds/secondsPerDay, seconds%secondsPerDay
	clock := fmt.Sprintf("%02d:%02d:%02d", seconds/3600, seconds/60%60, seconds%60)
	if !f.date {
		if day > 0 { // an elapsed time such as [h]:mm
			clock = fmt.Sprintf("%02d%s", day*24+seconds/3600, clock[2:])
		}
		return clock, true
	}
	text = formatDay(day, date1904)
	if f.time && seconds > 0 {
		text += " " + clock
	}
	return text, true
}

// formatDay writes a day as YYYY-MM-DD. The 1900 system begins with day 1 = 1900-01-01 and has a
// 1900-02-29, which never was: a mistake of Lotus 1-2-3 that Excel repeats. Day 0 is 1900-01-00.
func formatDay(day int64, date1904 bool) string {
	start := time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
	if !date1904 {
		switch {
		case day == 0:
			return "1900-01-00"
		case day == 60:
			return "1900-02-29"
		case day < 60:
			start = time.Date(1899, 12, 31, 0, 0, 0, 0, time.UTC)
		default:
			start = time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
		}
	}
	return start.AddDate(0, 0, int(day)).Format(time.DateOnly)
}

// The day numbers that SerialDate takes for dates, from 1954 to 2199 in the 1900 system.
const (
	firstSerial = 20_000
	lastSerial  = 109_574
)

// SerialDate reads a day number without a date format, which is what is left of a date that was pasted as
// a value. It is for columns that hold dates. ok is false for other texts, and for numbers so small or
// large that they probably mean something else, such as a year.
func (r *Reader) SerialDate(value string) (date string, ok bool) {
	value = strings.TrimSpace(value)
	if len(value) < 5 || len(value) > 6 {
		return "", false
	}
	day, err := strconv.ParseUint(value, 10, 32)
	if err != nil || day < firstSerial || day > lastSerial {
		return "", false
	}
	return formatDay(int64(day), r.book.date1904), true
}

// appendISODate appends a cell of type d: a date as ISO 8601 writes it, 2027-01-31T00:00:00Z. Midnight is
// the date alone.
func appendISODate(dst, value []byte) []byte {
	text := strings.TrimSuffix(string(value), "Z")
	day, clock, found := strings.Cut(text, "T")
	clock, _, _ = strings.Cut(clock, ".")
	if found && strings.Trim(clock, "0:") != "" {
		day += " " + clock
	}
	return append(dst, day...)
}

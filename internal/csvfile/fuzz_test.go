package csvfile

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// Where encoding/csv and this package mean the same, they must read the same, at the same lines.
func FuzzReaderAgainstEncodingCSV(f *testing.F) {
	for _, seed := range []string{"a,b\n1,2\n", "a,b\r\n\"1\n1\",\"2\"\"\"\r\n\r\n3,4", "a\n\n\n1\n\"\"\n", "a,b\n , \n\"\r\n\",x\n",
		string(benchTable(3, "")), string(benchTable(3, `"`))} {
		f.Add(seed, byte(','))
		f.Add(strings.ReplaceAll(seed, ",", ";"), byte(';'))
	}
	f.Fuzz(func(t *testing.T, data string, delim byte) {
		want, ok := readWithEncodingCSV(data, delim)
		if !ok {
			return
		}
		if got := inEveryWay(t, data, Options{Delimiter: delim}); got != want {
			t.Errorf("got\n%q\nwant\n%q", got, want)
		}
	})
}

// loneCR is a CR that this package keeps, or takes for a line end, where encoding/csv does otherwise. A CRCR ending in LF is one too.
var loneCR = regexp.MustCompile(`\r(?:[^\n]|$)`)

// readWithEncodingCSV gives what dump would. Not ok: the data is malformed, or of a kind that the two read differently on purpose.
func readWithEncodingCSV(data string, delim byte) (string, bool) {
	if bytes.IndexByte(delimiters, delim) < 0 || loneCR.MatchString(data) || !utf8.ValidString(data) {
		return "", false
	}
	r := csv.NewReader(strings.NewReader(data))
	r.Comma = rune(delim)
	header, err := r.Read()
	if err != nil || special(data, header) {
		return "", false
	}
	line, _ := r.FieldPos(0)
	var b strings.Builder
	fmt.Fprintf(&b, "%s@%d %s\n", DelimiterName(delim), line, strings.Join(header, "|"))
	number := 0
	for {
		row, err := r.Read()
		if row == nil {
			return b.String(), err.Error() == "EOF"
		}
		if err != nil {
			return "", false
		}
		if strings.TrimSpace(strings.Join(row, "")) == "" {
			continue
		}
		number++
		line, _ := r.FieldPos(0)
		fmt.Fprintf(&b, "%d@%d %s\n", number, line, strings.Join(row, "|"))
	}
}

// special says whether a file begins with something that means more to this package than to encoding/csv.
func special(data string, header []string) bool {
	start := strings.TrimLeft(data, "\uFEFF \t\r\n\v\f\u0085\u00A0,;|\"")
	if strings.HasPrefix(data, "\uFEFF") || strings.HasPrefix(start, "#TYPE") || len(start) >= 4 && strings.EqualFold(start[:4], "sep=") {
		return true
	}
	for _, f := range foreign {
		if strings.HasPrefix(data, f.magic) {
			return true
		}
	}
	if foreignText([]byte(start)) != nil {
		return true
	}
	blank := func(name string) bool {
		return strings.Trim(name, "\uFEFF \t\r\n\v\f\u0085\u00A0,;|\"") == "" || strings.TrimSpace(name) == ""
	}
	// A CRLF in quotes is kept here, and made a LF there.
	return slices.ContainsFunc(header, blank) || strings.Contains(strings.Join(header, ""), "\x00") ||
		len(header) > DefaultMaxColumns || quotedCRLF(data)
}

func quotedCRLF(data string) bool {
	quoted := false
	for i := range len(data) {
		switch {
		case data[i] == '"':
			quoted = !quoted
		case data[i] == '\r' && quoted:
			return true
		}
	}
	return false
}

// Whatever the bytes: no panic, an end, lines that grow, numbers without a gap, and the same rows however the bytes arrive.
func FuzzReaderNeverLoses(f *testing.F) {
	for _, seed := range []string{"", "a,b\n1,2\n", "a,b\n1,\"2\n3,4\n", "a\r1\r\n\"\r\"x\r", "sep=;\na;b\n1;2\n", "\xff\xfea\x00,\x00b\x00\n\x00\x00\xd8",
		"a,b\n" + strings.Repeat("x", 40) + "\n\"" + strings.Repeat("y\n", 40), "\uFEFFa,\n\"1\"\"\",\xff\n"} {
		f.Add([]byte(seed), uint8(20), false)
		f.Add([]byte(seed), uint8(0), true)
	}
	f.Fuzz(func(t *testing.T, data []byte, maxRow uint8, windows bool) {
		o := Options{MaxRow: int(maxRow)}
		if windows {
			o.Encoding = Windows1252
		}
		got := inEveryWay(t, string(data), o)
		if rows, ok := countPlainRows(data, o); ok && strings.Count(got, "\n") != rows {
			t.Errorf("%d lines that are not blank, and\n%s", rows, got)
		}
	})
}

// countPlainRows counts, of a file without quotes and other special things, the lines that are a header or row.
func countPlainRows(data []byte, o Options) (int, bool) {
	plain := func(c byte) bool { return c == '\n' || c >= ' ' && c < 0x7f && c != '"' && c != '|' }
	for _, c := range data {
		if !plain(c) {
			return 0, false
		}
	}
	if special(string(data), []string{"x"}) {
		return 0, false
	}
	r := NewReader(bytes.NewReader(data), o)
	h, err := r.Header()
	if err != nil {
		return 0, false
	}
	rows := 1
	for i, line := range strings.Split(string(data), "\n") {
		tooLong := o.MaxRow > 0 && len(line) > o.MaxRow
		if i >= h.Line && (tooLong || strings.Trim(line, " "+string(rune(h.Delimiter))) != "") {
			rows++
		}
	}
	return rows, true
}

func FuzzGuard(f *testing.F) {
	for _, seed := range []string{"", "=1", "'=1", "''", "+", "\t", "a", "'a", "\xff'=", "a;=1", "\n'=1", "' '＝1\t\n+", "a, '|\r\u3000－"} {
		f.Add(seed)
	}
	dangerous := regexp.MustCompile(`^(\t|\r|[\s\p{Z}\x{85}]*[=+\-@＝＋－＠])`)
	inside := regexp.MustCompile(`[^'][,;|\t\r\n][\p{Zs}\x{85}\v\f]*[=+\-@＝＋－＠]`) // after a tab or CR in front the rule of the front holds
	rule := regexp.MustCompile(`^'*[=+\-@\t\r]`)
	f.Fuzz(func(t *testing.T, cell string) {
		guarded := Guard(cell)
		if Unguard(guarded) != cell {
			t.Errorf("%q: guarded %q, unguarded %q", cell, guarded, Unguard(guarded))
		}
		if dangerous.MatchString(guarded) || inside.MatchString(guarded) || rule.MatchString(cell) && !strings.HasPrefix(guarded, "'") {
			t.Errorf("%q: guarded %q", cell, guarded)
		}
		if again := Guard(guarded); Unguard(again) != guarded { // the second round
			t.Errorf("%q: guarded again %q, unguarded %q", guarded, again, Unguard(again))
		}
	})
}

func FuzzRecordRoundTrip(f *testing.F) {
	f.Add("a", "b", "c", byte(0))
	f.Add(" a\"", "\r\n,;", "\t|", byte(1))
	f.Add("", "'=1", "日本\uFEFF\n", byte(2))
	f.Add("\r", "sep=;", "\"\"", byte(3))
	f.Fuzz(func(t *testing.T, a, b, c string, choice byte) {
		delim := delimiters[int(choice)%len(delimiters)]
		fields := []string{a, b, c}
		all := strings.Join(fields, " ")
		if !utf8.ValidString(all) || strings.TrimSpace(all) == "" {
			return
		}
		data := AppendRecord(nil, delim, "x", "y", "z")
		data = AppendRecord(data, delim, fields...)
		r := NewReader(bytes.NewReader(data), Options{})
		row, err := r.Read()
		if err != nil || row.Err != nil || len(row.Fields) != 3 {
			t.Fatalf("%q: row %+v, %v", data, row, err)
		}
		for i, want := range fields {
			if string(row.Fields[i]) != want {
				t.Errorf("%q: field %d is %q, want %q", data, i, row.Fields[i], want)
			}
		}
	})
}

// A file of rejected rows comes back with the values that were sent, guarded or not, any number of times.
func FuzzRejectedRowsComeBackUnaltered(f *testing.F) {
	for _, seed := range []string{"=1", "'=1", "a;=1", "a\n'-1", "\t", " '＝", "it's, -1", "\r\n@\"x\"", "''\t'+"} {
		f.Add(seed, "", seed, byte(0), true)
		f.Add("x", seed, "K,\"a\";"+seed, byte(1), false)
	}
	f.Fuzz(func(t *testing.T, a, b, raw string, choice byte, guarded bool) {
		values := []string{a, b, raw}
		if !utf8.ValidString(strings.Join(values, " ")) {
			return
		}
		name, guard, unguard := RawColumn, strings.Clone, strings.Clone
		if guarded {
			name, guard, unguard = GuardedRawColumn, Guard, Unguard
		}
		delim := delimiters[int(choice)%len(delimiters)]
		for round := range 3 {
			file := AppendRecord([]byte("\uFEFF"), delim, "license__license_key", "license__note", "error__row", name)
			file = AppendRecord(file, delim, guard(values[0]), guard(values[1]), "17", guard(values[2]))
			r := NewReader(bytes.NewReader(file), Options{Known: func(name string) bool { return slices.Contains(knownNames, name) }})
			h, err := r.Header()
			if err != nil || slices.ContainsFunc(h.Fields, IsGuardedColumn) != guarded || !slices.ContainsFunc(h.Fields, IsRawColumn) {
				t.Fatalf("%q: header %q, %v", file, h.Fields, err)
			}
			row, err := r.Read()
			if err != nil || row.Err != nil || len(row.Fields) != 4 {
				t.Fatalf("%q: row %+v, %v", file, row, err)
			}
			got := []string{unguard(string(row.Fields[0])), unguard(string(row.Fields[1])), unguard(string(row.Fields[3]))}
			if !slices.Equal(got, []string{a, b, raw}) {
				t.Fatalf("round %d: %q became %q", round+1, []string{a, b, raw}, got)
			}
			values = got
		}
	})
}

func FuzzMatchHeader(f *testing.F) {
	f.Add("license__license_key,product__short_code,email", false)
	f.Add("License Key;product__short_code, error__x ,\xff,,", true)
	f.Fuzz(func(t *testing.T, line string, ignoreUnknown bool) {
		fields := strings.Split(line, ",")
		columns, problems := MatchHeader(fields, knownNames, requiredNames, ignoreUnknown)
		if len(columns) != len(fields) {
			t.Fatalf("%d columns of %d fields", len(columns), len(fields))
		}
		seen := make(map[int]bool)
		for i, c := range columns {
			if c < 0 {
				continue
			}
			if seen[c] || !strings.EqualFold(TrimName(fields[i]), knownNames[c]) {
				t.Errorf("field %d, %q, is column %d", i, fields[i], c)
			}
			seen[c] = true
		}
		checkProblems(t, problems, ignoreUnknown)
		// With nothing missing, every field is a column, is ignored for good reason, or has its problem.
		named := 0
		for _, p := range problems {
			if p.Position >= 0 {
				named++
			}
		}
		ignored := 0
		for _, field := range fields {
			name := NormalName(field)
			if name == "" || IsErrorColumn(field) || ignoreUnknown && !slices.Contains(knownNames, name) {
				ignored++
			}
		}
		if len(seen)+named+ignored != len(fields) {
			t.Errorf("%d fields: %d columns, %d problems, %d ignored", len(fields), len(seen), named, ignored)
		}
	})
}

func checkProblems(t *testing.T, problems []HeaderProblem, ignoreUnknown bool) {
	t.Helper()
	for _, p := range problems {
		if p.Message == "" || ignoreUnknown && p.Kind == UnknownColumn {
			t.Errorf("problem %+v", p)
		}
		if p.Kind == UnknownColumn && p.Suggestion != "" && !slices.Contains(knownNames, p.Suggestion) {
			t.Errorf("suggests %q", p.Suggestion)
		}
	}
}

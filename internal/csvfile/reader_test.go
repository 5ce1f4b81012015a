package csvfile

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"
)

// dump reads everything and tells it in short: a line for the header, then "number@line field|field" for each row, with the damage in front of the
// fields. It also holds what is true of every file.
func dump(t testing.TB, r *Reader) string {
	t.Helper()
	h, err := r.Header()
	if err != nil {
		return "header: " + err.Error()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s@%d %s\n", DelimiterName(h.Delimiter), h.Line, strings.Join(h.Fields, "|"))
	line, number := uint64(h.Line), uint64(0)
	for {
		row, err := r.Read()
		if err != nil {
			if _, again := r.Read(); again != err {
				t.Errorf("error %v, then %v", err, again)
			}
			if err != io.EOF {
				fmt.Fprintf(&b, "error: %v\n", err)
			}
			return b.String()
		}
		if row.Line <= line || row.Number != number+1 {
			t.Errorf("row %d line %d comes after row %d line %d", row.Number, row.Line, number, line)
		}
		line, number = row.Line, row.Number
		dumpRow(t, &b, h, row)
	}
}

func dumpRow(t testing.TB, b *strings.Builder, h Header, row Row) {
	t.Helper()
	fmt.Fprintf(b, "%d@%d ", row.Number, row.Line)
	if d := row.Err; d != nil {
		fmt.Fprintf(b, "%s/%d", d.Code, d.Column)
		for _, i := range d.More {
			fmt.Fprintf(b, "+%d", i)
		}
		fmt.Fprintf(b, "(%s) ", d.Raw)
		if !utf8.ValidString(d.Raw) || utf8.RuneCountInString(d.Raw) > MaxRawRunes || d.Message == "" {
			t.Errorf("row %d has a bad damage: %+v", row.Number, d)
		}
	} else if len(row.Fields) != len(h.Fields) {
		t.Errorf("row %d is sound with %d fields", row.Number, len(row.Fields))
	}
	for i, f := range row.Fields {
		if !utf8.Valid(f) {
			t.Errorf("row %d hands out %q", row.Number, f)
		}
		if i > 0 {
			b.WriteByte('|')
		}
		b.Write(f)
	}
	b.WriteByte('\n')
}

// inEveryWay reads data whole, byte by byte and with a buffer that is always too small, and wants the same each time.
func inEveryWay(t testing.TB, data string, o Options) string {
	t.Helper()
	whole := dump(t, NewReader(strings.NewReader(data), o))
	ways := map[string]*Reader{
		"one byte at a time":  NewReader(iotest.OneByteReader(strings.NewReader(data)), o),
		"error with the data": NewReader(iotest.DataErrReader(strings.NewReader(data)), o),
		"in a small buffer":   newReader(strings.NewReader(data), o, 7),
	}
	for name, r := range ways {
		if got := dump(t, r); got != whole {
			t.Errorf("read %s:\n%swhole:\n%s", name, got, whole)
		}
	}
	return whole
}

func TestRows(t *testing.T) {
	tests := map[string]struct {
		data string
		want string // after the header's line
	}{
		"LF":                         {"a,b\n1,2\n3,4\n", "1@2 1|2\n2@3 3|4\n"},
		"no line end at the end":     {"a,b\n1,2\n3,4", "1@2 1|2\n2@3 3|4\n"},
		"CRLF":                       {"a,b\r\n1,2\r\n3,4\r\n", "1@2 1|2\n2@3 3|4\n"},
		"CRLF quoted":                {"\"a\",\"b\"\r\n\"1\",\"2\"\r\n", "1@2 1|2\n"},
		"mixed line ends":            {"a,b\r\n1,2\n3,4\r\n5,6", "1@2 1|2\n2@3 3|4\n3@4 5|6\n"},
		"CR at the end of the file":  {"a,b\n1,2\r", "1@2 1|2\n"},
		"quoted CR at the end":       {"a,b\n1,\"2\"\r", "1@2 1|2\n"},
		"lone CR is kept":            {"a,b\n1,2\r3\n", "1@2 1|2\r3\n"},
		"lone CR beside quotes":      {"a,b\n\"1\",2\r3\n", "1@2 1|2\r3\n"},
		"lone CR ends lines":         {"a,b\r1,2\r\r3,4\r", "1@2 1|2\n2@4 3|4\n"},
		"lone CR, in quotes":         {"a,b\r1,\"2\r2\"\r3,4\r\n5,6", "1@2 1|2\r2\n2@4 3|4\n3@5 5|6\n"},
		"header only":                {"a,b\n", ""},
		"quotes":                     {"a,b\n\"1\",\"\"\"2\"\", or \"\"\"\n", "1@2 1|\"2\", or \"\n"},
		"delimiter in quotes":        {"a,b\n\"1,1\",2\n", "1@2 1,1|2\n"},
		"line breaks in quotes":      {"a,b\n1,\"x\ny\r\nz\"\n3,4\n", "1@2 1|x\ny\r\nz\n2@5 3|4\n"},
		"empty quoted":               {"a,b\n\"\",2\n", "1@2 |2\n"},
		"last field empty":           {"a,b\n1,\n", "1@2 1|\n"},
		"white space is kept":        {"a,b\n 1 ,\t2\n", "1@2  1 |\t2\n"},
		"control characters":         {"a,b\n1,\x00\x07\n", "1@2 1|\x00\x07\n"},
		"blank lines":                {"a,b\n\n1,2\n  \n\r\n,\n\" \",\"\"\n\u00a0,\n3,4\n\n", "1@3 1|2\n2@9 3|4\n"},
		"blank row of any length":    {"a,b\n,,,,\n1,2\n", "1@3 1|2\n"},
		"too few fields":             {"a,b\n1\n3,4\n", "1@2 field_count/-1(1) 1\n2@3 3|4\n"},
		"too many fields":            {"a,b\n1,2,3\n3,4\n", "1@2 field_count/-1(1,2,3) 1|2|3\n2@3 3|4\n"},
		"too many, empty":            {"a,b\n1,2,\n3,4\n", "1@2 field_count/-1(1,2,) 1|2|\n2@3 3|4\n"},
		"too many, quoted":           {"a,b\n1,\"2\",\"\"\"\"\n3,4\n", "1@2 field_count/-1(1,\"2\",\"\"\"\") 1|2|\"\n2@3 3|4\n"},
		"unnamed column, empty":      {"a,b,\n1,2,\n", "1@2 1|2|\n"},
		"unnamed column, white":      {"a,b,\n1,2, \n", "1@2 1|2| \n"},
		"unnamed column, value":      {"a,b, \n1,2,x\n3,4,\n", "1@2 field_count/2(1,2,x) 1|2|x\n2@3 3|4|\n"},
		"stray quote":                {"a,b\n1,2\"x\n3,4\n", "1@2 malformed_row/1(1,2\"x) 1\n2@3 3|4\n"},
		"quote after a blank":        {"a,b\n1, \"2\"\n3,4\n", "1@2 malformed_row/1(1, \"2\") 1\n2@3 3|4\n"},
		"text after a quote":         {"a,b\n\"1\"x,2\n3,4\n", "1@2 malformed_row/0(\"1\"x,2) \n2@3 3|4\n"},
		"blank after a quote":        {"a,b\n\"1\" ,2\n3,4\n", "1@2 malformed_row/0(\"1\" ,2) \n2@3 3|4\n"},
		"CR after a quote":           {"a,b\n1,\"2\"\rx\n3,4\n", "1@2 malformed_row/1(1,\"2\"\rx) 1\n2@3 3|4\n"},
		"open quote":                 {"a,b\n1,\"2\n3,4\n5,6", "1@2 malformed_row/1(1,\"2) 1\n2@3 3|4\n3@4 5|6\n"},
		"open quote at the end":      {"a,b\n1,2\n3,\"", "1@2 1|2\n2@3 malformed_row/1(3,\") 3\n"},
		"open quote closed later":    {"a,b\n1,\"2\n3,\"4\"\n5,6\n", "1@2 malformed_row/1(1,\"2) 1\n2@3 3|4\n3@4 5|6\n"},
		"damage in a later line":     {"a,b\n\"1\n\",\"2\n2\"x\n3,4\n", "1@2 malformed_row/1(\"1) 1\n\n2@3 malformed_row/0(\",\"2) \n3@4 malformed_row/0(2\"x) \n4@5 3|4\n"},
		"open quote, CRLF":           {"a,b\r\n1,\"2\r\n3,4\r\n", "1@2 malformed_row/1(1,\"2) 1\n2@3 3|4\n"},
		"open quote, blank lines":    {"a,b\n1,\"2\n\n\n3,4\n", "1@2 malformed_row/1(1,\"2) 1\n2@5 3|4\n"},
		"open quote, lone CR":        {"a,b\r1,\"2\r3,4\r", "1@2 malformed_row/1(1,\"2) 1\n2@3 3|4\n"},
		"invalid UTF-8":              {"a,b\n1,M\xfcller\n3,4\n", "1@2 invalid_encoding/1(1,M\uFFFDller) 1|M\uFFFDller\n2@3 3|4\n"},
		"invalid UTF-8 twice":        {"a,b,c\n\xfc,2,\xe9\n", "1@2 invalid_encoding/0+2(\uFFFD,2,\uFFFD) \uFFFD|2|\uFFFD\n"},
		"invalid UTF-8 in quotes":    {"a,b\n\"\"\"\xfc\",2\n", "1@2 invalid_encoding/0(\"\"\"\uFFFD\",2) \"\uFFFD|2\n"},
		"invalid UTF-8, too few":     {"a,b\n\xfc\n3,4\n", "1@2 field_count/-1(\uFFFD) \uFFFD\n2@3 3|4\n"},
		"invalid UTF-8, stray quote": {"a,b\n\xfc,x\"\n", "1@2 malformed_row/1(\uFFFD,x\") \uFFFD\n"},
		"U+FFFD itself is valid":     {"a,b\n\uFFFD,2\n", "1@2 \uFFFD|2\n"},
		"every script":               {"a,b\nÄÖÜß,日本語\nعربى,🎉\n", "1@2 ÄÖÜß|日本語\n2@3 عربى|🎉\n"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, got, _ := strings.Cut(inEveryWay(t, test.data, Options{}), "\n")
			if got != test.want {
				t.Errorf("got\n%q\nwant\n%q", got, test.want)
			}
		})
	}
}

func TestMaxRow(t *testing.T) {
	long := strings.Repeat("x", 17)
	fits := strings.Repeat("x", 14)
	tests := map[string]struct{ data, want string }{
		"fits":                      {"a,b\n1," + fits + "\r\n3,4\n", "1@2 1|" + fits + "\n2@3 3|4\n"},
		"one byte too long":         {"a,b\n1,x" + fits + "\n3,4\n", "1@2 row_too_large/-1(1,x" + fits + ") 1|x" + fits + "\n2@3 3|4\n"},
		"one byte too long, CRLF":   {"a,b\n1,x" + fits + "\r\n3,4\n", "1@2 row_too_large/-1(1,x" + fits + "\r) 1\n2@3 3|4\n"},
		"too long":                  {"a,b\n1," + long + "\n3,4\n", "1@2 row_too_large/-1(1,xxxxxxxxxxxxxxxx) 1\n2@3 3|4\n"},
		"very long":                 {"a,b\n1,2," + strings.Repeat(long, 9) + "\n3,4\n", "1@2 row_too_large/-1(1,2,xxxxxxxxxxxxxx) 1|2\n2@3 3|4\n"},
		"very long to the end":      {"a,b\n1," + strings.Repeat(long, 9), "1@2 row_too_large/-1(1,xxxxxxxxxxxxxxxx) 1\n"},
		"quotes, too long":          {"a,b\n\"1\n\",2" + long + "\n3,4\n", "1@2 row_too_large/-1(\"1\n\",2xxxxxxxxxxxx) 1\n\n2@4 3|4\n"},
		"quotes, one byte too long": {"a,b\n\"1\",x" + fits[2:] + "\n3,4\n", "1@2 row_too_large/-1(\"1\",x" + fits[2:] + ") 1|x" + fits[2:] + "\n2@3 3|4\n"},
		"open quote":                {"a,b\n1,\"2\n3,4\n5,6\n7,8\n9,0\n", "1@2 malformed_row/1(1,\"2) 1\n2@3 3|4\n3@4 5|6\n4@5 7|8\n5@6 9|0\n"},
		"open quote in a long line": {"a,b\n1,\"" + long + "\n3,4\n", "1@2 malformed_row/1(1,\"xxxxxxxxxxxxxxx) 1\n2@3 3|4\n"},
		"closed too late":           {"a,b\n1,\"" + long + "\",\n3,4\n", "1@2 malformed_row/1(1,\"xxxxxxxxxxxxxxx) 1\n2@3 3|4\n"},
		"lone CR, CR at the limit":  {"a,b\r1," + fits + "xx\r\n3,4\r", "1@2 row_too_large/-1(1," + fits + "xx) 1\n2@3 3|4\n"},
		"lone CR, too long":         {"a,b\r1," + long + "\r3,4\r", "1@2 row_too_large/-1(1,xxxxxxxxxxxxxxxx) 1\n2@3 3|4\n"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, got, _ := strings.Cut(inEveryWay(t, test.data, Options{MaxRow: 16}), "\n")
			if got != test.want {
				t.Errorf("got\n%q\nwant\n%q", got, test.want)
			}
		})
	}
}

func TestMessagesSayWhatToDo(t *testing.T) {
	tests := map[string]struct {
		row  string
		want []string
	}{
		"too few":           {"1", []string{"1 field,", "3 columns"}},
		"too many":          {"1,2,3,4", []string{"4 fields", "delimiter (comma)", "in quotes"}},
		"stray quote":       {"1,x\"y,3", []string{"column 2 (b)", `"a ""b"" c"`}},
		"quote after space": {"1, \"x,y\",3", []string{"column 2 (b)", "has a space before its opening quote", "take out the spaces"}},
		"after quote":       {"1,\"x\"y,3", []string{"column 2 (b)", "after its closing quote"}},
		"open quote":        {"1,\"x,3", []string{"column 2 (b)", "end of the file"}},
		"far open":          {"1,\"x" + strings.Repeat("x\n", 40), []string{"column 2 (b)", "64 bytes"}},
		"on another line":   {"1,\"x\n2,\"y\n", []string{"run on to line 3", "column 2 (b)", "missing in line 2"}},
		"too long":          {strings.Repeat("x", 65), []string{"64 bytes", "shorten"}},
		"encoding":          {"1,\xfc,", []string{"column 2 (b)", "encoding=windows-1252"}},
		"unnamed":           {"1,2,x", []string{"column 3 has no name", `"x"`}},
		"unnamed long":      {"1,2," + strings.Repeat("ü", 25), []string{"column 3 has no name"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := NewReader(strings.NewReader("a,b,\n"+test.row), Options{MaxRow: 64})
			row, err := r.Read()
			if err != nil || row.Err == nil {
				t.Fatalf("row %+v, error %v", row, err)
			}
			for _, want := range test.want {
				if !strings.Contains(row.Err.Message, want) {
					t.Errorf("%q does not say %q", row.Err.Message, want)
				}
			}
		})
	}
}

func TestRawHoldsFirstCharacters(t *testing.T) {
	row := strings.Repeat("ü", MaxRawRunes-1) + "\xff" + strings.Repeat("x", 100)
	r := NewReader(strings.NewReader("a,b\n"+row), Options{})
	got, err := r.Read()
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.Repeat("ü", MaxRawRunes-1) + "\uFFFD"; got.Err.Raw != want {
		t.Errorf("got %d characters", utf8.RuneCountInString(got.Err.Raw))
	}
}

// A failure is never taken for the end of the file, and the row that it cuts off is never handed out.
func TestFailureOfTheSource(t *testing.T) {
	parts := []string{"license,b\n", "1,2\n", "3,\"x\ny\"\n", "5,6\n", "7,\"8"}
	whole := []string{"comma@1 license|b", "1@2 1|2", "2@3 3|x\ny", "3@5 5|6"}
	data := strings.Join(parts, "")
	for _, failure := range []error{errors.New("connection reset"), io.ErrUnexpectedEOF} {
		for n := range len(data) + 1 {
			complete := 0
			for length := 0; complete < len(whole) && length+len(parts[complete]) <= n; complete++ {
				length += len(parts[complete])
			}
			want := "header: " + failure.Error()
			if complete > 0 {
				want = strings.Join(whole[:complete], "\n") + "\nerror: " + failure.Error() + "\n"
			}
			src := io.MultiReader(strings.NewReader(data[:n]), iotest.ErrReader(failure))
			if got := dump(t, NewReader(src, Options{})); got != want {
				t.Errorf("cut at %d: got %q, want %q", n, got, want)
			}
			src = io.MultiReader(strings.NewReader(data[:n]), iotest.ErrReader(failure))
			if got := dump(t, NewReader(iotest.OneByteReader(src), Options{})); got != want {
				t.Errorf("cut at %d, byte by byte: got %q, want %q", n, got, want)
			}
		}
	}
}

// Of a row with more fields than a header may have, only the first are kept, but none is overlooked.
func TestRowsBeyondMaxColumns(t *testing.T) {
	tests := map[string]struct{ data, want string }{
		"plain":         {"a,b\n1,2,3,4\n", "1@2 field_count/-1(1,2,3,4) 1|2|3\n"},
		"quoted":        {"a,b\n1,2,3,\"4\"\n", "1@2 field_count/-1(1,2,3,\"4\") 1|2|3\n"},
		"value at last": {"a,b\n,,,,x\n\"\",,,,x\n", "1@2 field_count/-1(,,,,x) ||\n2@3 field_count/-1(\"\",,,,x) ||\n"},
		"blank":         {"a,b\n,,,,\n\"\",,,\" \",\u00a0\n,,,,\u00a0\n1,2\n", "1@5 1|2\n"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, got, _ := strings.Cut(inEveryWay(t, test.data, Options{MaxColumns: 3}), "\n")
			if got != test.want {
				t.Errorf("got\n%q\nwant\n%q", got, test.want)
			}
		})
	}
}

// Also where the limit, a CR or a quote leaves open how the row ends, a failure is a failure.
func TestFailureAtAwkwardPlaces(t *testing.T) {
	broken := errors.New("connection reset")
	for data, want := range map[string]string{
		"license,b\n1," + strings.Repeat("x", 100): "row_too_large",
		"license,b\n1,\"2\"\r":                     "",
		"license,b\n1,\"2\"":                       "",
		"license,b\n\"1\",2":                       "",
		"license,b\n\"1\",":                        "",
		"license,b\r1,2\r":                         "",
		"license,b\r":                              "",
		"license":                                  "",
	} {
		got := dump(t, NewReader(io.MultiReader(strings.NewReader(data), iotest.ErrReader(broken)), Options{MaxRow: 32}))
		if !strings.HasSuffix(strings.TrimSpace(got), broken.Error()) || strings.Contains(got, "1@2") != (want != "") || !strings.Contains(got, want) {
			t.Errorf("%q: %q", data, got)
		}
	}
}

func TestSourceWithoutProgress(t *testing.T) {
	r := NewReader(io.MultiReader(strings.NewReader("license,b\n"), stuck{}), Options{})
	if _, err := r.Read(); err != io.ErrNoProgress {
		t.Errorf("got %v", err)
	}
	if _, err := NewReader(stuck{}, Options{}).Read(); err != io.ErrNoProgress {
		t.Errorf("got %v", err)
	}
}

type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }

func TestSoundRowsCostNoAllocation(t *testing.T) {
	data := strings.Repeat("1,\"2 \"\"x\"\"\",3\n4,5,\n", 2000)
	r := NewReader(strings.NewReader("a,b,c\n"+data), Options{})
	if _, err := r.Read(); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(1000, func() { r.Read() }); n > 0 {
		t.Errorf("%v allocations a row", n)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	endless := io.MultiReader(strings.NewReader("a,b\n1,\""), io.LimitReader(letters{}, 8<<20))
	r := NewReader(endless, Options{})
	row, err := r.Read()
	if err != nil || row.Err == nil || row.Err.Code != MalformedRow {
		t.Fatalf("row %+v, error %v", row, err)
	}
	if _, err := r.Read(); err != io.EOF {
		t.Errorf("got %v", err)
	}
	if len(r.in.buf) > 2*DefaultMaxRow {
		t.Errorf("the buffer has %d bytes", len(r.in.buf))
	}
}

type letters struct{}

func (letters) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

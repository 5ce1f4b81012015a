package csvfile

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf16"
)

func TestHeader(t *testing.T) {
	tests := map[string]struct {
		data string
		opts Options
		want string
	}{
		"comma":                         {"a,b\n1,2\n", Options{}, "comma@1 a|b\n1@2 1|2\n"},
		"semicolon":                     {"a;b\n1,5;2,5\n", Options{}, "semicolon@1 a|b\n1@2 1,5|2,5\n"},
		"tab":                           {"a\tb\n1\t2\n", Options{}, "tab@1 a|b\n1@2 1|2\n"},
		"pipe":                          {"a|b\n1|2\n", Options{}, "pipe@1 a|b\n1@2 1|2\n"},
		"one column":                    {"a\n1\n", Options{}, "comma@1 a\n1@2 1\n"},
		"commas in quotes do not count": {"\"a,b,c\";d\n1;2\n", Options{}, "semicolon@1 a,b,c|d\n1@2 1|2\n"},
		"known names decide":            {"a,b,c;key;x,y\n1;2;3\n", Options{Known: isKey}, "semicolon@1 a,b,c|key|x,y\n1@2 1|2|3\n"},
		"known names in any form":       {"a,b,c;\" KEY\"\n1;2\n", Options{Known: isKey}, "semicolon@1 a,b,c| KEY\n1@2 1|2\n"},
		"the option decides":            {"a;b;c,d\n1,2\n", Options{Delimiter: ','}, "comma@1 a;b;c|d\n1@2 1|2\n"},
		"fields as sent":                {"\" a \", B\n1,2\n", Options{}, "comma@1  a | B\n1@2 1|2\n"},
		"quoted line break":             {"\"a\nx\",b\n1,2\n", Options{}, "comma@1 a\nx|b\n1@3 1|2\n"},
		"blank lines first":             {"\n \r\n;;;\na;b\n1;2\n", Options{}, "semicolon@4 a|b\n1@5 1|2\n"},
		"no line end":                   {"a,b", Options{}, "comma@1 a|b\n"},
		"byte order mark":               {"\uFEFFa,b\n1,2\n", Options{}, "comma@1 a|b\n1@2 1|2\n"},
		"byte order mark and quote":     {"\uFEFF\"a\",b\n1,2\n", Options{}, "comma@1 a|b\n1@2 1|2\n"},
		"two marks and quote":           {"\uFEFF\uFEFF\"a\",b\n1,2\n", Options{}, "comma@1 a|b\n1@2 1|2\n"},
		"byte order mark wins":          {"\uFEFFä,b\n1,2\n", Options{Encoding: Windows1252}, "comma@1 ä|b\n1@2 1|2\n"},
		"sep":                           {"sep=;\na;b,c,d\n1;2\n", Options{}, "semicolon@2 a|b,c,d\n1@3 1|2\n"},
		"sep, any case, CRLF":           {"SEP=|\r\na|b\r\n1|2\r\n", Options{}, "pipe@2 a|b\n1@3 1|2\n"},
		"sep is a tab":                  {"sep=\t\na\tb\n1\t2\n", Options{}, "tab@2 a|b\n1@3 1|2\n"},
		"sep in quotes":                 {"\"sep=;\"\na;b\n1;2\n", Options{}, "semicolon@2 a|b\n1@3 1|2\n"},
		"sep, saved again":              {"sep=,,,\na,b\n1,2\n", Options{}, "comma@2 a|b\n1@3 1|2\n"},
		"sep in quotes, saved again":    {"\"sep=;\";;\na;b\n1;2\n", Options{}, "semicolon@2 a|b\n1@3 1|2\n"},
		"sep after a byte order mark":   {"\uFEFFsep=;\na;b\n1;2\n", Options{}, "semicolon@2 a|b\n1@3 1|2\n"},
		"sep, but the option wins":      {"sep=;\na;b,c\n1,2\n", Options{Delimiter: ','}, "comma@2 a;b|c\n1@3 1|2\n"},
		"sep of one column":             {"sep=;\na\n1\n", Options{}, "semicolon@2 a\n1@3 1\n"},
		"sep, lone CR":                  {"sep=;\ra;b\r1;2\r", Options{}, "semicolon@2 a|b\n1@3 1|2\n"},
		"sep is a column by then":       {"a,sep=\n1,2\n", Options{}, "comma@1 a|sep=\n1@2 1|2\n"},
		"not a ZIP yet":                 {"PK,b\n1,2\n", Options{}, "comma@1 PK|b\n1@2 1|2\n"},
		"windows-1252":                  {"\xe4,b\n1,\x80 \x93x\x94\n", Options{Encoding: Windows1252}, "comma@1 ä|b\n1@2 1|€ “x”\n"},
		"windows-1252, undefined byte": {"a,b\n1,\x81\n2,\xfc\n", Options{Encoding: Windows1252},
			"comma@1 a|b\n1@2 invalid_encoding/1(1,\uFFFD) 1|\uFFFD\n2@3 2|ü\n"},
		"not asked for windows-1252": {"a,b\n1,\xfc\n", Options{}, "comma@1 a|b\n1@2 invalid_encoding/1(1,\uFFFD) 1|\uFFFD\n"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := inEveryWay(t, test.data, test.opts); got != test.want {
				t.Errorf("got\n%q\nwant\n%q", got, test.want)
			}
		})
	}
}

func isKey(name string) bool { return name == "key" }

func TestUTF16(t *testing.T) {
	tests := map[string]struct{ data, want string }{
		"text":               {"a,b\r\n日本,🎉\r\n", "comma@1 a|b\n1@2 日本|🎉\n"},
		"U+FFFD is valid":    {"a,b\n\uFFFD,1\n", "comma@1 a|b\n1@2 \uFFFD|1\n"},
		"tabs, as Excel has": {"a\tb\r\n1\t\"x\ty\"\r\n", "tab@1 a|b\n1@2 1|x\ty\n"},
		"high surrogate":     {"a,b\n<high>,1\n2,3\n", "comma@1 a|b\n1@2 invalid_encoding/0(\uFFFD,1) \uFFFD|1\n2@3 2|3\n"},
		"low surrogate":      {"a,b\n1,x<low>\n2,3\n", "comma@1 a|b\n1@2 invalid_encoding/1(1,x\uFFFD) 1|x\uFFFD\n2@3 2|3\n"},
		"two high":           {"a,b\n1,<high><high><low>\n", "comma@1 a|b\n1@2 invalid_encoding/1(1,\uFFFD\U00010000) 1|\uFFFD\U00010000\n"},
		"high at the end":    {"a,b\n1,<high>", "comma@1 a|b\n1@2 invalid_encoding/1(1,\uFFFD) 1|\uFFFD\n"},
		"half a unit":        {"a,b\n1,2<half>", "comma@1 a|b\n1@2 invalid_encoding/1(1,2\uFFFD) 1|2\uFFFD\n"},
		"high and a half":    {"a,b\n1,<high><half>", "comma@1 a|b\n1@2 invalid_encoding/1(1,\uFFFD\uFFFD) 1|\uFFFD\n"},
	}
	for name, test := range tests {
		for _, bigEndian := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				if got := inEveryWay(t, toUTF16(test.data, bigEndian), Options{}); got != test.want {
					t.Errorf("big endian %v: got\n%q\nwant\n%q", bigEndian, got, test.want)
				}
			})
		}
	}
}

// toUTF16 encodes s with a byte order mark; <high> and <low> are surrogates, <half> is half a unit.
func toUTF16(s string, bigEndian bool) string {
	s, half := strings.CutSuffix(s, "<half>")
	s = strings.NewReplacer("<high>", "\uE000", "<low>", "\uE001").Replace("\uFEFF" + s)
	var b strings.Builder
	for _, u := range utf16.Encode([]rune(s)) {
		switch u {
		case 0xE000:
			u = 0xD800
		case 0xE001:
			u = 0xDC00
		}
		if bigEndian {
			b.Write([]byte{byte(u >> 8), byte(u)})
		} else {
			b.Write([]byte{byte(u), byte(u >> 8)})
		}
	}
	if half {
		b.WriteByte('x')
	}
	return b.String()
}

func TestHeaderErrors(t *testing.T) {
	many := strings.Repeat("a,", 200)
	tests := map[string]struct {
		data string
		code HeaderCode
		line int
		says string
	}{
		"open quote":         {"a,\"b\n1,2\n", HeaderMalformed, 1, "column 2"},
		"stray quote":        {"a,b\"c\n1,2\n", HeaderMalformed, 1, "column 2"},
		"text after a quote": {"\n\"a\"x,b\n1,2\n", HeaderMalformed, 2, "column 1"},
		"too many columns":   {many + "b\n", HeaderColumns, 1, "201 columns"},
		"too long":           {strings.Repeat("a", DefaultMaxRow+1) + "\n", HeaderTooLarge, 1, "256 KiB"},
		"no line break":      {strings.Repeat("a", 2*DefaultMaxRow), HeaderTooLarge, 1, "256 KiB"},
		"not UTF-8":          {"a,\xfc\n1,2\n", HeaderEncoding, 1, "encoding=windows-1252"},
		"UTF-16 unmarked":    {"a\x00,\x00b\x00\n\x001\x00", HeaderEncoding, 1, "UTF-16"},
		"sep of no use":      {"sep=:\na:b\n", HeaderBadDelimiter, 1, "semicolon"},
		"sep of nothing":     {"sep=\na,b\n", HeaderBadDelimiter, 1, "semicolon"},
		"sep and more":       {"sep=;x\na;b\n", HeaderBadDelimiter, 1, "semicolon"},
		"PowerShell":         {"#TYPE System.Management.Automation.PSCustomObject\r\n\"a\",\"b\"\r\n", HeaderPowerShellTag, 1, "-NoTypeInformation"},
		"PowerShell in UTF8": {"\uFEFF#TYPE Selected.X\r\n\"a\"\r\n", HeaderPowerShellTag, 1, "-NoTypeInformation"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			inEveryWay(t, test.data, Options{})
			r := NewReader(strings.NewReader(test.data), Options{})
			var e *HeaderError
			if _, err := r.Read(); !errors.As(err, &e) || e.Code != test.code || e.Line != test.line || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %#v", err)
			}
		})
	}
}

func TestHeaderWithAsManyColumnsAsAllowed(t *testing.T) {
	r := NewReader(strings.NewReader(strings.Repeat("a,", 199)+"b\n"), Options{})
	if h, err := r.Header(); err != nil || len(h.Fields) != DefaultMaxColumns {
		t.Errorf("got %d columns, %v", len(h.Fields), err)
	}
}

func TestEmptyFiles(t *testing.T) {
	for _, data := range []string{"", "\uFEFF", "\n\r\n \n", ";;;\n", "sep=;\n", toUTF16("", true)} {
		if got := inEveryWay(t, data, Options{}); got != "header: "+ErrEmpty.Error() {
			t.Errorf("%q: %s", data, got)
		}
	}
}

func TestFilesThatAreNoCSV(t *testing.T) {
	for _, data := range []string{"PK\x03\x04\x14\x00", "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1\x00", "\x1f\x8b\x08\x00", "%PDF-1.7\n",
		"7z\xBC\xAF\x27\x1C\x00\x04", "Rar!\x1A\x07\x01\x00", "\xFD7zXZ\x00\x00\x04", "BZh91AY&SY", "\x28\xB5\x2F\xFD\x04\x00",
		"\uFEFF\r\n <HTML xmlns:x=\"urn:x\">\n", "<!DOCTYPE html><html>", "<table border=1>\n<tr>", toUTF16("<html><table>\n", false),
		"<?xml version=\"1.0\"?>\n<?mso-application progid=\"Excel.Sheet\"?>\n",
		"[{\"a\": 1}]", "[\n  {\n    \"a\": 1\n  }\n]\n", "{\"a\": 1}\n{\"a\": 2}\n", "{\r\n \"rows\": []}\n"} {
		inEveryWay(t, data, Options{})
		r := NewReader(strings.NewReader(data), Options{Encoding: Windows1252})
		var e *NotCSVError
		if _, err := r.Header(); !errors.As(err, &e) || e.Advice == "" {
			t.Errorf("%q: %v", data, err)
		}
	}
}

// TestHeadersLikeOtherFormats: brackets and braces in a name make no other format of a CSV.
func TestHeadersLikeOtherFormats(t *testing.T) {
	for _, data := range []string{"<TICKER>,<DATE>\nA,B\n", "[Key],[Product]\nA,B\n", "{key},{product}\nA,B\n", "<b>Key</b>\nA\n"} {
		if _, err := NewReader(strings.NewReader(data), Options{}).Header(); err != nil {
			t.Errorf("%q: %v", data, err)
		}
	}
}

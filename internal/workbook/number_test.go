package workbook

import "testing"

func TestNumbersAreWrittenAsAUserSeesThem(t *testing.T) {
	for _, c := range []struct{ stored, code, want string }{
		{"5", "", "5"}, {"5.0", "", "5"}, {"-0", "", "0"}, {"0.1", "", "0.1"}, {"0.30000000000000004", "", "0.3"},
		{"1E3", "", "1000"}, {"1.5E-3", "", "0.0015"}, {"123456789012", "", "123456789012"}, {"123456789012345", "0", "123456789012345"},
		{"5.1215438188112345E+18", "", "5121543818811230000"}, {"1E+21", "", "1E+21"}, {"1.25E+100", "", "1.25E+100"}, {"1E-10", "", "1E-10"},
		{"0.5", "0%", "0.5"}, {"42", "00000", "00042"}, {"42.5", "00000", "42.5"}, {"-42", "00000", "-42"}, {"1234567", "00000", "1234567"},
		{"123456789", `000\-00\-0000`, "123-45-6789"}, {"42", "000-00-0000", "000-00-0042"},
		{"17", `"KEY-"0000`, "KEY-0017"}, {"123456", `"K-"0000`, "K-123456"}, {"123456", `\L\-000\-00`, "L-1234-56"}, {"17", `0000"-A"`, "0017-A"},
		{"123456789012", `0000-0000-0000`, "1234-5678-9012"}, {"17", `"№"000`, "№017"}, {"17", `"V10-"000`, "V10-017"}, {"17", `\№000`, "№017"},
		{"17", `0" seats"`, "17"}, {"17", `"x"0`, "17"}, {"1.5", `"K-"000`, "1.5"}, {"17", `"K-"000;"neg"000`, "K-017"}, {"17", `"K-"00.0`, "17"},
		{"17", `"K-000`, "17"}, {"17", `000"`, "017"}, {"17", `000\`, "017"},
		{"3", "0.00", "3"}, {"12", "#,##0", "12"},
		{"1234567890123457", "", "1234567890123457"}, {"1234567890123457", "0", "1234567890123457"}, {"9007199254740993", "@", "9007199254740993"},
		{"12345678901234567890", "00000", "12345678901234567890"}, {"-1234567890123457", "", "-1234567890123457"},
		{"many", "", "many"}, {"NaN", "", "NaN"}, {"1e999", "", "1e999"},
	} {
		f := numberFormat{}
		if c.code != "" {
			f = parseNumberFormat(c.code)
		}
		if got := string(appendNumber(nil, []byte(c.stored), f, false)); got != c.want {
			t.Errorf("%s as %q: %q, want %q", c.stored, c.code, got, c.want)
		}
	}
}

func TestDatesOfBothSystems(t *testing.T) {
	for _, c := range []struct {
		stored, code string
		date1904     bool
		want         string
	}{
		{"1", "yyyy-mm-dd", false, "1900-01-01"}, {"59", "m/d/yy", false, "1900-02-28"}, {"60", "m/d/yy", false, "1900-02-29"},
		{"61", "m/d/yy", false, "1900-03-01"}, {"0", "m/d/yy", false, "1900-01-00"}, {"46418", "[$-409]d-mmm-yy;@", false, "2027-01-31"},
		{"46418.75", "d.m.yyyy", false, "2027-01-31"}, {"46418.75", "d.m.yyyy hh:mm", false, "2027-01-31 18:00:00"},
		{"46418.9999999", "d.m.yyyy hh:mm", false, "2027-02-01"}, {"0.75", "h:mm AM/PM", false, "18:00:00"}, {"1.5", "[h]:mm:ss", false, "36:00:00"},
		{"0", "yyyy", true, "1904-01-01"}, {"44956", "yyyy", true, "2027-01-31"}, {"2958465", "yyyy", false, "9999-12-31"},
		{"2958466", "yyyy", false, "2958466"}, {"-1", "yyyy", false, "-1"}, {"2957004", "yyyy", true, "2957004"},
		{"46418", "mmmm", false, "2027-01-31"}, {"46418", "m", false, "2027-01-31"}, {"46418", `"Tag" d`, false, "2027-01-31"},
		{"46418", `"dd" 0`, false, "46418"}, {"46418", `[Red]0`, false, "46418"}, {"46418", `\d0`, false, "46418"}, {"46418", "0.00E+00", false, "46418"},
		{"46418", "General", false, "46418"}, {"46418", `_-* #,##0.00\ "€"_-`, false, "46418"}, {"46418", "[$-411]ge.m.d", false, "2027-01-31"},
		{"46418", `yyyy"年"m"月"d"日"`, false, "2027-01-31"}, {"46418.5", "yyyy-mm-dd hh:mm:ss.000", false, "2027-01-31 12:00:00"},
	} {
		if got := string(appendNumber(nil, []byte(c.stored), parseNumberFormat(c.code), c.date1904)); got != c.want {
			t.Errorf("%s as %q: %q, want %q", c.stored, c.code, got, c.want)
		}
	}
	for id, want := range map[int]numberFormat{0: {}, 2: {}, 14: {date: true}, 20: {time: true}, 22: {date: true, time: true}, 49: {}, 57: {date: true}} {
		if got := builtinFormat(id); got != want {
			t.Errorf("format %d: %+v", id, got)
		}
	}
	for value, want := range map[string]string{"2027-01-31": "2027-01-31", "2027-01-31T00:00:00.000Z": "2027-01-31", "2027-01-31T10:30:00": "2027-01-31 10:30:00"} {
		if got := string(appendISODate(nil, []byte(value))); got != want {
			t.Errorf("%s: %s", value, got)
		}
	}
}

func TestSerialDates(t *testing.T) {
	for _, c := range []struct {
		value    string
		date1904 bool
		want     string
	}{
		{"46418", false, "2027-01-31"}, {" 46418 ", false, "2027-01-31"}, {"44956", true, "2027-01-31"}, {"109574", false, "2199-12-31"},
		{"2027", false, ""}, {"20270131", false, ""}, {"109575", false, ""}, {"46418.5", false, ""}, {"+6418", false, ""}, {"", false, ""}, {"never", false, ""},
	} {
		r := &Reader{book: &workbook{date1904: c.date1904}}
		if got, ok := r.SerialDate(c.value); got != c.want || ok != (c.want != "") {
			t.Errorf("%q: %q, %v", c.value, got, ok)
		}
	}
}

func TestColumnNames(t *testing.T) {
	for name, want := range map[string]int{"A": 0, "Z": 25, "AA": 26, "XFD": maxSheetColumns - 1} {
		if got, ok := parseColumn([]byte(name + "7")); !ok || got != want || columnName(want) != name {
			t.Errorf("%s: %d, %v, %s", name, got, ok, columnName(want))
		}
	}
}

package events

import (
	"strings"
	"testing"
)

// accepts maps texts to the value that a column makes of them, refuses to the code.
type accepts map[string]any
type refuses map[string]Code

func checkType(t *testing.T, column string, good accepts, bad refuses) {
	t.Helper()
	i, ok := ColumnIndex(column)
	if !ok {
		t.Fatalf("no column %s", column)
	}
	for value, want := range good {
		var record Record
		if code := Columns[i].Set(&record, value); code != "" || Columns[i].Value(&record) != want {
			t.Errorf("%s = %q: %q, %#v; want %#v", column, value, code, Columns[i].Value(&record), want)
		}
	}
	for value, want := range bad {
		var record Record
		if code := Columns[i].Set(&record, value); code != want {
			t.Errorf("%s = %q: %q, %#v; want %s", column, value, code, Columns[i].Value(&record), want)
		}
	}
}

func TestText(t *testing.T) {
	good := accepts{}
	for _, same := range []string{"a", "00042", "+1 555", "=1+1", "Łódź 株式会社 🔑", "tab\there", "two\r\nlines\n", "\u0085\u200b\u2028\ufeff", `"quoted", \ and '`} {
		good[same] = same
	}
	bad := refuses{}
	for c := range byte(' ') {
		if c != '\t' && c != '\r' && c != '\n' {
			bad["a"+string(rune(c))+"b"] = ControlCharacter
		}
	}
	bad["\x7f"] = ControlCharacter
	checkType(t, "customer__first_name", good, bad)
	checkType(t, "license__note", good, bad)
}

// Limits count characters (Unicode code points), not bytes.
func TestTextLimits(t *testing.T) {
	for column, limit := range map[string]int{"product__short_code": 64, "order__campaign_params": 2000, "license__note": 10000, "customer__country": 255} {
		for _, character := range []string{"a", "é", "株", "🔑", "\n"} {
			at, above := strings.Repeat(character, limit), strings.Repeat(character, limit+1)
			checkType(t, column, accepts{at: at}, refuses{above: TooLong})
		}
	}
}

// TestLicenseKeyLimits: 1024 characters, and 2048 bytes of its subject token. The message names the limit
// that the key is beyond.
func TestLicenseKeyLimits(t *testing.T) {
	good, bad := accepts{}, refuses{}
	for _, key := range []string{strings.Repeat("a", 1024), strings.Repeat("+", 682) + "aa", strings.Repeat("é", 341) + "aa",
		strings.Repeat("a", 512) + strings.Repeat("=", 512)} {
		good[key] = key
	}
	const characters, token = "must be at most 1024 characters long", "must be at most 2048 bytes long as a subject token, " +
		"in which a byte other than A-Z a-z 0-9 - _ takes three"
	for key, message := range map[string]string{
		strings.Repeat("a", 1025): characters, strings.Repeat("株", 1025): characters,
		strings.Repeat("+", 683): token, strings.Repeat("株", 1024): token,
	} {
		bad[key] = TooLong
		if got := Columns[ColumnKey].Error(TooLong, key).Message; got != message {
			t.Errorf("a key of %d bytes: %q, want %q", len(key), got, message)
		}
	}
	checkType(t, "license__license_key", good, bad)
	for key := range good {
		if got := len(Token(key)); got > 2048 || got != tokenLen(key) {
			t.Errorf("a token of %d bytes, counted as %d", got, tokenLen(key))
		}
	}
}

// TestErrorsOfSpreadsheets: a cell whose formula failed is no value, in any column.
func TestErrorsOfSpreadsheets(t *testing.T) {
	for i := range Columns {
		bad := refuses{}
		for _, value := range []string{"#REF!", "#N/A", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!"} {
			bad[value] = SpreadsheetError
		}
		checkType(t, Columns[i].Name, nil, bad)
	}
	checkType(t, "license__note", accepts{"#REF! ?": "#REF! ?", "see #N/A": "see #N/A"}, refuses{" #N/A\n": SpreadsheetError})
	checkType(t, "license__license_key", accepts{"#REF": "#REF", "#n/a": "#n/a", "null": "null", "#": "#"}, nil)
}

func TestEmail(t *testing.T) {
	good := accepts{}
	for _, same := range []string{
		"ada@example.com", "Ada.Lovelace+tag@Mail.Example.co.uk", "a@b.c", "o'connor@example.ie", "!#$%&'*+-/=?^_`{|}~@example.org", "1@2.3",
		"x@xn--bcher-kva.example", "x@bücher.example", "почта@пример.рф", "用户@例子.公司", "अजय@डाटा.भारत", "δοκιμή@παράδειγμα.δοκιμή", "جيران@مثال.إختبار",
		"x@l·l.cat", "x@ما\u200cدر.example", `"two words"@example.com`, `"a@b"@example.com`, "a-b@a-b.example", "_@example.com",
		strings.Repeat("a", 64) + "@example.com", strings.Repeat("é", 243) + "@example.com",
	} {
		good[same] = same
	}
	bad := refuses{}
	for _, value := range []string{
		"ada", "ada@", "@example.com", "ada@example", "ada@@example.com", "ada@b@example.com", "ada@.com", "ada@example.", "ada@example..com", "ada@-example.com",
		"ada@example-.com", "ada@exa_mple.com", "ada lovelace@example.com", "ada@exam ple.com", ".ada@example.com", "ada.@example.com", "a..b@example.com",
		"Ada <ada@example.com>", "<ada@example.com>", "ada@example.com, bob@example.com", "ada@example.com;bob@example.com", "mailto:ada@example.com", "ada@[127.0.0.1]",
		"ada@example.com.", "ada@example.com\n", "a\x00b@example.com", "a\u00a0b@example.com", "a\u3000b@example.com", "a\u0085b@example.com",
		"a\u2009b@example.com", "ada@exa\u00a0mple.com", "ada@exa\u200bmple.com", "ada@example。com", "ada@ex🔑.com", "ada@ex\x7f.com",
		`"ada@example.com`, `"a"b@example.com`, "(comment)ada@example.com", "ada@(comment)example.com", "a,b@example.com", "a:b@example.com", "ada\\@example.com", "ada＠example.com", "@", "a@b@",
	} {
		bad[value] = InvalidEmail
	}
	bad[strings.Repeat("a", 244)+"@example.com"] = TooLong
	bad[strings.Repeat("é", 244)+"@example.com"] = TooLong
	checkType(t, "customer__email", good, bad)
}

func TestBool(t *testing.T) {
	good := accepts{}
	for _, word := range []string{"true", "True", "TRUE", "tRuE", "1", "yes", "Yes", "YES"} {
		good[word] = true
	}
	for _, word := range []string{"false", "False", "FALSE", "0", "no", "No", "NO"} {
		good[word] = false
	}
	bad := refuses{}
	for _, word := range []string{"t", "f", "y", "n", "on", "off", "2", "-1", "01", "1.0", "true ", "yes!", "wahr", "ｔｒｕｅ"} {
		bad[word] = InvalidBool
	}
	checkType(t, "license__enabled", good, bad)
	checkType(t, "order__is_test", good, bad)
}

func TestInt(t *testing.T) {
	checkType(t, "license__max_activations",
		accepts{"0": 0, "1": 1, "007": 7, "2147483647": 2147483647, "0000000000000000000005": 5},
		refuses{
			"2147483648": OutOfRange, "-1": OutOfRange, "-2147483648": OutOfRange, "99999999999999999999999": OutOfRange,
			"many": InvalidInt, "1.0": InvalidInt, "1e3": InvalidInt, "+1": InvalidInt, "-": InvalidInt, "--1": InvalidInt, "1,000": InvalidInt,
			"1 000": InvalidInt, "0x10": InvalidInt, "1_000": InvalidInt, "١": InvalidInt, "１": InvalidInt, "true": InvalidInt,
		})
}

func TestDate(t *testing.T) {
	good := accepts{}
	for _, value := range []string{
		"2024-02-29", "2024-02-29 00:00:00", "2024-02-29 23:59:59", "2024-02-29T12:00:00Z", "2024-02-29T12:00:00.123456789Z",
		"2024-02-29T23:30:00-05:00", "2024-02-29T00:30:00+14:00",
		"2024-02-29t12:00:00z",
	} {
		good[value] = "2024-02-29"
	}
	for _, value := range []string{"2000-02-29", "2400-02-29", "0001-01-01", "9999-12-31", "2023-02-28", "1970-01-01"} {
		good[value] = value
	}
	bad := refuses{}
	for _, value := range []string{
		"2023-02-29", "1900-02-29", "2100-02-29", "2024-02-30", "2024-04-31", "2024-13-01", "2024-00-10", "2024-01-00", "2024-1-1", "24-01-01", "20240101",
		"2024/01/01", "01.02.2024", "02/29/2024", "29-02-2024", "2024-02", "2024", "tomorrow", "12024-01-01", "-2024-01-01",
		"2024-02-29 24:00:00", "2024-02-29 12:60:00", "2024-02-29 12:00:60", "2024-02-29 12:00", "2024-02-29 1:00:00", "2024-02-29  1:00:00", "2024-02-29 12:00:00.5", "2024-02-29 12:00:00Z",
		"2024-02-29T12:00:00", "2024-02-29T12:00Z", "2024-02-29T1:00:00Z", "2024-02-29T12:00:00,5Z", "2024-02-29T12:00:00+0100", "2024-02-29T12:00:00+24:00", "2024-02-29T12:00:00Zx",
		"2023-02-29T12:00:00Z", "２０２４-02-29",
	} {
		bad[value] = InvalidDate
	}
	checkType(t, "license__validity_period", good, bad)
	checkType(t, "license__maintenance_period", good, bad)
}

func TestDuration(t *testing.T) {
	good := accepts{"1d": "1d", "30d": "30d", "6m": "6m", "1y": "1y", "36500d": "36500d", "36500m": "36500m", "36500y": "36500y", "007d": "7d"}
	bad := refuses{
		"0d": OutOfRange, "36501d": OutOfRange, "36501y": OutOfRange, "99999999999999999999d": OutOfRange, "00m": OutOfRange,
		"": InvalidDuration, "d": InvalidDuration, "30": InvalidDuration, "30 d": InvalidDuration, "30days": InvalidDuration, "1w": InvalidDuration, "1h": InvalidDuration,
		"-1d": InvalidDuration, "+1d": InvalidDuration, "1.5y": InvalidDuration, "1y6m": InvalidDuration, "P1Y": InvalidDuration, "d1": InvalidDuration, "１d": InvalidDuration, "30д": InvalidDuration,
		"1D": InvalidDuration, // m, M: in ISO 8601 both mean something
	}
	checkType(t, "license__valid_duration", good, bad)
	checkType(t, "license__maintenance_duration", good, bad)
}

func TestEnum(t *testing.T) {
	checkType(t, "order__type", accepts{"normal": "normal", "Normal": "normal", "NORMAL": "normal"}, refuses{"": InvalidChoice, "subscription": InvalidChoice, "norma": InvalidChoice})
	checkType(t, "license__license_type",
		accepts{"perpetual": "perpetual", "Time-Limited": "time-limited", "SUBSCRIPTION": "subscription", "consumption": "consumption"},
		refuses{"time limited": InvalidChoice, "time_limited": InvalidChoice, "timelimited": InvalidChoice, "perpetual,": InvalidChoice, "floating": InvalidChoice})
	checkType(t, "license__consumption_period",
		accepts{"daily": "daily", "Weekly": "weekly", "MONTHLY": "monthly", "annually": "annually", "annualy": "annually", "Annualy": "annually"},
		refuses{"yearly": InvalidChoice, "annual": InvalidChoice, "anually": InvalidChoice})
	checkType(t, "order__type", nil, refuses{"annualy": InvalidChoice})
}

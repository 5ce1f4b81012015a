package events

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

func addSamples(f *testing.F) {
	for _, e := range fullEvents() {
		f.Add(mustEncode(f, e))
	}
	for _, e := range outcomesOf("x", 3, ^uint64(0)) {
		f.Add(mustEncode(f, e))
	}
	row, imported := twelveFields()
	f.Add(mustEncode(f, row))
	f.Add(mustEncode(f, imported))
	f.Add([]byte(`{"data":{"job_id":1,"rows":2},"type":"ImportSealed","source":"licenseimport","id":"1/sealed","specversion":"1.0"}`))
	f.Add([]byte(`{"specversion":"1.0","id":"1/2/received","source":"licenseimport","type":"RowReceived","time":"t","datacontenttype":"application/json","data":{"job_id":1,"row":2,"line":3,"values":{}}}`))
}

// A body that decodes is valid JSON and gives the event that encoding/json reads. The event survives a
// round trip.
func FuzzDecode(f *testing.F) {
	addSamples(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		decoded, err := Decode(body)
		if err != nil {
			if decoded != (Envelope{}) {
				t.Errorf("a part of an event beside the error %v: %+v", err, decoded)
			}
			return
		}
		if !json.Valid(body) {
			t.Fatalf("decoded what is not JSON: %q as %+v", body, decoded.Event)
		}
		if std, err := stdDecode(body); err != nil || !reflect.DeepEqual(std, decoded.Event) {
			t.Errorf("encoding/json reads %q as\n%+v, %v\nwe as\n%+v", body, std, err, decoded.Event)
		}
		again, err := Decode(mustEncode(t, decoded.Event))
		if err != nil {
			t.Fatal(err)
		}
		if !sameOnTheWire(t, again.Event, decoded.Event) || again.ID != decoded.ID {
			t.Errorf("%+v\nbecame\n%+v", decoded.Event, again.Event)
		}
	})
}

// sameOnTheWire compares the encoded events: an empty list and an absent one are the same.
func sameOnTheWire(t *testing.T, a, b Event) bool {
	return string(mustEncode(t, a)) == string(mustEncode(t, b))
}

// decodeFast returns what decodeAny returns, or refuses the body.
func FuzzFastDecode(f *testing.F) {
	addSamples(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		fast, ok := decodeFast(body)
		if !ok || !utf8.Valid(body) {
			return
		}
		general, err := decodeAny(body)
		if err != nil || !reflect.DeepEqual(fast, general) {
			t.Errorf("%q\nquick   %+v\ngeneral %+v, %v", body, fast.Event, general.Event, err)
		}
	})
}

// Appended bodies take the fast path; otherwise the benchmarks would measure encoding/json.
func TestAppendedBodiesTakeTheFastPath(t *testing.T) {
	for name, e := range fullEvents() {
		if _, ok := decodeFast(mustEncode(t, e)); !ok {
			t.Errorf("%s takes the slow path", name)
		}
	}
	row, _ := twelveFields()
	if _, ok := decodeFast(mustEncode(t, row)); !ok {
		t.Error("an ordinary row takes the slow path")
	}
}

// The bytes of appendData mean what those of encoding/json mean.
func FuzzRowReceivedCodec(f *testing.F) {
	for _, s := range []string{"", "plain", "\"\\/\b\f\n\r\t\x00\x1f\x7f", "é株🔑\u2028\u2029\ufffd", "\xff\xc3\xed\xa0\x80", "<&>"} {
		f.Add(s, uint64(10), uint64(17), true)
		f.Add(s, uint64(1)<<63, uint64(0), false)
	}
	f.Fuzz(func(t *testing.T, s string, job, row uint64, malformed bool) {
		e := &RowReceived{JobID: JobID(job), Row: Row(row), Line: row ^ job}
		e.Values[ColumnKey], e.Values[lastLicenseColumn] = s, s
		if malformed {
			e.Malformed = &Malformed{Code: Code(s), Message: s, Column: s, MoreColumns: []string{s, s}, Raw: s}
		}
		got := e.appendData(nil)
		theirs, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		var a, b any
		if err := json.Unmarshal(got, &a); err != nil {
			t.Fatalf("%s: %v", got, err)
		}
		if err := json.Unmarshal(theirs, &b); err != nil {
			t.Fatalf("%s: %v", theirs, err)
		}
		if !reflect.DeepEqual(a, b) {
			t.Errorf("got   %s\ntheirs %s", got, theirs)
		}
		var text, want string
		std, _ := json.Marshal(s)
		if json.Unmarshal(appendString(nil, s), &text) != nil || json.Unmarshal(std, &want) != nil || text != want {
			t.Errorf("%q became %q, encoding/json makes it %q", s, text, want)
		}
	})
}

// The fast and the slow path read the same values. Input that is not a JSON object of texts is an error.
func FuzzValues(f *testing.F) {
	for _, s := range []string{
		`{}`, `null`, `[]`, `"x"`, `}`, `{`, `]`, `{"license__license_key":"K"}`, ` { "license__license_key" : "K" , "customer__city" : "Łódź" } `,
		`{"license__license_key":"K","license__license_key":"L"}`, `{"unknown":"x","license__note":"a\nb\u00e9\ud83d\udd11"}`, `{"license__note":null}`, `{"license__note":1}`,
		`{"license__note":"x"`, `{"license__note":"x"}}`, `{"license__note":"x",}`, `{"license__note" "x"}`, "{\"license__note\":\"\x01\"}", `{"license__note":"\ud800"}`, `{"license__no\u0074e":"x"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if !utf8.Valid(data) {
			return // Decode has refused it
		}
		var fast, general Values
		rest, ok := fast.parse(data)
		var texts map[string]*string
		if err := json.Unmarshal(data, &texts); err != nil {
			if ok && len(rest) == 0 {
				t.Fatalf("%q was taken: %v", data, err)
			}
			if new(Values).UnmarshalJSON(data) == nil {
				t.Fatalf("%q was taken: %v", data, err)
			}
			return
		}
		for name, text := range texts {
			if i, known := ColumnIndex(name); known && Columns[i].Name == name && text != nil {
				general[i] = *text
			}
		}
		if ok && len(rest) == 0 && fast != general {
			t.Errorf("%q fast %q, general %q", data, fast, general)
		}
		whole := Values{0: "from before"}
		if err := whole.UnmarshalJSON(data); err != nil || whole != general {
			t.Errorf("%q: %q, %v; want %q", data, whole, err, general)
		}
	})
}

func FuzzToken(f *testing.F) {
	for _, s := range []string{"psc", "a.b", "=", "=2E", "=2e", "*", "ключ", "\xff", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		token := Token(s)
		if strings.ContainsAny(token, ".*> \t\r\n\x00") || !utf8.ValidString(token) {
			t.Errorf("Token(%q) = %q, which is no token", s, token)
		}
		if back, err := ParseToken(token); s != "" && (err != nil || back != s) {
			t.Errorf("%q became %q, %v", s, back, err)
		}
		if text, err := ParseToken(s); err == nil && Token(text) != s {
			t.Errorf("ParseToken took %q, which Token writes as %q", s, Token(text))
		}
	})
}

func FuzzLicenseSubject(f *testing.F) {
	for _, s := range []string{"licenses.psc.A-1", "licenses.=2E.=2A", "licenses..", "licenses.a.b.c", "rows.1"} {
		f.Add(s, "key")
	}
	f.Fuzz(func(t *testing.T, subject, key string) {
		if product, key, err := parseLicenseSubject(subject); err == nil && LicenseSubject(product, key) != subject {
			t.Errorf("took %q, which is written %q", subject, LicenseSubject(product, key))
		}
		if subject == "" || key == "" {
			return
		}
		product, back, err := parseLicenseSubject(LicenseSubject(subject, key))
		if err != nil || product != subject || back != key {
			t.Errorf("%q, %q came back as %q, %q, %v", subject, key, product, back, err)
		}
		if !matches(LicenseSubject(subject, key), "licenses.*.*") {
			t.Errorf("%q is no subject of a license", LicenseSubject(subject, key))
		}
	})
}

// The canonical form of an accepted value is accepted and gives the same value.
func FuzzColumn(f *testing.F) {
	for i := range Columns[:licenseColumns] {
		f.Add(uint8(i), Columns[i].Example)
	}
	for _, s := range []string{"2024-02-29T23:00:00+01:00", "007d", "annualy", "YES", "-0", "ł@пример.рф", `"a b"@c.de`, "\x85", "\u3000x "} {
		for i := range Columns[:licenseColumns] {
			f.Add(uint8(i), s)
		}
	}
	f.Fuzz(func(t *testing.T, index uint8, sent string) {
		c := &Columns[int(index)%licenseColumns]
		value := c.Clean(sent)
		if value == "" || !utf8.ValidString(value) {
			return
		}
		var record Record
		code := c.Set(&record, value)
		parsed := c.Value(&record)
		if code != "" {
			if parsed != nil || !reflect.DeepEqual(record, Record{}) {
				t.Errorf("%s refused %q (%s) and parsed %v", c.Name, value, code, parsed)
			}
			return
		}
		canonical := written(t, parsed)
		var again Record
		if code := c.Set(&again, canonical); code != "" || !reflect.DeepEqual(again, record) {
			t.Errorf("%s took %q as %v, and then %q: %s, %v", c.Name, value, parsed, canonical, code, c.Value(&again))
		}
		if (c.Type == Text || c.Type == Email) && parsed != value {
			t.Errorf("%s changed %q to %q", c.Name, value, parsed)
		}
	})
}

// written is a value as a file would have it.
func written(t *testing.T, value any) string {
	t.Helper()
	if text, ok := value.(string); ok {
		return text
	}
	b, err := json.Marshal(value)
	if err != nil || value == nil {
		t.Fatalf("%v: %v", value, err)
	}
	return string(b)
}

package events

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// outcomesOf returns an outcome of each kind of one row, and a restored license. The low bits of given select the columns, which all have
// the same text or number. The bits above them select the other members.
func outcomesOf(text string, number int, given uint64) []Event {
	var record Record
	has := func(bit int) bool { return given>>bit&1 != 0 }
	for i := range Columns[:licenseColumns] {
		if !has(i) {
			continue
		}
		switch field := Columns[i].field(record.target()).(type) {
		case *string:
			*field = text
		case **bool:
			*field = ptr(number%2 == 0)
		case **int:
			*field = &number
		}
	}
	product, rejected := Product{ShortCode: record.Product}, &RowRejected{JobID: 10, Row: 17, Line: 19}
	var customer *Customer
	var warnings []Warning
	if has(licenseColumns) {
		customer = &record.Customer
	}
	if has(licenseColumns + 1) {
		product.Name, product.LicenseType, product.MaxActivations = text, text, &number
		rejected.Raw, rejected.Values[ColumnKey], rejected.Values[licenseColumns-1] = text, text, text
	}
	var differs []string
	var changed []Change
	for bit := licenseColumns + 2; bit < licenseColumns+4; bit++ {
		if has(bit) {
			differs = append(differs, text)
			changed = append(changed, Change{Column: text, From: text, To: text})
			warnings = append(warnings, Warning{Column: text, Code: WarningCode(text)})
			rejected.Errors = append(rejected.Errors, FieldError{Column: text, Code: Code(text), Message: text, Value: text})
		}
	}
	if has(licenseColumns+4) && warnings == nil {
		warnings, changed, rejected.Errors = []Warning{}, []Change{}, []FieldError{}
	}
	by := Origin{JobID: JobID(given), Row: Row(number)}
	updated := &LicenseUpdated{JobID: 10, Row: 17, Line: given, License: record.License, Product: product, Customer: customer, Order: record.Order,
		Changed: changed, Previous: Seq(given), By: by, Warnings: warnings}
	return []Event{
		updated, (*LicenseUpdateProposed)(updated),
		&LicenseRestored{JobID: 10, Row: 17, License: record.License, Product: product, Customer: customer, Order: record.Order,
			Changed: changed, Previous: Seq(given), Restores: Seq(number), By: by, Manager: text},
		&LicenseRevoked{JobID: 10, Row: 17, LicenseKey: text, Product: product, Manager: text, Previous: Seq(given)},
		&LicenseImported{JobID: 10, Row: 17, License: record.License, Product: product, Customer: customer, Order: record.Order, Warnings: warnings},
		&LicenseExisted{JobID: 10, Row: 17, LicenseKey: text, Product: product, By: by,
			Differs: differs, Customer: customer, Order: record.Order, Warnings: warnings},
		rejected,
	}
}

// An outcome has the bytes that encoding/json writes, and the fast path reads what decodeAny reads.
func FuzzFastEncode(f *testing.F) {
	for _, text := range []string{"", "plain", "\"\\/\b\f\n\r\t\x00\x1f\x7f", "é株🔑", "\u2028", "\u2029", "\ufffd", "\xff", "\xc3", "\xed\xa0\x80", "<&>"} {
		f.Add(text, 3, ^uint64(0))
	}
	for i := range licenseColumns + 5 { // each alone, all but one, the first ones
		f.Add("x", i, uint64(1)<<i)
		f.Add("y", -i, ^(uint64(1) << i))
		f.Add("z", 1<<i, uint64(1)<<i-1)
	}
	f.Fuzz(func(t *testing.T, text string, number int, given uint64) {
		for _, e := range outcomesOf(text, number, given) {
			data, err := appendJSON(nil, e)
			if err != nil {
				t.Fatal(err)
			}
			body := mustEncode(t, e)
			if want := string(appendEnvelope(nil, e, observed)) + string(data) + "}"; string(body) != want {
				t.Errorf("codec         %s\nencoding/json %s", body, want)
			}
			fast, ok := decodeFast(body)
			if !ok || !utf8.Valid(body) {
				continue
			}
			if general, err := decodeAny(body); err != nil || !reflect.DeepEqual(fast, general) {
				t.Errorf("%s\nfast    %+v\ngeneral %+v, %v", body, fast.Event, general.Event, err)
			}
		}
	})
}

// Ordinary outcomes take the fast path; otherwise the benchmarks would measure encoding/json.
func TestOrdinaryOutcomesTakeTheFastPath(t *testing.T) {
	for _, e := range outcomesOf("Łódź – <a> \"quoted\"\r\n", 3, ^uint64(0)) {
		if data, ok := appendOutcome(nil, e); !ok {
			t.Errorf("%s takes the slow path: %s", e.Type(), data)
		}
	}
}

func TestEveryCharacterMatchesEncodingJSON(t *testing.T) {
	left := 0
	for r := range rune(0x10000) {
		for _, text := range []string{string(r), "1234567" + string(r)} {
			got := appendString(nil, text)
			if !matchesEncodingJSON(got) {
				left++
				continue
			}
			if library, err := appendJSON(nil, text); err != nil || string(got) != string(library) {
				t.Errorf("%q: codec %s, encoding/json %s, %v", text, got, library, err)
			}
		}
	}
	if left > 10_000 {
		t.Errorf("%d texts take the slow path", left)
	}
}

// plainPrefix scans eight bytes at a time: each byte that ends a plain text does so at every offset.
func TestPlainPrefixEnds(t *testing.T) {
	for c := range 256 {
		stops := c < ' ' || c == '"' || c == '\\'
		for _, around := range []byte{'a', ' ', '!', '#', '[', ']', 0x7f, 0x80, 0xff} {
			for length := range 20 {
				for at := range length {
					text := []byte(strings.Repeat(string([]byte{around}), length))
					text[at] = byte(c)
					want := length
					if stops {
						want = at
					}
					if got := plainPrefix(text, 0); got != want {
						t.Fatalf("plain(%q) = %d, want %d", text, got, want)
					}
					if around < 0x80 {
						if c >= 0x80 {
							want = at
						}
						if got := plainPrefix(string(text), eachHigh); got != want {
							t.Fatalf("plain(%q) of ASCII = %d, want %d", text, got, want)
						}
					}
				}
			}
		}
	}
}

// A body that differs a little from the usual form is read as encoding/json reads it.
func TestNearlyUsualForm(t *testing.T) {
	_, imported := twelveFields()
	body := string(mustEncode(t, imported))
	for name, test := range map[string]struct{ old, new string }{
		"a member that is unknown":       {`"enabled":`, `"of_tomorrow":1,"enabled":`},
		"a member in another case":       {`"enabled":`, `"Enabled":`},
		"a member twice":                 {`"enabled":true`, `"enabled":true,"enabled":false`},
		"two members in another order":   {`"enabled":true,"max_activations":3`, `"max_activations":3,"enabled":true`},
		"a null":                         {`"enabled":true`, `"enabled":null`},
		"a null object":                  {`"order":{"store_id":"order-1001"}`, `"order":null`},
		"an empty object":                {`"order":{"store_id":"order-1001"}`, `"order":{}`},
		"an empty text":                  {`"Ada"`, `""`},
		"an escaped text":                {`"Ada"`, `"\u0041\/\b\f\n\r\t\"\\d\uD83D\uDD11a"`},
		"half a pair":                    {`"Ada"`, `"\ud83d"`},
		"an escape that is none":         {`"Ada"`, `"\x41"`},
		"a control character":            {`"Ada"`, "\"A\nda\""},
		"a comma at the end":             {`"order-1001"`, `"order-1001",`},
		"a comma too few":                {`"Ada",`, `"Ada"`},
		"a negative number":              {`"max_activations":3`, `"max_activations":-3`},
		"a number with a leading zero":   {`"max_activations":3`, `"max_activations":03`},
		"a fraction":                     {`"max_activations":3`, `"max_activations":3.0`},
		"an exponent":                    {`"max_activations":3`, `"max_activations":3e2`},
		"a large number":                 {`"max_activations":3`, `"max_activations":2147483648`},
		"a number of another generation": {`"row":123456`, `"row":12345678901234567890123`},
		"a text for a number":            {`"max_activations":3`, `"max_activations":"3"`},
		"a number for a text":            {`"Ada"`, `7`},
		"white space":                    {`"enabled":true`, `"enabled": true`},
		"an empty list":                  {`"order-1001"}`, `"order-1001"},"warnings":[]`},
		"the end of a list":              {`"order-1001"}`, `"order-1001"},"warnings":]`},
		"the end of an object":           {`{"store_id":"order-1001"}`, `}`},
		"a null list":                    {`"order-1001"}`, `"order-1001"},"warnings":null`},
		"a warning":                      {`"order-1001"}`, `"order-1001"},"warnings":[{"column":"a","code":"b"}]`},
		"half a warning":                 {`"order-1001"}`, `"order-1001"},"warnings":[{"column":"a"}]`},
		"a warning and a comma":          {`"order-1001"}`, `"order-1001"},"warnings":[{"column":"a","code":"b"},]`},
		"more at the end":                {`"order-1001"}}}`, `"order-1001"}}}}`},
		"an end that is early":           {`"order-1001"}}}`, `"order-1001"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			changed := strings.Replace(body, test.old, test.new, 1)
			if changed == body {
				t.Fatalf("%q does not stand in %s", test.old, body)
			}
			want, stdErr := stdDecode([]byte(changed))
			got, err := Decode([]byte(changed))
			if (err == nil) != (stdErr == nil && json.Valid([]byte(changed))) {
				t.Fatalf("%s\ncodec %v, encoding/json %v", changed, err, stdErr)
			}
			if err == nil && !reflect.DeepEqual(got.Event, want) {
				t.Errorf("%s\ncodec         %+v\nencoding/json %+v", changed, got.Event, want)
			}
		})
	}
}

// The fast path refuses a body with one changed byte, or reads what decodeAny reads.
func TestOneByteChanged(t *testing.T) {
	row, _ := twelveFields()
	for _, e := range append(outcomesOf("x", 3, ^uint64(0)), row) {
		body := mustEncode(t, e)
		for at := range body {
			for _, c := range []byte("\"\\{}[],:0-n \n") {
				changed := bytes.Clone(body)
				changed[at] = c
				fast, ok := decodeFast(changed)
				if !ok {
					continue
				}
				if general, err := decodeAny(changed); err != nil || !reflect.DeepEqual(fast, general) {
					t.Errorf("%s\nfast    %+v\ngeneral %+v, %v", changed, fast.Event, general.Event, err)
				}
			}
		}
	}
}

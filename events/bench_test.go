package events

import (
	stdjson "encoding/json"
	"testing"
	"time"
)

// twelveFields is a row of twelve columns, the usual number: as sent, and as imported.
func twelveFields() (*RowReceived, *LicenseImported) {
	row := &RowReceived{JobID: 10, Row: 123456, Line: 123457}
	for _, name := range []string{
		"license__license_key", "product__short_code", "customer__email", "customer__first_name", "customer__last_name", "customer__company_name",
		"order__store_id", "license__enabled", "license__max_activations", "license__validity_period", "license__license_type", "license__note",
	} {
		i := columnByHeader[name]
		row.Values[i] = Columns[i].Example
	}
	imported := &LicenseImported{
		JobID: 10, Row: 123456,
		License: License{Key: "AAAA-BBBB-CCCC-0001", Enabled: ptr(true), MaxActivations: ptr(3), ValidityPeriod: "2030-12-31",
			LicenseType: "time-limited", Note: "Moved from the old shop"},
		Product:  Product{ShortCode: "psc"},
		Customer: &Customer{Email: "ada@example.com", FirstName: "Ada", LastName: "Lovelace", CompanyName: "Analytical Engines Ltd"},
		Order:    Order{StoreID: "order-1001"},
	}
	return row, imported
}

// BenchmarkJSON compares the codec with encoding/json: go test -bench=JSON ./events. LicenseImportedWhole
// has all columns.
func BenchmarkJSON(b *testing.B) {
	row, imported := twelveFields()
	var whole *LicenseImported
	for _, e := range outcomesOf("value of a column", 12, 1<<(licenseColumns+1)-1) {
		if imported, ok := e.(*LicenseImported); ok {
			whole = imported
		}
	}
	updated := &LicenseUpdated{JobID: 10, Row: 123456, Line: 123457, License: imported.License, Product: imported.Product, Customer: imported.Customer,
		Order: imported.Order, Changed: []Change{{"license__max_activations", "5", "3"}}, Previous: 123, By: Origin{JobID: 9, Row: 3}}
	for name, e := range map[string]Event{"RowReceived": row, "LicenseImported": imported, "LicenseImportedWhole": whole, "LicenseUpdated": updated} {
		b.Run(name+"/encode/codec", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				mustEncode(b, e)
			}
		})
		b.Run(name+"/encode/append", func(b *testing.B) { // into the same buffer
			b.ReportAllocs()
			var buffer []byte
			for b.Loop() {
				var err error
				if buffer, err = Append(buffer[:0], e, observed); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/encode/std", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := stdjson.Marshal(stdEnvelope(e)); err != nil {
					b.Fatal(err)
				}
			}
		})
		body := mustEncode(b, e)
		b.Run(name+"/decode/codec", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Decode(body); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/decode/std", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := stdDecode(body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

var observed = time.Date(2026, 2, 28, 23, 59, 59, 123456000, time.UTC)

func mustEncode(t testing.TB, e Event) []byte {
	t.Helper()
	body, err := Encode(e, observed)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// envelope is a CloudEvent as a struct for encoding/json.
type envelope struct {
	SpecVersion     string             `json:"specversion"`
	ID              string             `json:"id"`
	Source          string             `json:"source"`
	Type            string             `json:"type"`
	Time            time.Time          `json:"time"`
	DataContentType string             `json:"datacontenttype"`
	Data            stdjson.RawMessage `json:"data"`
}

func stdEnvelope(e Event) any {
	data, err := stdjson.Marshal(e)
	if err != nil {
		panic(err)
	}
	return envelope{"1.0", e.ID(), Source, e.Type(), observed, "application/json", data}
}

// stdDecode reads by encoding/json the members that Decode reads.
func stdDecode(body []byte) (Event, error) {
	var raw struct {
		SpecVersion string             `json:"specversion"`
		ID          string             `json:"id"`
		Source      string             `json:"source"`
		Type        string             `json:"type"`
		Data        stdjson.RawMessage `json:"data"`
	}
	if err := stdjson.Unmarshal(body, &raw); err != nil {
		return nil, err
	}
	e, err := New(raw.Type)
	if err != nil {
		return nil, err
	}
	return e, stdjson.Unmarshal(raw.Data, e)
}

// BenchmarkIsAt is what comparing the subject adds to the decoding of a license.
func BenchmarkIsAt(b *testing.B) {
	license := &LicenseImported{JobID: 7, Row: 1, License: License{Key: "AAAA-BBBB-CCCC-0001"}, Product: Product{ShortCode: "photo-pro"}}
	subject := license.Subject()
	b.ReportAllocs()
	for b.Loop() {
		if !IsAt(license, subject) {
			b.Fatal("not its subject")
		}
	}
}

package processor

import (
	"fmt"
	"testing"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/events/importjob"
)

func to(column string) *string { return &column }

// mappedJob is a job whose file has foreign headers and cells.
func mappedJob() *job {
	return &job{State: importjob.State{Job: 10, Started: &events.ImportStarted{
		JobID:   10,
		Columns: []string{"license__license_key", "license__validity_period", "license__license_type", "license__max_activations"},
		Headers: []string{"Serial No.", "Expires", "license__license_type", "Seats"},
		Mapping: &events.Mapping{
			Columns:    map[string]*string{"Serial No.": to("license__license_key"), "Expires": to("license__validity_period"), "Seats": to("license__max_activations")},
			Set:        map[string]string{"product__short_code": "photo-pro"},
			DateFormat: "MM/DD/YYYY",
			Values: map[string]map[string]string{
				"license__license_type": {"Lifetime": "perpetual"}, "license__max_activations": {"Unlimited": "", "Some": "many"},
			},
		},
	}}}
}

func mappedRow(key, expires, kind, seats string) *events.RowReceived {
	row := &events.RowReceived{JobID: 10, Row: 1, Line: 2}
	row.Values[events.ColumnKey] = key
	row.Values[mustColumn("license__validity_period")] = expires
	row.Values[mustColumn("license__license_type")] = kind
	row.Values[mustColumn("license__max_activations")] = seats
	return row
}

func TestMappedRowIsJudgedByWhatItsCellsMean(t *testing.T) {
	policy := mappedJob().policy(nil)
	v := policy.Judge(mappedRow("AB-1", "12/31/2030", "LIFETIME", "unlimited"))
	imported, ok := policy.Outcomes([]Verdict{v}, Aggregates{})[0].(*events.LicenseImported)
	if !ok {
		t.Fatalf("%+v", v.Errors)
	}
	l := imported.License
	if l.ValidityPeriod != "2030-12-31" || l.LicenseType != "perpetual" || *l.MaxActivations != 1 || imported.Product.ShortCode != "photo-pro" {
		t.Errorf("%+v of %+v", l, imported.Product)
	}
}

func TestRejectedMappedRowSpeaksOfItsFile(t *testing.T) {
	policy := mappedJob().policy(nil)
	row := mappedRow("", "31/12/2030", "for ever", "Some")
	sent := row.Values
	rejected := policy.Outcomes([]Verdict{policy.Judge(row)}, Aggregates{})[0].(*events.RowRejected)
	if rejected.Values != sent {
		t.Errorf("not as sent: %v", rejected.Values)
	}
	got := map[string]events.FieldError{}
	for _, e := range rejected.Errors {
		got[e.Column] = e
	}
	for column, want := range map[string]events.FieldError{
		"license__license_key":     {Header: "Serial No.", Code: events.Required},
		"license__validity_period": {Header: "Expires", Code: events.InvalidDate, Value: "31/12/2030", Message: "must be a date that exists, written MM/DD/YYYY"},
		"license__license_type":    {Code: events.InvalidChoice, Value: "for ever"},
		"license__max_activations": {Header: "Seats", Code: events.InvalidInt, Value: "Some"},
	} {
		e := got[column]
		if e.Header != want.Header || e.Code != want.Code || e.Value != want.Value || want.Message != "" && e.Message != want.Message {
			t.Errorf("%s: %+v, want %+v", column, e, want)
		}
	}
	if len(got) != 4 {
		t.Errorf("%d errors", len(got))
	}
}

// A product that is set for all rows is checked as if each row had it.
func TestSetProductIsCheckedAgainstTheCatalogue(t *testing.T) {
	policy := mappedJob().policy(map[string]events.CatalogueProduct{"other": {Product: events.Product{ShortCode: "other"}}})
	v := policy.Judge(mappedRow("AB-1", "", "", ""))
	if len(v.Errors) != 1 || v.Errors[0].Code != events.UnknownProduct || v.Errors[0].Value != "photo-pro" {
		t.Errorf("%+v", v.Errors)
	}
}

// BenchmarkDecideMapped is BenchmarkDecide for rows of twelve columns under a mapping with other
// headers, a translation and dates as MM/DD/YYYY, and for the same rows without one.
func BenchmarkDecideMapped(b *testing.B) {
	mapped := &events.Mapping{
		Columns: map[string]*string{"Serial": to("license__license_key"), "Product": to("product__short_code")}, DateFormat: "MM/DD/YYYY",
		Values: map[string]map[string]string{"license__license_type": {"Lifetime": "perpetual"}},
	}
	for name, c := range map[string]struct {
		mapping    *events.Mapping
		date, kind string
	}{
		"unmapped": {nil, "2030-12-31", "perpetual"},
		"mapped":   {mapped, "12/31/2030", "Lifetime"},
	} {
		b.Run(name, func(b *testing.B) {
			policy := (&job{State: importjob.State{Started: &events.ImportStarted{Mapping: c.mapping}}}).policy(nil)
			benchmarkDecide(b, policy, c.date, c.kind)
		})
	}
}

func benchmarkDecide(b *testing.B, policy *Policy, date, kind string) {
	messages := decidedMessages(func(row *events.RowReceived) {
		row.Values[mustColumn("license__validity_period")] = date
		row.Values[mustColumn("license__license_type")] = kind
	})
	b.ReportAllocs()
	now := time.Now()
	var body []byte
	for n := 0; n < b.N; n += maxRows {
		verdicts := make([]Verdict, 0, maxRows)
		for _, message := range messages[:min(maxRows, b.N-n)] {
			row, err := eventlog.DecodeAs[*events.RowReceived](&message)
			if err != nil {
				b.Fatal(err)
			}
			verdicts = append(verdicts, policy.Judge(row))
		}
		for _, outcome := range policy.Outcomes(verdicts, make(Aggregates, len(verdicts))) {
			var err error
			if body, err = events.Append(body[:0], outcome, now); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// decidedMessages are a full batch of rows with twelve columns; change changes each.
func decidedMessages(change func(*events.RowReceived)) []eventlog.Message {
	messages := make([]eventlog.Message, maxRows)
	for i := range messages {
		row := &events.RowReceived{JobID: 10, Row: events.Row(i + 1), Line: uint64(i + 2)}
		for _, name := range []string{
			"license__license_key", "product__short_code", "customer__email", "customer__first_name",
			"customer__last_name", "customer__company_name", "order__store_id", "license__enabled",
			"license__max_activations", "license__validity_period", "license__license_type", "license__note",
		} {
			column := mustColumn(name)
			row.Values[column] = events.Columns[column].Example
		}
		row.Values[events.ColumnKey] = fmt.Sprintf("%08X-%04d", i*2654435761, i)
		change(row)
		messages[i] = eventlog.Message{Subject: row.Subject(), Data: events.AppendRow(nil, row, time.Now())}
	}
	return messages
}

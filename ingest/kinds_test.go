package ingest

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"licenseimport/events"
	"licenseimport/internal/access"
)

// TestEachKindHasItsUpload: a file is imported as what its address says, in the columns of that kind, and its
// result is below that kind's address.
func TestEachKindHasItsUpload(t *testing.T) {
	h := newHarness(t, Config{})
	for _, kind := range events.Kinds {
		for _, path := range []string{kind.Upload, strings.TrimSuffix(kind.Upload, "/")} {
			a := h.send(string(Template(kind)), request{kind: &events.Kind{Upload: path}})
			if a.status != 200 || a.header.Get("Location") != resultsPath(kind)+a.body.JobID.String()+"/" {
				t.Fatalf("%s: %d %s %v", path, a.status, a.text, a.header)
			}
			started := h.state(a.body.JobID).Started
			if started.Kind != kind.Name || !slices.Equal(started.Columns, kind.ColumnNames()) || started.Mapping != nil {
				t.Errorf("%s: %+v", path, started)
			}
			row := h.rows(a.body.JobID)[0]
			for _, i := range kind.Columns() {
				if row.Values[i] != events.Columns[i].Example {
					t.Errorf("%s: %s is %q", path, events.Columns[i].Name, row.Values[i])
				}
			}
		}
	}
}

// TestCustomersMayHaveTheirNamesInALicensesFile: a customers' file may have the headers that a licenses' file
// has for customers.
func TestCustomersMayHaveTheirNamesInALicensesFile(t *testing.T) {
	h := newHarness(t, Config{})
	a := h.send("Customer__Email,customer__city,phone\nada@example.com,London,01\n", request{kind: events.Customers})
	if a.status != 200 {
		t.Fatal(a.text)
	}
	started := h.state(a.body.JobID).Started
	if got := strings.Join(started.Columns, " "); got != "email city phone" {
		t.Errorf("columns %s", got)
	}
	if got := strings.Join(started.Headers, " "); got != "Customer__Email customer__city phone" {
		t.Errorf("headers %s", got)
	}
	if row := h.rows(a.body.JobID)[0]; value(row, "email") != "ada@example.com" || value(row, "city") != "London" {
		t.Errorf("%+v", row.Values)
	}
	if a := h.send("email,customer__email\na@b.example,a@b.example\n", request{kind: events.Customers}); a.status != 400 ||
		a.body.Errors[0].Code != "duplicate_column" || a.body.Errors[0].Column != "customer__email" {
		t.Errorf("twice: %d %s", a.status, a.text)
	}
}

// TestAFileOfAnotherKindIsRefused, and the answer says of which kind its columns are.
func TestAFileOfAnotherKindIsRefused(t *testing.T) {
	h := newHarness(t, Config{})
	for _, kind := range events.Kinds {
		for _, other := range events.Kinds {
			if kind == other {
				continue
			}
			a := h.send(string(Template(other)), request{kind: kind})
			if a.status != 400 || a.body.Code != "invalid_header" ||
				!strings.Contains(a.body.Detail, "the file's columns are those of "+other.Many) {
				t.Errorf("%s as %s: %d %s", other.Name, kind.Name, a.status, a.text)
			}
		}
	}
	if rows := h.stored.Load(); rows != 0 {
		t.Errorf("%d rows stored", rows)
	}
}

// TestAnImportIsOfOneAddress: at the address of another kind an import does not exist.
func TestAnImportIsOfOneAddress(t *testing.T) {
	h := newHarness(t, Config{})
	jobs := map[*events.Kind]events.JobID{}
	for _, kind := range events.Kinds {
		jobs[kind] = h.send(string(Template(kind)), request{kind: kind}).body.JobID
	}
	for _, kind := range events.Kinds {
		for of, job := range jobs {
			for _, what := range []string{"retry", "undo", "cancel"} {
				a := h.postTo(kind, job, what, "")
				switch {
				case of != kind && (a.status != 404 || a.body.Code != "not_found"):
					t.Errorf("%s of %s at %s: %d %s", what, of.Name, kind.Name, a.status, a.text)
				case of == kind && a.status == 404:
					t.Errorf("%s of %s: %s", what, of.Name, a.text)
				}
			}
		}
	}
	a := h.postTo(events.Customers, jobs[events.Customers], "undo", "")
	if a.status != 409 || a.body.Code != "cannot_be_undone" {
		t.Errorf("undo of customers: %d %s", a.status, a.text)
	}
	if a := h.send(string(Template(events.Features)), request{kind: events.Features}); a.status != 200 {
		t.Fatal(a.text)
	} else if a := h.postTo(events.Features, a.body.JobID, "cancel", ""); a.status != 202 ||
		!strings.HasPrefix(a.header.Get("Location"), resultsPath(events.Features)) {
		t.Errorf("cancel: %d %s %v", a.status, a.text, a.header)
	}
}

// TestAKeyOfOneKindIsNotRepeatedByAnother: an Idempotency-Key that was used for a file of one kind is 422 for
// the same file of another kind.
func TestAKeyOfOneKindIsNotRepeatedByAnother(t *testing.T) {
	h := newHarness(t, Config{})
	key := map[string]string{"Idempotency-Key": "one"}
	const file = "Who\nada@example.com\n"
	first := h.send(file, request{kind: events.Customers, header: key, query: "?map=Who:email"})
	again := h.send(file, request{kind: events.Customers, header: key, query: "?map=Who:email"})
	if first.status != 200 || again.body.JobID != first.body.JobID {
		t.Errorf("%s %s", first.text, again.text)
	}
	a := h.send(file, request{header: key, query: "?map=Who:license__license_key&set=product__short_code:psc"})
	if a.status != 422 || a.body.Code != "idempotency_key_reused" {
		t.Errorf("%d %s", a.status, a.text)
	}
}

// TestLimitedManagersDoNotImportCustomers: customers belong to no product.
func TestLimitedManagersDoNotImportCustomers(t *testing.T) {
	h := newHarness(t, Config{})
	key := h.key("lena", access.Importer, "psc")
	for _, kind := range events.Kinds {
		want := 200
		if kind == events.Customers {
			want = 403
		}
		if a := h.send(string(Template(kind)), request{kind: kind, key: key}); a.status != want {
			t.Errorf("%s: %d %s", kind.Name, a.status, a.text)
		}
	}
	if a := h.postTo(events.Customers, 1, "retry", key); a.status != 403 {
		t.Errorf("retry: %d %s", a.status, a.text)
	}
}

// TestMappingsAreOfAKind: a mapping names columns of its kind, is for files of its kind only, and its kind is
// shown and stored.
func TestMappingsAreOfAKind(t *testing.T) {
	h := newHarness(t, Config{})
	const features = `{"kind":"features","columns":{"Serial":"license_key","Entitlement":"code","Until":"expiry_date"},"date_format":"DD.MM.YYYY","values":{"expiry_date":{"nie":""}}}`
	if a := h.mappingRequest("PUT", "ours", features, ""); a.status != 200 ||
		!strings.Contains(a.text, `"kind":"features"`) {
		t.Fatal(a.text)
	}
	if a := h.mappingRequest("PUT", "bad", strings.Replace(features, "features", "customers", 1), ""); a.status != 400 ||
		a.body.Errors[0].Code != "unknown_column" ||
		!strings.Contains(a.body.Detail, "one of features, and this mapping is for customers") {
		t.Errorf("%d %s", a.status, a.text)
	}
	if a := h.mappingRequest("PUT", "bad", strings.Replace(features, "features", "cars", 1), ""); a.status != 400 ||
		a.body.Errors[0].Code != "unknown_kind" {
		t.Errorf("%d %s", a.status, a.text)
	}
	const file = "Serial;Entitlement;Until\nA-1;reports;31.12.2030\nA-1;export;nie\n"
	a := h.send(file, request{kind: events.Features, query: "?mapping=ours"})
	if a.status != 200 {
		t.Fatal(a.text)
	}
	started := h.state(a.body.JobID).Started
	if started.Mapping.Kind != "features" || strings.Join(started.Columns, " ") != "license_key code expiry_date" {
		t.Errorf("%+v", started)
	}
	for _, other := range []*events.Kind{events.Licenses, events.Customers} {
		a := h.send(file, request{kind: other, query: "?mapping=ours"})
		if a.status != 400 || a.body.Code != "invalid_mapping" || a.body.Errors[0].Code != "other_kind" ||
			!strings.Contains(a.body.Detail, `"ours" is for features`) {
			t.Errorf("%s: %d %s", other.Name, a.status, a.text)
		}
		if a, _ := h.inspect([]byte(file), "?mapping=ours&kind="+other.Name, ""); a.status != 400 ||
			a.body.Code != "invalid_mapping" {
			t.Errorf("%s: %d %s", other.Name, a.status, a.text)
		}
	}
	if a := h.send(file, request{kind: events.Features, query: "?mapping=keygen"}); a.status != 400 ||
		a.body.Code != "invalid_mapping" {
		t.Errorf("%d %s", a.status, a.text)
	}
}

// TestInspectByKind: suggestions and what is missing are of the kind that the query names.
func TestInspectByKind(t *testing.T) {
	h := newHarness(t, Config{})
	const file = "License Key,Feature Code,Email,Expires\nAAAA-BBBB-CCC1,reports,ada@example.com,2030-01-31\nAAAA-BBBB-CCC1,export,ada@example.com,2030-01-31\n"
	for kind, want := range map[string]string{
		"":          "License Key=license__license_key Feature Code= Email=customer__email Expires=license__validity_period missing product__short_code",
		"features":  "License Key=license_key Feature Code=code Email= Expires=expiry_date missing ",
		"customers": "License Key= Feature Code= Email=email Expires= missing ",
	} {
		query := "?kind=" + kind
		if kind == "" {
			query = ""
		}
		a, found := h.inspect([]byte(file), query, "")
		if got := suggestions(found) + " missing " + strings.Join(found.Missing, " "); a.status != 200 || got != want {
			t.Errorf("%s: %d\n got %s\nwant %s", kind, a.status, got, want)
		}
	}
	if a, _ := h.inspect([]byte(file), "?kind=cars", ""); a.status != 400 ||
		!strings.Contains(a.text, "licenses, features, customers") {
		t.Errorf("%d %s", a.status, a.text)
	}
}

// TestTemplatesOfEachKind: each kind has a CSV and a workbook with its columns, which it takes back.
func TestTemplatesOfEachKind(t *testing.T) {
	h := newHarness(t, Config{})
	for _, kind := range events.Kinds {
		for extension, contentType := range map[string]string{".csv": "text/csv", ".xlsx": "application/vnd.openxmlformats"} {
			req, _ := http.NewRequestWithContext(t.Context(), "GET", h.http.URL+prefix+kind.Template(extension), nil)
			h.authorize(req, "")
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			a := readAnswer(t, res)
			if a.status != 200 || !strings.HasPrefix(a.header.Get("Content-Type"), contentType) ||
				!strings.Contains(a.header.Get("Content-Disposition"), kind.One+"-import-template"+extension) {
				t.Fatalf("%s: %d %v", kind.Template(extension), a.status, a.header)
			}
			sent := h.send(a.text, request{kind: kind, name: "template" + extension})
			if sent.status != 200 {
				t.Fatalf("%s cannot be uploaded: %s", kind.Template(extension), sent.text)
			}
			if got := h.state(sent.body.JobID).Started.Columns; !slices.Equal(got, kind.ColumnNames()) {
				t.Errorf("%s: %v", kind.Template(extension), got)
			}
		}
	}
}

// TestRetryKeepsTheKind: a retry is an import of the kind of the first one, in its columns.
func TestRetryKeepsTheKind(t *testing.T) {
	h := newHarness(t, Config{})
	for _, kind := range []*events.Kind{events.Features, events.Customers} {
		column := events.Columns[kind.Required()[0]].Name
		first := h.send("Which,Else\nA-1,x\n", request{kind: kind,
			query: "?map=Which:" + column + "&ignore=Else" + map[bool]string{true: "&set=code:reports"}[kind == events.Features]})
		if first.status != 200 {
			t.Fatal(first.text)
		}
		job := first.body.JobID
		h.reject(job, "")
		again := h.postTo(kind, job, "retry", "")
		if again.status != 200 || !strings.HasPrefix(again.header.Get("Location"), resultsPath(kind)) {
			t.Fatalf("%s: %d %s", kind.Name, again.status, again.text)
		}
		s := h.state(again.body.JobID)
		if s.Started.Kind != kind.Name || s.Started.RetryOf != job || !slices.Equal(s.Started.Columns, []string{column}) {
			t.Errorf("%s: %+v", kind.Name, s.Started)
		}
		if got := value(h.rows(again.body.JobID)[0], column); got != "A-1" {
			t.Errorf("%s: %q", kind.Name, got)
		}
	}
}

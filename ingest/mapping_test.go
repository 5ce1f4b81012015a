package ingest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/internal/access"
)

// noBase is the base of an upload without a mapping.
func noBase(string) (*events.Mapping, error) { return nil, nil }

// mapQuery is a query of pairs of names and values.
func mapQuery(pairs ...string) string {
	q := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		q.Add(pairs[i], pairs[i+1])
	}
	return "?" + q.Encode()
}

const foreign = "Serial No.;Notes 2;Mail\nAB-1;x;ada@example.com\nAB-2;y;bob@example.com\n"

var foreignQuery = mapQuery("map", "Serial No.:license__license_key", "map", "mail:customer__email", "set", "product__short_code:pp", "ignore", "Notes 2")

func TestUploadWithForeignHeadersIsMapped(t *testing.T) {
	h := newHarness(t, Config{})
	if a := h.send(foreign, request{query: foreignQuery}); a.status != 200 {
		t.Fatal(a.text)
	}
	s := h.state(1).Started
	if strings.Join(s.Columns, "|") != "license__license_key|customer__email" || strings.Join(s.Headers, "|") != "Serial No.|Mail" ||
		strings.Join(s.Ignored, "|") != "Notes 2" || s.Delimiter != ";" ||
		s.Query != "ignore=Notes+2&map=Serial+No.%3Alicense__license_key&map=mail%3Acustomer__email&set=product__short_code%3App" {
		t.Errorf("%+v", s)
	}
	if m := s.Mapping; m == nil || *m.Columns["Serial No."] != "license__license_key" || m.Columns["Notes 2"] != nil || m.Set["product__short_code"] != "pp" {
		t.Errorf("%+v", m)
	}
	for i, row := range h.rows(1) {
		if value(row, "license__license_key") != []string{"AB-1", "AB-2"}[i] || value(row, "product__short_code") != "" {
			t.Errorf("not as sent: %+v", row)
		}
	}
}

func TestUploadWithoutMappingHasNone(t *testing.T) {
	h := newHarness(t, Config{})
	h.send(csvOf(1), request{})
	if s := h.state(1).Started; s.Mapping != nil || s.Headers != nil || s.Ignored != nil {
		t.Errorf("%+v", s)
	}
}

func TestRefusedMappings(t *testing.T) {
	h := newHarness(t, Config{})
	for name, c := range map[string]struct{ query, file, code, problem, parameter string }{
		"no column of that name": {mapQuery("map", "Serial No.:license__key"), foreign, "invalid_mapping", "unknown_column", ""},
		"no colon":               {mapQuery("set", "pp"), foreign, "invalid_mapping", "unknown_column", ""},
		"no such header": {mapQuery("map", "Serial:license__license_key", "set", "product__short_code:pp", "unknown_columns", "ignore"),
			foreign, "invalid_header", "unknown_header", ""},
		"set what the file gives": {mapQuery("set", "product__short_code:pp"), csvOf(1), "invalid_header", "set_and_mapped", ""},
		"a missing column": {mapQuery("map", "Mail:customer__email", "set", "product__short_code:pp", "ignore", "Notes 2", "unknown_columns", "ignore"), foreign,
			"invalid_header", "missing_column", "map=Serial No.:license__license_key"},
		"a foreign header":         {"", foreign, "invalid_header", "missing_column", "map=Serial No.:license__license_key"},
		"a date format":            {mapQuery("date_format", "ambiguous"), csvOf(1), "invalid_mapping", "invalid_date_format", ""},
		"a date of no format":      {mapQuery("date_format", "YY", "set", "license__validity_period:2030-01-01"), csvOf(1), "invalid_mapping", "invalid_date_format", ""},
		"a mapping that is not":    {mapQuery("mapping", "mine"), csvOf(1), "unknown_mapping", "", ""},
		"an empty one":             {"?map=&map=a:license__note", csvOf(1), "invalid_parameter", "", ""},
		"a file's unknown mapping": {"", "license__license_key,product__short_code,error__mapping\na,b,import 99\n", "unknown_mapping", "", ""},
		"a file's unknown name":    {"", "license__license_key,product__short_code,error__mapping\na,b,nobody's\n", "unknown_mapping", "", ""},
	} {
		a := h.send(c.file, request{query: c.query})
		found := c.problem == ""
		parameter := ""
		for _, e := range a.body.Errors {
			found = found || e.Code == c.problem
			if e.Code == c.problem && parameter == "" {
				parameter = e.Parameter
			}
		}
		if a.status != 400 || a.body.Code != c.code || !found || c.parameter != "" && parameter != c.parameter {
			t.Errorf("%s: %d %s", name, a.status, a.text)
		}
	}
	if rows := h.stored.Load(); rows != 0 {
		t.Errorf("%d rows stored", rows)
	}
}

// put sends a request about a saved mapping.
func (h *harness) mappingRequest(method, name, body, key string) answer {
	h.Helper()
	req, err := http.NewRequestWithContext(h.Context(), method, h.http.URL+mappingsPath+url.PathEscape(name), strings.NewReader(body))
	if err != nil {
		h.Fatal(err)
	}
	h.authorize(req, key)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		h.Fatal(err)
	}
	return readAnswer(h, res)
}

const vendorMapping = `{"kind":"licenses","columns":{"Serial No.":"license__license_key","Notes 2":null,"Mail":"customer__email"},` +
	`"set":{"product__short_code":"pp"},"date_format":"MM/DD/YYYY","values":{"license__license_type":{"Lifetime":"perpetual"}}}`

func TestSavedMappings(t *testing.T) {
	h := newHarness(t, Config{})
	viewer, importer := h.key("eve", access.Viewer), h.key("ada", access.Importer)
	want := func(a answer, status int, code, part string) {
		t.Helper()
		if a.status != status || a.body.Code != code || !strings.Contains(a.text, part) {
			t.Errorf("%d %s, want %d %s %s", a.status, a.text, status, code, part)
		}
	}
	want(h.mappingRequest("GET", "unser Händler", "", viewer), 404, "not_found", "")
	want(h.mappingRequest("PUT", "unser Händler", vendorMapping, viewer), 403, "permission_denied", "")
	want(h.mappingRequest("PUT", "unser Händler", vendorMapping, importer), 200, "", `"Notes 2":null`)
	saved := h.mappingRequest("GET", "unser Händler", "", viewer)
	want(saved, 200, "", `"date_format":"MM/DD/YYYY"`)
	want(h.mappingRequest("PUT", "copy", strings.Replace(saved.text, `"unser Händler"`, `""`, 1), importer), 200, "", `"name":"copy"`)
	want(h.mappingRequest("GET", "", "", viewer), 200, "", `"name":"unser Händler"`)
	want(h.mappingRequest("GET", "Keygen", "", viewer), 200, "", `"builtin":true`)
	for name, body := range map[string]string{
		"no JSON": `x`, "two objects": `{} {}`, "an unknown member": `{"column":{}}`, "another name": `{"name":"b"}`, "a number": `{"columns":{"a":1}}`,
		"null": ` null `, "no text": "{\"columns\":{\"Schl\xfcssel\":null}}",
	} {
		if a := h.mappingRequest("PUT", "a", body, importer); a.status != 400 || a.body.Code != "invalid_mapping" {
			t.Errorf("%s: %d %s", name, a.status, a.text)
		}
	}
	want(h.mappingRequest("PUT", "a", `{"colums":{}}`, importer), 400, "invalid_mapping", `there is no member \"colums\".`)
	want(h.mappingRequest("PUT", "copy", "\uFEFF{}", importer), 200, "", "") // as some editors on Windows write it
	want(h.mappingRequest("PUT", "a", `{"columns":{"A":"license__kee"}}`, importer), 400, "invalid_mapping", "license__license_key")
	want(h.mappingRequest("PUT", "a", `{"values":{"a":{"`+strings.Repeat("x", 300<<10)+`":""}}}`, importer), 413, "mapping_too_large", "")
	want(h.mappingRequest("PUT", " a", `{}`, importer), 400, "invalid_name", "")
	want(h.mappingRequest("PUT", ".", `{}`, importer), 400, "invalid_name", "")
	want(h.mappingRequest("PUT", "..", `{}`, importer), 400, "invalid_name", "")
	want(h.mappingRequest("PUT", "...", `{}`, importer), 200, "", "")
	want(h.mappingRequest("PUT", strings.Repeat("許", 64), `{}`, importer), 400, "invalid_name", "")
	want(h.mappingRequest("PUT", "KEYGEN", `{}`, importer), 409, "builtin_mapping", "")
	want(h.mappingRequest("DELETE", "shopify", "", importer), 409, "builtin_mapping", "")
	want(h.mappingRequest("DELETE", "unser Händler", "", viewer), 403, "permission_denied", "")
	want(h.mappingRequest("DELETE", "copy", "", importer), 204, "", "")
	want(h.mappingRequest("DELETE", "copy", "", importer), 404, "not_found", "")
}

// TestDateFormatInAnyCase: whatever case a client writes a date format in, answers and events have its name.
func TestDateFormatInAnyCase(t *testing.T) {
	h := newHarness(t, Config{})
	lower := strings.Replace(vendorMapping, "MM/DD/YYYY", " mm/dd/yyyy", 1)
	saved := h.mappingRequest("PUT", "lower", lower, adminKey)
	inspected, _ := h.inspect([]byte(foreign), "?mapping=lower", adminKey)
	for _, a := range []answer{
		saved, h.mappingRequest("GET", "lower", "", adminKey), h.mappingRequest("GET", "", "", adminKey), inspected,
	} {
		if a.status != 200 || !strings.Contains(a.text, `"date_format":"MM/DD/YYYY"`) || strings.Contains(a.text, "mm/dd") {
			t.Errorf("%d %s", a.status, a.text)
		}
	}
	h.send(foreign, request{query: mapQuery("mapping", "lower")})
	h.send(foreign, request{query: mapQuery("mapping", "lower", "date_format", "dd/mm/yyyy")})
	if a, b := h.state(1).Started.Mapping.DateFormat, h.state(2).Started.Mapping.DateFormat; a != "MM/DD/YYYY" || b != "DD/MM/YYYY" {
		t.Errorf("started with %s and %s", a, b)
	}
}

// A saved mapping is used by its name, and what was started with it stays as it is.
func TestUploadWithASavedMapping(t *testing.T) {
	h := newHarness(t, Config{})
	h.mappingRequest("PUT", "vendor", vendorMapping, adminKey)
	query := mapQuery("mapping", "vendor", "set", "license__enabled:false")
	if a := h.send(foreign, request{query: query, header: map[string]string{"Idempotency-Key": "a"}}); a.status != 200 {
		t.Fatal(a.text)
	}
	s := h.state(1).Started
	if s.Mapping.Name != "vendor" || s.Mapping.DateFormat != "MM/DD/YYYY" || s.Mapping.Set["license__enabled"] != "false" || s.Mapping.Set["product__short_code"] != "pp" {
		t.Errorf("%+v", s.Mapping)
	}
	h.mappingRequest("PUT", "vendor", strings.Replace(vendorMapping, "pp", "other", 1), adminKey)
	if again := h.state(1).Started; again.Mapping.Set["product__short_code"] != "pp" {
		t.Error("the import has changed")
	}
}

// TestUnreadableSavedMapping: a saved mapping that cannot be read is the server's fault: not that
// of an upload, nor one that passes.
func TestUnreadableSavedMapping(t *testing.T) {
	h := newHarness(t, Config{})
	h.send(csvOf(2), request{})
	h.reject(1, "psc")
	if _, err := h.log.Bucket(eventlog.Mappings).Put(t.Context(), events.Token("vendor"), []byte("x")); err != nil {
		t.Fatal(err)
	}
	const named = "Serial No.;Mail;error__mapping\nAB-1;ada@example.com;vendor\n"
	inspected, _ := h.inspect([]byte(named), "", adminKey)
	for what, a := range map[string]answer{
		"it":                      h.mappingRequest("GET", "vendor", "", adminKey),
		"the list":                h.mappingRequest("GET", "", "", adminKey),
		"an upload that names it": h.send(foreign, request{query: "?mapping=vendor"}),
		"a file that names it":    h.send(named, request{}),
		"an inspection":           inspected,
		"a retry":                 h.retry(1, "?mapping=vendor", request{}),
	} {
		if a.status != 500 || a.body.Code != "internal" || !strings.Contains(a.text, "save it again") {
			t.Errorf("%s: %d %s", what, a.status, a.text)
		}
	}
}

// TestSavedMappingOfARepeat: what became of a saved mapping does not matter to an upload that is repeated, whether the
// query or the file names it. The query does, but not its order.
func TestSavedMappingOfARepeat(t *testing.T) {
	h := newHarness(t, Config{})
	h.mappingRequest("PUT", "vendor", vendorMapping, adminKey)
	const named = "Serial No.;Mail;error__mapping\nAB-1;ada@example.com;vendor\n"
	query := mapQuery("mapping", "vendor", "set", "license__enabled:false", "set", "license__note:n")
	ordered := mapQuery("mapping", "vendor", "set", "license__note:n", "set", "license__enabled:false")
	ask := func(what, file, query, key string, status int, job events.JobID) {
		t.Helper()
		q := withKey(key)
		q.query = query
		if a := h.send(file, q); a.status != status || a.body.JobID != job {
			t.Errorf("%s: %d %s", what, a.status, a.text)
		}
	}
	ask("by the query", foreign, query, "a", 200, 1)
	ask("by the file", named, "", "b", 200, 2)
	for _, change := range []func(){
		func() {},
		func() {
			h.mappingRequest("PUT", "vendor", strings.Replace(vendorMapping, "pp", "other", 1), adminKey)
		},
		func() { h.mappingRequest("PUT", "vendor", `{"columns":{"No.":"license__license_key"}}`, adminKey) },
		func() { h.mappingRequest("DELETE", "vendor", "", adminKey) },
	} {
		change()
		ask("the same again", foreign, query, "a", 200, 1)
		ask("in another order", foreign, ordered, "a", 200, 1)
		ask("the same file again", named, "", "b", 200, 2)
		ask("with less", foreign, mapQuery("mapping", "vendor"), "a", 422, 1)
		ask("with another mapping", foreign, mapQuery("mapping", "none"), "a", 422, 1)
		ask("with a mapping beside the file's", named, mapQuery("mapping", "vendor"), "b", 422, 2)
		ask("another file", named, query, "a", 422, 1)
	}
	ask("a new key", foreign, query, "c", 400, 0)
}

// A file of rejected rows is mapped by the mapping of the import that it names.
func TestRejectedRowsAreMappedAgain(t *testing.T) {
	h := newHarness(t, Config{})
	ada, bob := h.key("ada", access.Importer), h.key("bob", access.Importer)
	h.send(foreign, request{query: foreignQuery, key: ada})
	returned := "Serial No.;Mail;error__row;error__mapping;error__raw_guarded\nAB-1;ada@example.com;1;import 1;\nAB-9;;;;\n"
	if a := h.send(returned, request{key: ada}); a.status != 200 {
		t.Fatal(a.text)
	}
	first, second := h.state(1).Started, h.state(2).Started
	if second.Mapping == nil || second.Mapping.Set["product__short_code"] != "pp" || len(first.Mapping.Columns) != len(second.Mapping.Columns) {
		t.Errorf("%+v", second.Mapping)
	}
	if rows := h.rows(2); len(rows) != 2 || value(rows[1], "license__license_key") != "AB-9" {
		t.Errorf("%+v", rows)
	}
	if a := h.send(returned, request{key: bob}); a.status != 400 || a.body.Code != "unknown_mapping" {
		t.Errorf("by a manager who may not see the import: %d %s", a.status, a.text)
	}
	mixed := "Serial No.;error__mapping\nAB-1;import 1\nAB-2;import 2\n"
	if a := h.send(mixed, request{key: ada}); a.status != 400 || a.body.Code != "mixed_mappings" {
		t.Errorf("rows of two mappings: %d %s", a.status, a.text)
	}
	if a := h.send(strings.Replace(returned, "import 1", "import 99", 1), request{key: ada, query: foreignQuery}); a.status != 400 {
		t.Errorf("of an unknown import: %d %s", a.status, a.text)
	}
	h.mappingRequest("PUT", "vendor", vendorMapping, ada)
	for name, query := range map[string]string{"by name": "", "by the query": "?mapping=vendor"} {
		file := strings.Replace(returned, "import 1", "vendor (import 99)", 1)
		if a := h.send(file, request{key: ada, query: query}); a.status != 200 {
			t.Errorf("%s: %d %s", name, a.status, a.text)
		}
	}
}

// Guarded headers are the file's own again, whatever comes of them: the mapping finds them, and the next file of
// rejected rows and an inspection have them as they were.
func TestGuardedHeadersAreRead(t *testing.T) {
	h := newHarness(t, Config{})
	h.send("=Serial;'-Mail;@Notes\nAB-1;ada@example.com;x\n", request{query: mapQuery("map", "=Serial:license__license_key",
		"map", "'-Mail:customer__email", "set", "product__short_code:pp", "ignore", "@Notes")})
	guarded := "'=Serial;''-Mail;error__row;error__mapping;error__raw_guarded\n'=AB-1;ada@example.com;1;import 1;\n"
	if a := h.send(guarded, request{}); a.status != 200 {
		t.Fatal(a.text)
	}
	if rows := h.rows(2); value(rows[0], "license__license_key") != "=AB-1" || value(rows[0], "customer__email") != "ada@example.com" {
		t.Errorf("%+v", rows)
	}
	if got := h.state(2).Started.Headers; !slices.Equal(got[:2], []string{"=Serial", "'-Mail"}) {
		t.Errorf("the headers are %q", got)
	}
	if a := h.send(strings.Replace(guarded, "raw_guarded", "raw", 1), request{}); a.status != 400 || a.body.Code != "invalid_header" {
		t.Errorf("a file that was not guarded: %d %s", a.status, a.text)
	}
	const want = "=Serial=license__license_key '-Mail=customer__email error__row= error__mapping= error__raw_guarded="
	if a, found := h.inspect([]byte(guarded), "", adminKey); suggestions(found) != want {
		t.Errorf("inspected: %s", a.text)
	}
}

// TestCorrectedFileNamesItsImport: the query says whose rejected rows a file has, or the file does by its
// mapping. What cannot be true is refused, or not taken from the file.
func TestCorrectedFileNamesItsImport(t *testing.T) {
	h := newHarness(t, Config{})
	ada, bob := h.key("ada", access.Importer), h.key("bob", access.Importer)
	h.send(foreign, request{query: foreignQuery, key: ada})
	const fixed, named = "license__license_key,product__short_code\nAB-1,pp\n", "Serial No.;Mail;error__row;error__mapping\nAB-1;ada@example.com;1;import 1\n"
	refused := func(query, key string) {
		t.Helper()
		if a := h.send(fixed, request{query: query, key: key}); a.status != 400 || a.body.Code != "invalid_parameter" ||
			!strings.Contains(a.text, "retry_of") {
			t.Errorf("%s: %d %s", query, a.status, a.text)
		}
	}
	refused("?retry_of=1", ada) // it has not ended
	if a := h.send(named, request{key: ada}); a.status != 200 || h.state(2).Started.RetryOf != 0 {
		t.Errorf("an import that goes on: %d %s %+v", a.status, a.text, h.state(2).Started)
	}
	h.append(&events.ImportFinished{JobID: 1, Status: events.Success, Row: 2,
		Counts: events.Counts{Imported: 1, Rejected: 1}}, h.state(1).Last.Seq)
	h.append(&events.ImportFinished{JobID: 2, Status: events.Success, Row: 1, Counts: events.Counts{Imported: 1}},
		h.state(2).Last.Seq)
	refused("?retry_of=1", bob) // it is not his to know of
	refused("?retry_of=2", ada) // it rejected nothing
	refused("?retry_of=99", ada)
	refused("?retry_of=x", ada)
	for file, query := range map[string]string{fixed: "?retry_of=1", named: ""} {
		a := h.send(file, request{query: query, key: ada})
		if a.status != 200 {
			t.Fatal(a.text)
		}
		if started := h.state(a.body.JobID).Started; started.RetryOf != 1 {
			t.Errorf("%s %q: %+v", query, file, started)
		}
	}
}

// TestFindingsKeepNames: the names of columns and of parameters are told as they are, and a question ends
// as one.
func TestFindingsKeepNames(t *testing.T) {
	for text, want := range map[string]string{
		"column 1 is not known":               "Column 1 is not known.",
		"license__note is given twice":        "license__note is given twice.",
		"map=Serial has no colon":             "map=Serial has no colon.",
		"\"A\" is no column: did you mean B?": "\"A\" is no column: did you mean B?",
	} {
		if got := findings([]string{text}); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

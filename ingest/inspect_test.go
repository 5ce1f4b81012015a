package ingest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"licenseimport/events/eventlog"
	"licenseimport/internal/access"
	"licenseimport/internal/mapping"
)

// inspect sends a file to be inspected.
func (h *harness) inspect(file []byte, query, key string) (answer, mapping.Inspection) {
	h.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	part, _ := w.CreateFormFile("file", "any.csv")
	_, _ = part.Write(file)
	_ = w.Close()
	req, err := http.NewRequestWithContext(h.Context(), "POST", h.http.URL+inspectPath+query, &b)
	if err != nil {
		h.Fatal(err)
	}
	req.Header.Set("Content-Type", w.FormDataContentType())
	h.authorize(req, key)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		h.Fatal(err)
	}
	a := readAnswer(h, res)
	var found mapping.Inspection
	if a.status == 200 {
		if err := json.Unmarshal([]byte(a.text), &found); err != nil {
			h.Fatal(err)
		}
	}
	return a, found
}

// suggestions are the columns of an inspection: header=column.
func suggestions(found mapping.Inspection) string {
	var all []string
	for _, c := range found.Columns {
		column := ""
		if c.Column != nil {
			column = *c.Column
		}
		all = append(all, c.Header+"="+column)
	}
	return strings.Join(all, " ")
}

func TestInspectSaysWhatAFileSeemsToBe(t *testing.T) {
	h := newHarness(t, Config{})
	a, found := h.inspect([]byte("Serial;E-Mail;Expires;Shop\nAB-12-CD;ada@example.com;12/31/2030;x\nAB-12-CE;bob@example.com;01/02/2031;x\n"), "?kind=licenses", adminKey)
	if a.status != 200 {
		t.Fatal(a.text)
	}
	if got := suggestions(found); got != "Serial=license__license_key E-Mail=customer__email Expires=license__validity_period Shop=" {
		t.Error(got)
	}
	if found.Format != "csv" || *found.Encoding != "utf-8" || *found.Delimiter != "semicolon" || found.DateFormat != "MM/DD/YYYY" ||
		strings.Join(found.Missing, " ") != "product__short_code" || len(found.Sheets) != 0 {
		t.Errorf("%s", a.text)
	}
	first := found.Columns[0]
	if strings.Join(first.Samples, " ") != "AB-12-CD AB-12-CE" || first.Confidence <= 0.5 || first.Why == "" {
		t.Errorf("%+v", first)
	}
	if !strings.Contains(a.text, `"column":null`) || !strings.Contains(a.text, `"sheets":[]`) {
		t.Error(a.text)
	}
	for _, stream := range []string{"ROWS", "LICENSES", eventlog.BucketStream(eventlog.Jobs)} {
		if s, err := h.log.StreamState(t.Context(), stream); err != nil || s.Last != 0 {
			t.Errorf("%s holds %+v, %v", stream, s, err)
		}
	}
}

// A file that goes on behind the part that is inspected needs no end of a row.
func TestInspectReadsTheBeginningOnly(t *testing.T) {
	h := newHarness(t, Config{})
	var b strings.Builder
	b.WriteString("Serial,Product\n")
	for i := 0; b.Len() < 3*mapping.InspectedBytes; i++ {
		fmt.Fprintf(&b, "AB-%07d,\"pp\"\n", i)
	}
	for name, size := range map[string]int{"whole": b.Len(), "the first MiB": mapping.InspectedBytes, "within a row": mapping.InspectedBytes - 3} {
		a, found := h.inspect([]byte(b.String()[:size]), "", adminKey)
		if a.status != 200 || suggestions(found) != "Serial=license__license_key Product=product__short_code" || len(found.Missing) != 0 {
			t.Errorf("%s: %d %s", name, a.status, a.text)
		}
	}
}

func TestInspectOfOtherFiles(t *testing.T) {
	h := newHarness(t, Config{})
	for name, c := range map[string]struct{ file, query, want, part string }{
		"windows-1252":  {"Schl\xfcssel,Produkt\nAB-12-CD,x\n", "", "Schlüssel=license__license_key Produkt=product__short_code", `"encoding":"windows-1252"`},
		"utf-16":        {"\xff\xfeS\x00K\x00U\x00\n\x00p\x00\n\x00", "", "SKU=product__short_code", `"encoding":"utf-16"`},
		"ambiguous":     {"Key,Expires\nAB-12-CD,1/2/2030\n", "", "Key=license__license_key Expires=license__validity_period", `"date_format":"ambiguous"`},
		"no row":        {"Serial,Product\n", "", "Serial=license__license_key Product=product__short_code", `"samples":[]`},
		"the delimiter": {"Serial;Product,x\nAB-12-CD;b,c\n", "?delimiter=semicolon", "Serial=license__license_key Product,x=", `"delimiter":"semicolon"`},
		"a mapping":     {"A,B\n1,2\n", "?mapping=mine", "A=license__license_key B=", `"missing":[]`},
	} {
		h.mappingRequest("PUT", "mine", `{"columns":{"A":"license__license_key","B":null},"set":{"product__short_code":"pp"}}`, adminKey)
		a, found := h.inspect([]byte(c.file), c.query, adminKey)
		if a.status != 200 || suggestions(found) != c.want || !strings.Contains(a.text, c.part) {
			t.Errorf("%s: %d %s", name, a.status, a.text)
		}
	}
}

func TestInspectOfRejectedRowsKnowsTheirMapping(t *testing.T) {
	h := newHarness(t, Config{})
	h.send(foreign, request{query: foreignQuery})
	a, found := h.inspect([]byte("Serial No.;Mail;error__row;error__mapping\nAB-1;;1;import 1\n"), "", adminKey)
	if got := suggestions(found); got != "Serial No.=license__license_key Mail=customer__email error__row= error__mapping=" || len(found.Missing) != 0 {
		t.Error(a.text)
	}
}

func TestInspectOfAWorkbook(t *testing.T) {
	files, err := filepath.Glob("../internal/workbook/testdata/*.xlsx")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	h := newHarness(t, Config{})
	file, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	a, found := h.inspect(file, "", adminKey)
	if a.status != 200 || found.Format != "xlsx" || found.Encoding != nil || found.Delimiter != nil || len(found.Sheets) == 0 || len(found.Columns) == 0 {
		t.Errorf("%d %s", a.status, a.text)
	}
}

// TestInspectReadsTheDayNumbersOfAWorkbook: as its import does, in columns that hold dates. In a CSV they are numbers.
func TestInspectReadsTheDayNumbersOfAWorkbook(t *testing.T) {
	h := newHarness(t, Config{})
	rows := [][]string{
		{"Serial", "Product", "Seats", "Expires"}, {"AAAA-0001", "psc", "46418", "46418"}, {"AAAA-0002", "psc", "3", " 46419"},
	}
	const want = "Serial=license__license_key Product=product__short_code Seats=license__max_activations " +
		"Expires=license__validity_period"
	a, found := h.inspect([]byte(makeWorkbook(t, sheetXML(rows...))), "", adminKey)
	if got := suggestions(found); got != want || found.DateFormat != mapping.ISO ||
		!slices.Equal(found.Columns[3].Samples, []string{"2027-01-31", "2027-02-01"}) || found.Columns[2].Samples[0] != "46418" ||
		found.FirstRows[0][3] != "2027-01-31" || found.FirstRows[0][2] != "46418" {
		t.Error(a.text)
	}
	var csv strings.Builder
	for _, row := range rows {
		csv.WriteString(strings.Join(row, ",") + "\n")
	}
	if a, found = h.inspect([]byte(csv.String()), "", adminKey); strings.Contains(suggestions(found), "validity_period") {
		t.Error(a.text)
	}
	mapped := makeWorkbook(t, sheetXML([]string{"Key", "X"}, []string{"A-1", "46418"}))
	h.mappingRequest("PUT", "days", `{"kind":"licenses","columns":{"X":"license__validity_period"}}`, adminKey)
	a, found = h.inspect([]byte(mapped), "?mapping=days", adminKey)
	if len(found.Columns) != 2 || found.Columns[1].Samples[0] != "2027-01-31" {
		t.Error(a.text)
	}
}

func TestInspectRefuses(t *testing.T) {
	h := newHarness(t, Config{MaxColumns: 3})
	viewer := h.key("eve", access.Viewer)
	for name, c := range map[string]struct {
		file, query, key string
		status           int
		code             string
	}{
		"a viewer":           {"a\n", "", viewer, 403, "permission_denied"},
		"another kind":       {"a\n", "?kind=cars", adminKey, 400, "invalid_parameter"},
		"another parameter":  {"a\n", "?dry_run=true", adminKey, 400, "unknown_parameter"},
		"an empty file":      {"", "", adminKey, 400, "empty_file"},
		"a PDF":              {"%PDF-1.7", "", adminKey, 415, "not_csv"},
		"a damaged workbook": {"PK\x03\x04", "", adminKey, 415, "not_csv"},
		"too many columns":   {"a,b,c,d\n", "", adminKey, 400, "too_many_columns"},
		"an unknown mapping": {"a\n", "?mapping=x", adminKey, 400, "unknown_mapping"},
		"a sheet of a CSV":   {"a\n", "?sheet=x", adminKey, 400, "invalid_parameter"},
	} {
		if a, _ := h.inspect([]byte(c.file), c.query, c.key); a.status != c.status || a.body.Code != c.code {
			t.Errorf("%s: %d %s", name, a.status, a.text)
		}
	}
	if used := h.in.Uploads(); used != 0 {
		t.Errorf("%d places are in use", used)
	}
}

// TestInspectOfAnEmptySheetNamesTheOthers: a workbook may begin with an empty sheet.
func TestInspectOfAnEmptySheetNamesTheOthers(t *testing.T) {
	h := newHarness(t, Config{})
	file := makeWorkbook(t, sheetXML())
	inspected, _ := h.inspect([]byte(file), "", adminKey)
	for name, a := range map[string]answer{"inspect": inspected, "upload": h.send(file, request{})} {
		if a.status != 400 || a.body.Code != "empty_file" || !strings.Contains(a.text, `"parameter":"sheet=Other"`) {
			t.Errorf("%s: %d %s", name, a.status, a.text)
		}
	}
}

// TestUploadTranslatesCellsOfTheQuery: what inspect suggests is an upload's parameters.
func TestUploadTranslatesCellsOfTheQuery(t *testing.T) {
	h := newHarness(t, Config{})
	file := "key,expiry,maxMachines,status,product\nAAAA-1111,2030-01-31T00:00:00.000Z,3,SUSPENDED,pp\n"
	_, found := h.inspect([]byte(file), "", adminKey)
	pairs := []string{"ignore", "none of these"}
	for _, c := range found.Columns {
		pairs = append(pairs, "map", c.Header+":"+*c.Column)
		for cell, to := range c.Translations[*c.Column] {
			pairs = append(pairs, "value", *c.Column+":"+cell+":"+to)
		}
	}
	if a := h.send(file, request{query: mapQuery(pairs...)}); a.status != 200 {
		t.Fatal(a.text)
	}
	if m := h.state(1).Started.Mapping; m.Values["license__enabled"]["SUSPENDED"] != "false" {
		t.Errorf("%+v", m)
	}
	if row := h.rows(1)[0]; value(row, "license__enabled") != "SUSPENDED" {
		t.Errorf("not as sent: %+v", row)
	}
	if a := h.send(file, request{query: mapQuery("value", "license__enabled:SUSPENDED:perhaps")}); a.status != 400 ||
		a.body.Code != "invalid_mapping" {
		t.Errorf("%d %s", a.status, a.text)
	}
}

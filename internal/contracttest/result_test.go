package contracttest

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestCounts: the counters count rows.
func TestCounts(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.as(t, s.admin)
	const header = "license__license_key,product__short_code,customer__email,order__store_id\n"
	r := c.imports("", header+
		"a-1,psc,new@example.com,o-1\n"+
		"a-2,psc,NEW@example.com,o-1\n"+ // the same customer, the same order
		"a-1,psc,new@example.com,o-1\n"+ // an earlier row of this file
		"a-1,psc,other@example.com,o-2\n"+ // existed: makes no customer, no order, and neither exists
		"a-3,psc,,\n"+ // a separate order
		"A-1,psc,,\n"+ // upper and lower case differ
		"a-1,PSC,,\n"+ // the same
		",psc,third@example.com,o-3\n") // rejected: makes nothing
	counts(8, 7, 1, 1, 2, 4, 2, 5, 2).check(t, "first", r)
	fields{"result.warning_count": "0", "result.error_counts": `{"required":1}`, "progress": "1", "error": "null"}.check(t, "first", r)
	fields{"count": "1"}.check(t, "customers", c.get(200, "/api/v1/customers/"))
	fields{"count": "4"}.check(t, "orders", c.get(200, "/api/v1/orders/"))
	fields{"results.0.order.store_id": "null", "results.0.customer": "null"}.check(t, "a-3", c.get(200, "/api/v1/licenses/?license_key=a-3"))

	r = c.imports("", header+"b-1,psc,new@example.com,o-1\nb-2,psc,new@example.com,O-1\n")
	counts(2, 2, 0, 0, 2, 1, 1, 2, 0).check(t, "second", r)
	rows := pages[json.RawMessage](t, c, resultsPath+"1/existed_rows/")
	if len(rows) != 2 || field(rows[0], "row") != "3" || field(rows[0], "import_id") != "1" || field(rows[0], "import_row") != "1" {
		t.Errorf("existed rows: %s", rows)
	}
	r = c.imports("", header+"a-2,psc,,\n")
	fields{"results.0.row": "1", "results.0.license_key": `"a-2"`, "results.0.product": `"psc"`, "results.0.import_id": "1", "results.0.import_row": "2"}.
		check(t, "existed", c.get(200, resultsPath+r.field("id")+"/existed_rows"))
}

// TestDifferingRows: a row whose license existed says in which columns it says something else, than an
// earlier import or than an earlier row of the file. Empty values and defaults say nothing.
func TestDifferingRows(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.as(t, s.admin)
	const header = "license__license_key,product__short_code,customer__email,license__enabled,license__max_activations,license__note\n"
	r := c.imports("", header+"d-1,psc,Ada@example.com,,3,first\nd-1,psc,,,4,\n")
	fields{"result.existed_licenses_count": "1", "result.differing_rows_count": "1"}.check(t, "within a file", r)
	r = c.imports("", header+"d-1,psc,ADA@example.com,yes,3,first\nd-1,psc,,,,\nd-1,psc,bob@example.com,no,,second\nd-2,psc,,,,\n")
	fields{"result.existed_licenses_count": "3", "result.differing_rows_count": "1"}.check(t, "the second import", r)
	fields{
		"results.0.differs": "[]", "results.1.differs": "[]",
		"results.2.differs": `["customer__email","license__enabled","license__note"]`,
	}.check(t, "existed rows", c.get(200, resultsPath+r.field("id")+"/existed_rows/"))
	fields{"result.differing_rows_count": "0"}.check(t, "new licenses only", c.imports("", header+"d-3,psc,,,,\n"))
}

// TestDryRun validates and counts, and makes nothing.
func TestDryRun(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.as(t, s.admin)
	r := c.imports("?dry_run=true", header2+"a-1,psc\na-1,psc\n,psc\n")
	counts(3, 2, 1, 0, 0, 0, 0, 0, 0).check(t, "dry", r)
	fields{"dry_run": "true", "status": `"success"`, "result.invalid_rows.0.row": "3", "progress": "1"}.check(t, "dry", r)
	r = c.imports("?dry_run=TRUE&mode=all_or_nothing", header2+"a-1,psc\n,psc\n")
	counts(2, 1, 1, 0, 0, 0, 0, 0, 0).check(t, "dry, all or nothing", r)
	fields{"status": `"error"`, "dry_run": "true"}.check(t, "it tells how it would end", r)
	fields{"count": "0"}.check(t, "licenses", c.get(200, "/api/v1/licenses/"))
	counts(1, 1, 0, 0, 0, 1, 0, 1, 0).check(t, "in earnest", c.imports("?dry_run=false", header2+"a-1,psc\n"))
}

// TestAllOrNothing, both ways.
func TestAllOrNothing(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.as(t, s.admin)
	const header = "license__license_key,product__short_code,customer__email\n"
	r := c.imports("?mode=all_or_nothing", header+"a-1,psc,a@example.com\na-2,psc,nonsense\na-3,psc,\n")
	counts(3, 2, 1, 0, 0, 0, 0, 0, 0).check(t, "refused", r)
	fields{"status": `"error"`, "mode": `"all_or_nothing"`, "result.invalid_rows.0.errors.0.code": `"invalid_email"`}.check(t, "refused", r)
	if r.field("error.code") == "" || r.field("error.message") == "" {
		t.Errorf("the error is %s", r.field("error"))
	}
	fields{"count": "0"}.check(t, "licenses", c.get(200, "/api/v1/licenses/"))
	fields{"count": "0"}.check(t, "customers", c.get(200, "/api/v1/customers/"))
	r = c.imports("?mode=all_or_nothing", header+"a-1,psc,a@example.com\na-2,psc,a@example.com\na-1,psc,\n")
	counts(3, 3, 0, 1, 1, 2, 0, 2, 1).check(t, "all", r)
	fields{"status": `"success"`, "error": "null"}.check(t, "all", r)
	dry := c.imports("?mode=all_or_nothing&existing=update&dry_run=true", header+"a-2,psc,b@example.com\na-3,psc,nonsense\n")
	fields{"status": `"error"`, "result.preview": `{"created_licenses":0,"existed_licenses":0,"updated_licenses":0}`}.
		check(t, "a dry run that is refused", dry)
	fields{"count": "0"}.check(t, "its updated rows", c.get(200, resultsPath+dry.field("id")+"/updated_rows/"))
}

// TestCancel, in each state.
func TestCancel(t *testing.T) {
	t.Parallel()
	s := serve(t, "--concurrency", "1")
	c := s.as(t, s.admin)
	cancel := func(status int, id string) answer {
		t.Helper()
		return c.call(status, "POST", resultsPath+id+"/cancel/", nil)
	}

	u := c.begin("", 3_000) // uploading
	cancel(202, u.id)
	u.end().problem(t, "cancelled")
	r := c.get(200, resultsPath+u.id+"/")
	fields{"status": `"error"`, "error.code": `"cancelled"`, "result": "null"}.check(t, "while uploading", r)
	cancel(409, u.id).problem(t, "already_ended")

	var large strings.Builder
	large.WriteString(header2)
	for i := range 60_000 {
		fmt.Fprintf(&large, "key-%d,psc\n", i)
	}
	running := c.upload(200, "", large.String()).field("job_id")
	waiting := c.upload(200, "", good).field("job_id") // behind it, for there is one at a time
	eventually(t, "some rows", func() bool { return c.get(200, resultsPath+running+"/").field("result") != "null" })
	cancel(202, waiting)
	cancel(202, running)
	r = c.await(running)
	fields{"status": `"error"`, "error.code": `"cancelled"`}.check(t, "while running", r)
	total, valid := r.field("result.total_row_count"), r.field("result.created_licenses_count")
	if total == "60000" || total != valid {
		t.Errorf("%s rows, %s licenses", total, valid)
	}
	fields{"count": valid}.check(t, "what was imported stays", c.get(200, "/api/v1/licenses/?import_id="+running))
	fields{"status": `"error"`, "error.code": `"cancelled"`}.check(t, "while waiting", c.await(waiting))

	done := c.imports("", good).field("id")
	cancel(409, done).problem(t, "already_ended")
	cancel(404, "99")
	cancel(404, "x")
	again := c.get(200, resultsPath+running+"/") // nothing was appended after it
	if string(again.body) != string(r.body) {
		t.Errorf("the result changed: %s, then %s", r.body, again.body)
	}
}

// TestInvalidRows: the first 100, cut, in the result; all of them, whole, in pages; filtered by code.
func TestInvalidRows(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.as(t, s.admin)
	file := "license__license_key,product__short_code,license__max_activations,license__note\n"
	long := strings.Repeat("ö", 300)
	for i := range 130 {
		switch {
		case i%2 == 0:
			file += fmt.Sprintf("k-%d,psc,many,%s\n", i, long)
		default:
			file += ",psc,-5,\n"
		}
	}
	r := c.imports("", file)
	id := r.field("id")
	fields{"result.invalid_row_count": "130", "result.invalid_rows.#": "100", "result.invalid_rows.99.row": "100", "result.invalid_rows.99.line": "101",
		"result.error_counts":                        `{"invalid_int":65,"out_of_range":65,"required":65}`,
		"result.invalid_rows.0.values.license__note": compact(strings.Repeat("ö", 256)),
		"result.invalid_rows.0.errors.0":             `{"code":"invalid_int","column":"license__max_activations","message":"must be a whole number from 0 to 2147483647","value":"many"}`,
	}.check(t, "the result", r)
	fields{"results.0.result.invalid_rows": "[]", "results.0.result.invalid_row_count": "130"}.check(t, "the list", c.get(200, resultsPath))
	rows := pages[invalidRow](t, c, resultsPath+id+"/invalid_rows/?limit=40")
	if len(rows) != 130 || rows[0].Values["license__note"] != long || rows[129].Row != 130 {
		t.Errorf("%d rows, the first %+v", len(rows), rows[0])
	}
	for code, want := range map[string]string{"required": "65", "invalid_int": "65", "conflict": "0"} {
		fields{"count": want}.check(t, code, c.get(200, resultsPath+id+"/invalid_rows/?code="+code))
	}
	fields{"count": "65", "results.0.row": "64", "results.#": "2", "next": compact(s.url + resultsPath + id + "/invalid_rows/?code=required&limit=2&offset=33")}.
		check(t, "a page of a code", c.get(200, resultsPath+id+"/invalid_rows/?limit=2&offset=31&code=required"))
}

// TestCorrectedRows: the rejected rows as a file, corrected and uploaded again.
func TestCorrectedRows(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.as(t, s.admin)
	// In this order, with another delimiter, and with cells that spreadsheets would run.
	file := "product__short_code;license__license_key;customer__phone;license__note;license__max_activations\n" +
		"psc;ok-1;;fine;1\n" +
		"psc;bad-1;+49 30 1;=1+1;many\n" +
		"psc;bad-2;'+49 30 2;'=quoted;many\n" +
		"psc;bad-3;-1;\"a;\"\"b\"\"\nc\";@x\n" +
		"psc;bad-4;''=;\n" + // too few
		"psc;bad-5;\"open;x;1\n" // malformed
	first := c.imports("", file)
	counts(6, 1, 5, 0, 0, 1, 0, 1, 0).check(t, "first", first)
	a := c.get(200, resultsPath+first.field("id")+"/invalid_rows.csv")
	if got := a.header.Get("Content-Type"); got != "text/csv; charset=utf-8" {
		t.Errorf("Content-Type %s", got)
	}
	if !strings.Contains(a.header.Get("Content-Disposition"), "attachment") {
		t.Errorf("Content-Disposition %s", a.header.Get("Content-Disposition"))
	}
	records := readCSV(t, a.body, ';')
	wantHeader := "product__short_code;license__license_key;customer__phone;license__note;license__max_activations;error__row;error__line;error__columns;error__codes;error__messages;error__raw_guarded"
	if got := strings.Join(records[0], ";"); got != wantHeader {
		t.Errorf("the header is %s", got)
	}
	for i, want := range [][]string{
		{"psc", "bad-1", "'+49 30 1", "'=1+1", "many", "2", "3", "license__max_activations", "invalid_int"},
		{"psc", "bad-2", "''+49 30 2", "''=quoted", "many", "3", "4", "license__max_activations", "invalid_int"},
		{"psc", "bad-3", "'-1", "a;\"b\"\nc", "'@x", "4", "5", "license__max_activations", "invalid_int"},
		{"psc", "bad-4", "'''=", "", "", "5", "7", "", "field_count"},
		{"psc", "bad-5"},
	} {
		if got := records[i+1][:len(want)]; strings.Join(got, "|") != strings.Join(want, "|") {
			t.Errorf("row %d is %q, want %q", i+1, got, want)
		}
	}
	if raw := records[5][10]; raw != "psc;bad-5;\"open;x;1" {
		t.Errorf("error__raw_guarded is %q", raw)
	}
	raw := readCSV(t, c.get(200, resultsPath+first.field("id")+"/invalid_rows.csv?raw=true").body, ';')
	if got := strings.Join(raw[2][:5], "|"); got != "psc|bad-2|'+49 30 2|'=quoted|many" {
		t.Errorf("raw: %s", got)
	}

	corrected := strings.NewReplacer("many", "7", "'@x", "7").Replace(string(a.body))
	second := c.imports("", corrected)
	counts(5, 5, 0, 0, 0, 5, 0, 5, 0).check(t, "corrected", second)
	for key, want := range map[string][2]string{
		"bad-1": {"+49 30 1", "=1+1"}, "bad-2": {"'+49 30 2", "'=quoted"}, "bad-3": {"-1", "a;\"b\"\nc"},
	} {
		event := c.get(200, "/api/v1/licenses/"+c.get(200, "/api/v1/licenses/?license_key="+key).field("results.0.id")+"/event/")
		fields{"data.customer.phone": compact(want[0]), "data.license.note": compact(want[1])}.check(t, key, event)
	}
	none := readCSV(t, c.get(200, resultsPath+second.field("id")+"/invalid_rows.csv").body, ';')
	if len(none) != 1 {
		t.Errorf("without rejected rows: %q", none)
	}
}

// TestRejectedRowsComeBackUnaltered: whatever the values, the file of rejected rows gives the same rows
// again, guarded, raw and as a workbook, in each round. The text of a row that could not be read stays with it.
func TestRejectedRowsComeBackUnaltered(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.as(t, s.admin)
	var file strings.Builder
	file.WriteString(record(t, "license__license_key", "product__short_code", "license__note", "customer__city", "license__max_activations"))
	for i, value := range []string{"=1+1", "'=1", "''-x", "'plain", "'", "\t=1", "\r@x", "\n=1", " =1", "＝1＋1", "'＠x", "a;=1+1", "a,'-1", "a|\t+1",
		"- one\n- two\n'- three", "\"", "=\"00123\"", "a;'=1;=2", "#REF!", "\u3000－1", "\uFEFF=1", "it's"} {
		file.WriteString(record(t, fmt.Sprintf("%s-%d", value, i), "psc", value, value+";"+value, "many"))
	}
	file.WriteString("bad-1,\"psc\"x;=1,'=2,,1\nbad-2\n\"'=open,psc\n")
	want, texts := "", ""
	for round, format := range []string{".csv", ".csv?raw=true", ".csv", ".xlsx", ".csv", ".xlsx", ".xlsx", ".csv?raw=true", ".csv?raw=true"} {
		r := c.imports("", file.String())
		values, raws := "", ""
		for _, row := range pages[invalidRow](t, c, resultsPath+r.field("id")+"/invalid_rows/") {
			line, err := json.Marshal(row.Values)
			if err != nil {
				t.Fatal(err)
			}
			values += string(line) + "\n"
			raws += row.Raw + "\n"
		}
		if round == 0 {
			want, texts = values, raws
			if !strings.Contains(raws, "\"psc\"x;=1") || !strings.Contains(raws, "'=open") {
				t.Fatalf("the texts of damaged rows are %q", raws)
			}
		}
		if values != want || raws != texts {
			t.Errorf("round %d before %s: the values are\n%s\nand the texts\n%s\nwant\n%s\nand\n%s", round, format, values, raws, want, texts)
		}
		file.Reset()
		file.Write(c.get(200, resultsPath+r.field("id")+"/invalid_rows"+format).body)
		column := map[string]string{".csv": "error__raw_guarded", ".csv?raw=true": "error__raw"}[format]
		if column != "" && !strings.Contains(file.String(), ","+column+"\r\n") {
			t.Errorf("the last column is not %s", column)
		}
	}
}

// TestLeadingApostrophe: a guarded file that has lost its error__ columns is read as it is, with a warning
// for each value.
func TestLeadingApostrophe(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.as(t, s.admin)
	const file = "license__license_key,product__short_code,customer__email,customer__phone,license__note"
	const row = "\nla-%d,psc,a@example.com,'+49 30,'=x"
	for i, test := range []struct{ column, cell, phone, note, warnings string }{
		{"", "", `"'+49 30"`, `"'=x"`, `[{"code":"leading_apostrophe","column":"customer__phone","value":"'+49 30"},{"code":"leading_apostrophe","column":"license__note","value":"'=x"}]`},
		{",error__raw", ",", `"'+49 30"`, `"'=x"`, ""},
		{",error__raw_guarded", ",", `"+49 30"`, `"=x"`, ""},
	} {
		r := c.imports("", file+test.column+fmt.Sprintf(row, i)+test.cell+"\n")
		id := c.get(200, "/api/v1/licenses/?import_id="+r.field("id")).field("results.0.id")
		fields{"data.customer.phone": test.phone, "data.license.note": test.note, "data.warnings": test.warnings}.
			check(t, test.column, c.get(200, "/api/v1/licenses/"+id+"/event/"))
	}
}

func readCSV(t *testing.T, body []byte, delimiter rune) [][]string {
	t.Helper()
	text, marked := bytes.CutPrefix(body, []byte("\uFEFF"))
	if !marked {
		t.Error("the CSV has no byte order mark")
	}
	r := csv.NewReader(bytes.NewReader(text))
	r.Comma = delimiter
	records, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return records
}

// TestProgress: Server-Sent Events from before the end to done.
func TestProgress(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.as(t, s.admin)
	u := c.begin("", 3_000)
	r, err := http.NewRequestWithContext(t.Context(), "GET", s.url+resultsPath+u.id+"/events/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Api-Key "+s.admin)
	res, err := c.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if got := res.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("Content-Type %s", got)
	}
	began := time.Now()
	u.end()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	events := readEvents(t, string(text))
	first, last := events[0], events[len(events)-1]
	if first.name != "progress" || field([]byte(first.data), "status") != `"pending"` || last.name != "done" || field([]byte(last.data), "status") != `"success"` {
		t.Errorf("the events: %s", text)
	}
	if most := int(time.Since(began)/(250*time.Millisecond)) + 3; len(events) > most {
		t.Errorf("%d events in %v", len(events), time.Since(began))
	}
	fields{"result.invalid_rows": "[]", "result.total_row_count": "3000", "id": u.id}.check(t, "done", answer{body: []byte(last.data)})
	again := readEvents(t, string(c.get(200, resultsPath+u.id+"/events").body)) // a reconnect gets the current state
	if len(again) == 0 || again[len(again)-1] != last {
		t.Errorf("a reconnect: %v", again)
	}
}

type sse struct{ name, data string }

func readEvents(t *testing.T, text string) []sse {
	t.Helper()
	var events []sse
	for block := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		if strings.HasPrefix(block, ":") {
			continue
		}
		name, data, ok := strings.Cut(block, "\n")
		e := sse{strings.TrimPrefix(name, "event: "), strings.TrimPrefix(data, "data: ")}
		if !ok || e.name == name || e.data == data || !json.Valid([]byte(e.data)) {
			t.Fatalf("no event: %q", block)
		}
		events = append(events, e)
	}
	return events
}

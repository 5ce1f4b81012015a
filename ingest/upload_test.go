package ingest

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"licenseimport/events"
	"licenseimport/internal/access"
)

// csvOf is a file of n rows.
func csvOf(n int) string {
	var b strings.Builder
	b.WriteString("license__license_key,product__short_code\n")
	for i := range n {
		fmt.Fprintf(&b, "key-%d,psc\n", i+1)
	}
	return b.String()
}

func gzipped(parts ...string) string {
	var b bytes.Buffer
	for _, part := range parts {
		w := gzip.NewWriter(&b)
		_, _ = w.Write([]byte(part))
		_ = w.Close()
	}
	return b.String()
}

func sumOf(file string) string {
	sum := sha256.Sum256([]byte(file))
	return hex.EncodeToString(sum[:])
}

func TestDocumentedSample(t *testing.T) {
	h := newHarness(t, Config{})
	file, err := os.ReadFile("testdata/simple_licenses_example.csv")
	if err != nil {
		t.Fatal(err)
	}
	a := h.send(string(file), request{name: "simple_licenses_example.csv", key: h.key("ada", access.Importer, "psc"), query: "?dry_run=true&mode=partial&existing=Update"})
	if a.status != 200 || a.text != "{\"job_id\":1}\n" || a.header.Get("Location") != "/api/v1/licenses-import-results/1/" {
		t.Fatalf("%d %s %v", a.status, a.text, a.header)
	}
	f := h.state(1)
	want := events.ImportStarted{JobID: 1, FileName: "simple_licenses_example.csv", Manager: "ada", Mode: "partial", DryRun: true, Delimiter: ",",
		Columns: []string{"customer__email", "order__store_id", "license__license_key", "product__short_code"}, Products: []string{"psc"}, Query: "dry_run=true&existing=update", Existing: events.UpdateExisting, Kind: "licenses"}
	if fmt.Sprint(*f.Started) != fmt.Sprint(want) {
		t.Errorf("started %+v\n   want %+v", *f.Started, want)
	}
	if *f.Sealed != (events.ImportSealed{JobID: 1, Rows: 2, Bytes: uint64(len(file)), SHA256: sumOf(string(file))}) {
		t.Errorf("sealed %+v", *f.Sealed)
	}
	rows := h.rows(1)
	if len(rows) != 2 || rows[1].Row != 2 || rows[1].Line != 3 || value(rows[1], "license__license_key") != "impo-rtor-derk-ey01" {
		t.Errorf("rows %+v", rows)
	}
}

// TestPromise: after the answer 200 every row is in the stream, in file order.
func TestPromise(t *testing.T) {
	h := newHarness(t, Config{})
	const n = 3456
	file := csvOf(n)
	for name, q := range map[string]request{
		"plain":            {},
		"chunked":          {reader: struct{ *bytes.Reader }{bytes.NewReader(form("licenses.csv", file))}},
		"gzip part":        {name: "licenses.csv.gz", body: form("licenses.csv.gz", gzipped(file))},
		"gzip members":     {body: form("licenses.csv.gz", gzipped(file[:1000], file[1000:]))},
		"padded gzip":      {body: form("licenses.csv.gz", gzipped(file)+strings.Repeat("\x00", 5000))}, // as on tape; gzip ignores it
		"padded request":   {header: map[string]string{"Content-Encoding": "gzip"}, body: []byte(gzipped(string(form("a.csv", file))) + "\x00")},
		"content encoding": {header: map[string]string{"Content-Encoding": "gzip"}, body: []byte(gzipped(string(form("a.csv", file))))},
	} {
		t.Run(name, func(t *testing.T) {
			a := h.send(file, q)
			if a.status != 200 {
				t.Fatalf("%d %s", a.status, a.text)
			}
			f := h.state(a.body.JobID)
			if f.Sealed == nil || f.Sealed.Rows != n || f.Sealed.Bytes != uint64(len(file)) || f.Sealed.SHA256 != sumOf(file) {
				t.Errorf("sealed %+v", f.Sealed)
			}
			rows := h.rows(a.body.JobID)
			if len(rows) != n {
				t.Fatalf("%d rows", len(rows))
			}
			for i, row := range rows {
				if row.Row != events.Row(i+1) || row.Line != uint64(i+2) || value(row, "license__license_key") != fmt.Sprintf("key-%d", i+1) {
					t.Fatalf("row %d is %+v", i+1, row)
				}
			}
		})
	}
}

// TestColumnOfRawTextTellsWhetherCellsAreGuarded: only error__raw_guarded takes one apostrophe off; the
// text of a row that an earlier import could not read comes along.
func TestColumnOfRawTextTellsWhetherCellsAreGuarded(t *testing.T) {
	for _, test := range []struct{ column, note, raw string }{
		{"error__raw_guarded", "=1;=2", `K1,p"sc;=3`}, {" ERROR__Raw_Guarded ", "=1;=2", `K1,p"sc;=3`},
		{"error__raw", "'=1;'=2", `K1,p"sc;'=3`}, {"error__codes", "'=1;'=2", ""}, {"", "'=1;'=2", ""},
	} {
		h := newHarness(t, Config{})
		a := h.send("license__license_key,license__note,product__short_code,"+test.column+"\nK1,'=1;'=2,psc,\"K1,p\"\"sc;'=3\"\n", request{})
		if test.column == "" {
			a = h.send("license__license_key,license__note,product__short_code\nK1,'=1;'=2,psc\n", request{})
		}
		if a.status != 200 {
			t.Fatal(a.status, a.text)
		}
		row := h.rows(a.body.JobID)[0]
		if note := value(row, "license__note"); note != test.note || row.Raw != test.raw {
			t.Errorf("%q: the note is %q, the text %q", test.column, note, row.Raw)
		}
		columns := h.state(a.body.JobID).Started.Columns
		if returned := len(columns) == 4; returned != (test.raw != "") {
			t.Errorf("%q: the columns are %q", test.column, columns)
		}
	}
}

// TestLettersThatWereNotCorrected: a rejected row that still has U+FFFD where a letter could not be read is rejected
// again. In other files, and beside other texts, that character is one like any other.
func TestLettersThatWereNotCorrected(t *testing.T) {
	h := newHarness(t, Config{})
	header := "license__license_key,product__short_code,license__note,customer__city,error__raw_guarded\n"
	a := h.send(header+"k1,psc,M\uFFFDller,K\uFFFDln,\"k1,psc,M\uFFFDller,K\uFFFDln\"\nk2,psc,Müller,Köln,\"k2,psc,M\uFFFDller,K\uFFFDln\"\n"+
		"k3,psc,\uFFFD,,\nk4,psc,\uFFFD,,\"k4,psc\"\n", request{})
	if a.status != 200 {
		t.Fatal(a.status, a.text)
	}
	rows := h.rows(a.body.JobID)
	m := rows[0].Malformed
	if m == nil || m.Code != events.InvalidEncoding || m.Column != "license__note" || strings.Join(m.MoreColumns, " ") != "customer__city" ||
		m.Raw != "k1,psc,M\uFFFDller,K\uFFFDln" {
		t.Errorf("%+v", m)
	}
	for i, row := range rows[1:] {
		if row.Malformed != nil {
			t.Errorf("row %d: %+v", i+2, row.Malformed)
		}
	}
}

// TestMalformedRows: rows that are no CSV are events, too, in file order.
func TestMalformedRows(t *testing.T) {
	h := newHarness(t, Config{MaxRow: 200 << 10})
	header := "license__license_key,product__short_code,license__note,error__raw_guarded\n"
	controls := strings.Repeat("\x01", 180<<10) // six times as long in JSON
	a := h.send(header+"k1,psc,'=1+1,x\nk2,\"p\"sc,,\nk3,psc\nk4,psc,\xff,\n"+"k5,psc,"+controls+",\nk6,psc,'fine,\n", request{})
	if a.status != 200 {
		t.Fatal(a.status, a.text)
	}
	rows := h.rows(a.body.JobID)
	codes := []events.Code{"", events.MalformedRow, events.FieldCount, events.InvalidEncoding, events.RowTooLarge, ""}
	for i, row := range rows {
		var code events.Code
		if row.Malformed != nil {
			code = row.Malformed.Code
		}
		if code != codes[i] {
			t.Errorf("row %d: %q, want %q", i+1, code, codes[i])
		}
	}
	if len(rows) != len(codes) {
		t.Fatalf("%d rows", len(rows))
	}
	if v := value(rows[0], "license__note"); v != "=1+1" {
		t.Errorf("a guarded cell is %q", v)
	}
	if v := value(rows[5], "license__note"); v != "'fine" {
		t.Errorf("a cell that begins with an apostrophe is %q", v)
	}
	if value(rows[2], "license__license_key") != "k3" || rows[3].Malformed.Column != "license__note" {
		t.Errorf("%+v %+v", rows[2], rows[3].Malformed)
	}
	if m := rows[3].Malformed.Message; !strings.HasPrefix(m, "has bytes") { // column and message are read together
		t.Errorf("the message of a damaged value in a known column: %s", m)
	}
	if raw := rows[4].Malformed.Raw; !strings.HasPrefix(raw, "k5,psc,\x01") || len(raw) != events.MaxRaw {
		t.Errorf("raw of the row that is too large: %d bytes", len(raw))
	}
}

func TestRefusals(t *testing.T) {
	h := newHarness(t, Config{MaxFile: 4096})
	good := csvOf(2)
	field := func(name, value string) string {
		return "--" + testBoundary + "\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n"
	}
	end := "--" + testBoundary + "--\r\n"
	tests := []struct {
		name   string
		file   string
		q      request
		status int
		code   string
		detail string // a part of it
	}{
		{"bad dry_run", good, request{query: "?dry_run=maybe"}, 400, "invalid_parameter", "dry_run=maybe"},
		{"bad mode", good, request{query: "?mode=all"}, 400, "invalid_parameter", "partial, all_or_nothing"},
		{"bad unknown_columns", good, request{query: "?unknown_columns=x"}, 400, "invalid_parameter", "unknown_columns=x"},
		{"bad delimiter", good, request{query: "?delimiter=;"}, 400, "invalid_parameter", ""},
		{"named delimiter", good, request{query: "?delimiter=colon"}, 400, "invalid_parameter", "one of comma, semicolon, tab, pipe"},
		{"bad encoding", good, request{query: "?encoding=latin-9"}, 400, "invalid_parameter", "encoding=latin-9"},
		{"bad existing", good, request{query: "?existing=replace"}, 400, "invalid_parameter", "existing=replace: must be one of keep, update"},
		{"given twice", good, request{query: "?dry_run=true&dry_run=false"}, 400, "invalid_parameter", "dry_run is given 2 times"},
		{"empty dry_run", good, request{query: "?dry_run="}, 400, "invalid_parameter", "Nothing was done"},
		{"misspelt parameter", good, request{query: "?dryrun=true"}, 400, "unknown_parameter", "dryrun here; there are dry_run, mode"},
		{"empty idempotency key", good, request{header: map[string]string{"Idempotency-Key": ""}}, 400, "invalid_idempotency_key", ""},
		{"long idempotency key", good, request{header: map[string]string{"Idempotency-Key": strings.Repeat("k", 256)}}, 400, "invalid_idempotency_key", ""},
		{"json", good, request{header: map[string]string{"Content-Type": "application/json"}}, 415, "unsupported_media_type", "multipart/form-data"},
		{"no content type", good, request{header: map[string]string{"Content-Type": ""}}, 415, "unsupported_media_type", ""},
		{"no boundary", good, request{header: map[string]string{"Content-Type": "multipart/form-data"}}, 400, "malformed_upload", ""},
		{"brotli", good, request{header: map[string]string{"Content-Encoding": "br"}}, 415, "unsupported_encoding", ""},
		{"not gzip", good, request{header: map[string]string{"Content-Encoding": "gzip"}}, 400, "invalid_gzip", ""},
		{"half a gzip", "", request{body: form("a.csv.gz", gzipped(good)[:30])}, 400, "upload_incomplete", "lacks its end"},
		{"half a gzip's head", "", request{body: form("a.csv.gz", gzipped(good)[:5])}, 400, "upload_incomplete", "lacks its end"},
		{"damaged gzip", "", request{body: form("a.csv.gz", strings.Replace(gzipped(good), "key", "kex", 1)[:40]+"garbage garbage garbage")}, 400, "invalid_gzip", ""},
		{"excel", "PK\x03\x04 and so on", request{}, 415, "not_csv", "CSV UTF-8"},
		{"empty file", "", request{}, 400, "empty_file", ""},
		{"header only", "license__license_key,product__short_code\n\n,\n", request{}, 400, "no_rows", ""},
		{"header mistakes", "license__licence_key,product__short_code,product__short_code\na,b,c\n", request{}, 400, "invalid_header", "license__license_key"},
		{"no part", "", request{body: []byte(end)}, 400, "missing_file", ""},
		{"another part", "", request{body: []byte(field("data", good) + end)}, 400, "unexpected_part", `"data"`},
		{"a part before", "", request{body: []byte(field("dry_run", "true") + field("file", good) + end)}, 400, "unexpected_part", "dry_run"},
		{"a header of the part with a control character", "", request{body: form("a\x07.csv", good)}, 400, "malformed_upload", "header"},
		{"base64", "", request{body: []byte(strings.Replace(string(form("a.csv", "YSxiCg==")), "Content-Type", "Content-Transfer-Encoding: BASE64\r\nContent-Type", 1))},
			400, "malformed_upload", "base64"},
		{"7-Zip", "7z\xBC\xAF\x27\x1C\x00\x04 and so on", request{}, 415, "not_csv", "unpack it"},
		{"no multipart at all", "", request{body: []byte(good)}, 400, "upload_incomplete", ""},
		{"too large by its length", csvOf(200_000), request{}, 413, "too_large", "4096 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := h.send(tt.file, tt.q)
			if a.status != tt.status || a.body.Code != tt.code || !strings.Contains(a.body.Detail, tt.detail) || a.body.JobID != 0 {
				t.Errorf("%d %s", a.status, a.text)
			}
			if a.body.Message != a.body.Detail {
				t.Errorf("message differs from detail: %s", a.text)
			}
		})
	}
	if a := h.sendHeaders(http.Header{"Content-Encoding": {"gzip", "br"}}, good); a.status != 415 || a.body.Code != "unsupported_encoding" {
		t.Errorf("two headers Content-Encoding: %d %s", a.status, a.text)
	}
	if jobs, err := h.log.RowJobs(t.Context()); err != nil || len(jobs) > 0 {
		t.Errorf("refused uploads left rows of %v, %v", jobs, err)
	}
	if f := h.state(1); f.Last.Event != nil {
		t.Errorf("a refused upload made a job: %+v", f.Last.Event)
	}
}

// sendHeaders is send with headers that a request may have several times.
func (h *harness) sendHeaders(header http.Header, file string) answer {
	h.Helper()
	req, err := http.NewRequestWithContext(h.Context(), "POST", h.http.URL+prefix+events.Licenses.Upload,
		bytes.NewReader(form("licenses.csv", file)))
	if err != nil {
		h.Fatal(err)
	}
	req.Header = header
	req.Header.Set("Content-Type", "multipart/form-data; boundary="+testBoundary)
	h.authorize(req, "")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		h.Fatal(err)
	}
	return readAnswer(h, res)
}

func TestHeaderMistakesAreAllNamed(t *testing.T) {
	h := newHarness(t, Config{})
	a := h.send("license__licence_key,customer__email,Customer__Email,colour\na,b,c,d\n", request{})
	var got []string
	for _, p := range a.body.Errors {
		got = append(got, p.Code+" "+p.Column)
		if !strings.Contains(a.body.Detail, p.Message) && !strings.Contains(a.body.Detail, sentence(p.Message)) {
			t.Errorf("the detail lacks %q", p.Message)
		}
	}
	want := []string{"unknown_column license__licence_key", "duplicate_column Customer__Email", "unknown_column colour",
		"missing_column license__license_key", "missing_column product__short_code"}
	if a.status != 400 || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%d %v", a.status, got)
	}
	a = h.send("license__license_key,product__short_code,colour\na,b,c\n", request{query: "?unknown_columns=ignore"})
	if a.status != 200 || len(h.state(a.body.JobID).Started.Columns) != 2 {
		t.Errorf("ignored: %d %s", a.status, a.text)
	}
}

// TestSecondFileIsNamedAsSuch: the answer does not contradict itself.
func TestSecondFileIsNamedAsSuch(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	parts := strings.ReplaceAll("--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\n"+csvOf(1)+"\r\n", "--B", "--"+testBoundary)
	a := h.send("", request{body: []byte(parts + parts + "--" + testBoundary + "--\r\n")})
	if a.status != 400 || a.body.Code != "unexpected_part" || !strings.Contains(a.text, "second part named file") || strings.Contains(a.text, "exactly one") {
		t.Errorf("%d %s", a.status, a.text)
	}
}

// TestUnexpectedEndings: an error after the rows aborts the import.
func TestUnexpectedEndings(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{MaxFile: 64 << 10})
	twice := strings.TrimSuffix(string(form("a.csv", csvOf(3))), "--\r\n") + "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"b.csv\"\r\n\r\nx\r\n--" + testBoundary + "--\r\n"
	bomb := csvOf(1) + strings.Repeat("key,psc\n", 1<<17)
	const afterGzip = "bytes after the end of the gzip data"
	cut := func(body []byte, at string) []byte {
		before, _, _ := bytes.Cut(body, []byte(at))
		return before
	}
	tests := []struct {
		name   string
		q      request
		status int
		code   string
		detail string
	}{
		{"second file", request{body: []byte(twice)}, 400, "unexpected_part", ""},
		{"too large", request{body: form("a.csv", bomb[:80<<10])}, 413, "too_large", ""},
		{"too large unpacked", request{body: form("a.csv", gzipped(bomb))}, 413, "too_large", ""},
		{"garbage after gzip", request{body: form("a.csv", gzipped(csvOf(3))+"garbage garbage")}, 400, "invalid_gzip", afterGzip},
		{"one byte after gzip", request{body: form("a.csv", gzipped(csvOf(3))+"\n")}, 400, "invalid_gzip", afterGzip},
		{"garbage after padding", request{body: form("a.csv", gzipped(csvOf(3))+"\x00\x00x")}, 400, "invalid_gzip", afterGzip},
		{"another gzip after padding", request{body: form("a.csv", gzipped(csvOf(3))+"\x00"+gzipped("x"))}, 400, "invalid_gzip", afterGzip},
		{"second half gzip", request{body: form("a.csv", gzipped(csvOf(3))+gzipped("x")[:5])}, 400, "upload_incomplete", "lacks its end"},
		{"cut off in the padding", request{body: cut(form("a.csv", gzipped(csvOf(3))+"\x00\x00"), "\x00\r\n")}, 400, "upload_incomplete", "closing boundary"},
		{"garbage after a packed request", request{header: map[string]string{"Content-Encoding": "gzip"},
			body: []byte(gzipped(string(form("a.csv", csvOf(3)))) + "x")}, 400, "invalid_gzip", afterGzip},
		{"wrong checksum", request{body: form("a.csv", strings.Replace(gzipped(csvOf(3)), gzipped(csvOf(3))[len(gzipped(csvOf(3)))-8:], "12345678", 1))}, 400, "invalid_gzip", "damaged"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h.stored.Store(0)
			a := h.send("", tt.q)
			if a.status != tt.status || a.body.Code != tt.code || a.body.JobID == 0 || !strings.Contains(a.body.Detail, tt.detail) {
				t.Fatalf("%d %s", a.status, a.text)
			}
			aborted := h.aborted(a.body.JobID)
			if aborted.Code != tt.code || aborted.Message != a.body.Detail || int64(aborted.Rows) != h.stored.Load() {
				t.Errorf("%+v", aborted)
			}
		})
	}
}

func TestWhoMayCall(t *testing.T) {
	h := newHarness(t, Config{})
	if a := h.send(csvOf(1), request{key: "no key"}); a.status != 401 {
		t.Errorf("unknown key: %d", a.status)
	}
	if a := h.send(csvOf(1), request{key: h.key("vera", access.Viewer)}); a.status != 403 {
		t.Errorf("viewer: %d", a.status)
	}
}

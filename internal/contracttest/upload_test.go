package contracttest

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const good = header2 + "k-1,psc\n"

// parts is a multipart body with the boundary "b"; each part is a name, a file name and a text.
func parts(texts ...[3]string) string {
	var b strings.Builder
	for _, p := range texts {
		fmt.Fprintf(&b, "--b\r\nContent-Disposition: form-data; name=%q; filename=%q\r\n\r\n%s\r\n", p[0], p[1], p[2])
	}
	return b.String() + "--b--\r\n"
}

const asForm = "multipart/form-data; boundary=b"

// TestRefusedUploads: none of them makes a job.
func TestRefusedUploads(t *testing.T) {
	t.Parallel()
	s := serve(t, "--max-file-size", "64KiB", "--max-columns", "60")
	big := header2 + strings.Repeat("k-1,psc\n", 10_000)
	wide := header2[:len(header2)-1] + strings.Repeat(",error__x", 60) + "\na,psc" + strings.Repeat(",", 60) + "\n"
	file := func(text string) string { return parts([3]string{"file", "a.csv", text}) }
	for _, test := range []struct {
		name         string
		query        string
		contentType  string
		body         string
		headers      []string
		status       int
		code, detail string
	}{
		{name: "no form", contentType: "text/csv", body: good, status: 415, code: "unsupported_media_type"},
		{name: "no type", body: good, status: 415, code: "unsupported_media_type"},
		{name: "urlencoded", contentType: "application/x-www-form-urlencoded", body: "file=x", status: 415, code: "unsupported_media_type"},
		{name: "no boundary", contentType: "multipart/form-data", body: good, status: 400, code: "malformed_upload"},
		{name: "no part", contentType: asForm, body: "--b--\r\n", status: 400, code: "missing_file"},
		{name: "empty body", contentType: asForm, body: "", status: 400, code: "upload_incomplete"},
		{name: "another name", contentType: asForm, body: parts([3]string{"upload", "a.csv", good}), status: 400, code: "unexpected_part"},
		{name: "another part first", contentType: asForm, body: parts([3]string{"x", "", "y"}, [3]string{"file", "a.csv", good}), status: 400, code: "unexpected_part"},
		{name: "empty file", contentType: asForm, body: file(""), status: 400, code: "empty_file"},
		{name: "blank lines", contentType: asForm, body: file("\n\r\n \n"), status: 400, code: "empty_file"},
		{name: "only a mark", contentType: asForm, body: file("\xef\xbb\xbf"), status: 400, code: "empty_file"},
		{name: "header only", contentType: asForm, body: file(header2), status: 400, code: "no_rows"},
		{name: "header and blank rows", contentType: asForm, body: file(header2 + "\n,\n , \n"), status: 400, code: "no_rows"},
		{name: "missing column", contentType: asForm, body: file("license__license_key\nk\n"), status: 400, code: "invalid_header", detail: "product__short_code"},
		{name: "column twice", contentType: asForm, body: file("license__license_key,product__short_code,License__License_Key \nk,psc,k\n"), status: 400, code: "invalid_header", detail: "license__license_key"},
		{name: "unknown column", contentType: asForm, body: file("license__license_key,product__short_code,license__enable\nk,psc,1\n"), status: 400, code: "invalid_header", detail: "license__enabled"},
		{name: "the key twice, no product", contentType: asForm, body: file("license__license_key,license__license_key\nk,k\n"), status: 400, code: "invalid_header", detail: "product__short_code"},
		{name: "too many columns", contentType: asForm, body: file(wide), status: 400, code: "too_many_columns", detail: "60"},
		{name: "zip", contentType: asForm, body: file("PK\x03\x04rest"), status: 415, code: "not_csv", detail: "CSV UTF-8"},
		{name: "old Excel", contentType: asForm, body: file("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), status: 415, code: "not_csv", detail: "CSV UTF-8"},
		{name: "another Content-Encoding", contentType: asForm, body: file(good), headers: []string{"Content-Encoding", "br"}, status: 415, code: "unsupported_encoding"},
		{name: "said to be gzip", contentType: asForm, body: file(good), headers: []string{"Content-Encoding", "gzip"}, status: 400, code: "invalid_gzip"},
		{name: "damaged gzip part", contentType: asForm, body: file("\x1f\x8b\x08rubbish"), status: 400},
		{name: "too large, as it says itself", contentType: asForm, body: file(big + strings.Repeat("k-1,psc\n", 150_000)), status: 413, code: "too_large"},
		{name: "dry_run", query: "?dry_run=maybe", contentType: asForm, body: file(good), status: 400, code: "invalid_parameter", detail: "dry_run"},
		{name: "mode", query: "?mode=sometimes", contentType: asForm, body: file(good), status: 400, code: "invalid_parameter", detail: "all_or_nothing"},
		{name: "unknown_columns", query: "?unknown_columns=keep", contentType: asForm, body: file(good), status: 400, code: "invalid_parameter"},
		{name: "delimiter", query: "?delimiter=;", contentType: asForm, body: file(good), status: 400, code: "invalid_parameter"},
		{name: "encoding", query: "?encoding=latin1", contentType: asForm, body: file(good), status: 400, code: "invalid_parameter", detail: "windows-1252"},
		{name: "unknown parameter", query: "?dryrun=true", contentType: asForm, body: file(good), status: 400, code: "unknown_parameter", detail: "dryrun"},
		{name: "empty parameter", query: "?dry_run=", contentType: asForm, body: file(good), status: 400, code: "invalid_parameter", detail: "Nothing was done"},
		{name: "twice", query: "?dry_run=true&dry_run=false", contentType: asForm, body: file(good), status: 400, code: "invalid_parameter"},
		{name: "key too long", contentType: asForm, body: file(good), headers: []string{"Idempotency-Key", strings.Repeat("x", 256)}, status: 400, code: "invalid_idempotency_key"},
		{name: "empty key", contentType: asForm, body: file(good), headers: []string{"Idempotency-Key", ""}, status: 400, code: "invalid_idempotency_key"},
		{name: "key with a tab", contentType: asForm, body: file(good), headers: []string{"Idempotency-Key", "a\tb"}, status: 400, code: "invalid_idempotency_key"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := s.as(t, s.admin)
			headers := test.headers
			if test.contentType != "" {
				headers = append(headers, "Content-Type", test.contentType)
			}
			a := c.call(test.status, "POST", uploadPath+test.query, strings.NewReader(test.body), headers...)
			if test.code == "" {
				test.code = unquoted(a.field("code"))
			}
			a.problem(t, test.code)
			if detail := a.field("detail"); !strings.Contains(detail, test.detail) {
				t.Errorf("the detail does not name %s: %s", test.detail, detail)
			}
		})
	}
	fields{"count": "0"}.check(t, "the imports", s.as(t, s.admin).get(200, resultsPath))
}

// TestHeaderProblems: all of them are named at once, each by itself too.
func TestHeaderProblems(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.as(t, s.admin)
	a := c.upload(400, "", "licence_key,customer__emial,customer__email,Customer__Email,colour\n1,2,3,4,5\n").problem(t, "invalid_header")
	for _, name := range []string{"licence_key", "customer__emial", "colour", "license__license_key", "product__short_code", "customer__email"} {
		if !strings.Contains(a.field("detail"), name) {
			t.Errorf("%s is not named: %s", name, a.field("detail"))
		}
	}
	fields{"errors.#": "6", "job_id": ""}.check(t, "the problem", a)

	r := c.imports("?unknown_columns=ignore", "license__license_key,colour,product__short_code\nk,blue,psc\n")
	counts(1, 1, 0, 0, 0, 1, 0, 1, 0).check(t, "ignored", r)
	r = c.imports("", " License__License_Key ,product__short_code,,error__anything,ERROR__ROW\nk2,psc,,x,y\nk3,psc,,,\n")
	counts(2, 2, 0, 0, 0, 2, 0, 2, 0).check(t, "an empty column, and those of a corrected file", r)
}

// TestUploadsThatBreakOff end as error, import nothing, and are named in the answer where they had begun.
func TestUploadsThatBreakOff(t *testing.T) {
	t.Parallel()
	s := serve(t, "--max-file-size", "256KiB")
	whole := parts([3]string{"file", "a.csv", header2 + strings.Repeat("k-1,psc\n", 4_000)})
	cut := strings.TrimSuffix(whole, "--b--\r\n")
	large := parts([3]string{"file", "a.csv", header2 + strings.Repeat("k-1,psc\n", 40_000)})
	twice := strings.TrimSuffix(whole, "--b--\r\n") + parts([3]string{"file", "b.csv", good})
	for _, test := range []struct {
		name, body string
		status     int
		code       string
	}{
		{"no closing boundary", cut, 400, "upload_incomplete"},
		{"in the middle of a row", whole[:20_003], 400, "upload_incomplete"},
		{"two files", twice, 400, "unexpected_part"},
		{"too large", large, 413, "too_large"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := s.as(t, s.admin)
			// A reader of unknown length, so that it is sent in chunks.
			a := c.call(test.status, "POST", uploadPath, io.MultiReader(strings.NewReader(test.body)), "Content-Type", asForm)
			a.problem(t, test.code)
			newest := c.get(200, resultsPath+"?limit=1")
			fields{"results.0.status": `"error"`, "results.0.result": "null", "results.0.error.code": compact(test.code),
				"results.0.started_at": "null"}.check(t, "the import", newest)
			if newest.field("results.0.finished_at") == "null" {
				t.Error("it has no end")
			}
			if test.status == 413 {
				fields{"job_id": newest.field("results.0.id")}.check(t, "the problem", a)
			}
		})
	}
	fields{"count": "0"}.check(t, "the licenses", s.as(t, s.admin).get(200, "/api/v1/licenses/"))
}

// TestConnectionLost: a client that is gone in the middle imports nothing.
func TestConnectionLost(t *testing.T) {
	t.Parallel()
	s := serve(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Api-Key %s\r\nContent-Type: %s\r\nContent-Length: 1000000\r\n\r\n%s",
		uploadPath, s.admin, asForm, strings.TrimSuffix(parts([3]string{"file", "a.csv", header2 + strings.Repeat("k-1,psc\n", 4_000)}), "--b--\r\n"))
	c := s.as(t, s.admin)
	eventually(t, "the import", func() bool { return c.get(200, resultsPath).field("count") == "1" })
	fields{"results.0.status": `"pending"`, "results.0.finished_at": "null", "results.0.error": "null", "results.0.progress": "0"}.
		check(t, "while uploading", c.get(200, resultsPath))
	conn.Close()
	eventually(t, "its end", func() bool { return c.get(200, resultsPath).field("results.0.status") == `"error"` })
	fields{"count": "0"}.check(t, "the licenses", c.get(200, "/api/v1/licenses/"))
}

// TestPacked: gzip, of the request or of the file, and the limit counts what is in it.
func TestPacked(t *testing.T) {
	t.Parallel()
	s := serve(t, "--max-file-size", "64KiB")
	c := s.as(t, s.admin)
	small, bomb := header2+"z-1,psc\nz-2,psc\n", header2+strings.Repeat("k-1,psc\n", 100_000)
	send := func(status int, name string, file []byte, whole bool) answer {
		t.Helper()
		body, contentType := form(t, name, file)
		headers := []string{"Content-Type", contentType}
		if whole {
			body = bytes.NewBuffer(packed(t, body.String()))
			headers = append(headers, "Content-Encoding", "gzip")
		}
		return c.call(status, "POST", uploadPath, body, headers...)
	}
	r := c.await(send(200, "a.csv", []byte(small), true).field("job_id"))
	counts(2, 2, 0, 0, 0, 2, 0, 2, 0).check(t, "the request packed", r)
	r = c.await(send(200, "a.csv.gz", packed(t, small), false).field("job_id"))
	counts(2, 2, 0, 0, 0, 0, 0, 0, 2).check(t, "the file packed", r)
	fields{"file_name": `"a.csv.gz"`}.check(t, "the file packed", r)
	r = c.await(send(200, "a.csv.gz", packed(t, small), true).field("job_id"))
	counts(2, 2, 0, 0, 0, 0, 0, 0, 2).check(t, "both packed", r)
	send(413, "a.csv", []byte(bomb), true).problem(t, "too_large")
	send(413, "a.csv.gz", packed(t, bomb), false).problem(t, "too_large")
	cut := packed(t, small)
	send(400, "a.csv.gz", cut[:len(cut)-4], false)
	wrong := bytes.Clone(cut)
	wrong[len(wrong)-6] ^= 1 // of the checksum
	send(400, "a.csv.gz", wrong, false).problem(t, "invalid_gzip")
}

// TestAnswerOfUpload: job_id grows, and Location leads to a result that is there.
func TestAnswerOfUpload(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.as(t, s.admin)
	for want := 1; want <= 3; want++ {
		a := c.upload(200, "", good)
		fields{"job_id": fmt.Sprint(want)}.check(t, "the answer", a)
		if body := strings.TrimSpace(string(a.body)); body != fmt.Sprintf(`{"job_id":%d}`, want) {
			t.Errorf("the answer is %s", body)
		}
		fields{"id": fmt.Sprint(want)}.check(t, "at Location", c.get(200, a.header.Get("Location")))
		fields{"results.0.id": fmt.Sprint(want)}.check(t, "the list", c.get(200, resultsPath))
	}
	body, contentType := form(t, `C:\files\my "best" licenses.csv`, []byte(good))
	r := c.await(c.call(200, "POST", strings.TrimSuffix(uploadPath, "/"), body, "Content-Type", contentType).field("job_id"))
	fields{"file_name": `"my \"best\" licenses.csv"`, "mode": `"partial"`, "dry_run": "false", "manager": `"admin"`}.check(t, "without the last slash", r)
}

// TestIdempotency: the same key is the same upload.
func TestIdempotency(t *testing.T) {
	t.Parallel()
	s := serve(t)
	ada, bob := s.as(t, s.newKey(t, "Ada", "importer")), s.as(t, s.newKey(t, "Bob", "importer"))
	first := ada.upload(200, "", good, "Idempotency-Key", "one")
	again := ada.upload(200, "", good, "Idempotency-Key", "one")
	if string(first.body) != string(again.body) || first.header.Get("Location") != again.header.Get("Location") {
		t.Errorf("%s, then %s", first.body, again.body)
	}
	body, contentType := form(t, "other-name.csv.gz", packed(t, good))
	packedAgain := ada.call(200, "POST", uploadPath+"?dry_run=false&mode=partial", body, "Content-Type", contentType, "Idempotency-Key", "one")
	if string(packedAgain.body) != string(first.body) {
		t.Errorf("the same, packed and with the defaults spelt out: %s", packedAgain.body)
	}
	ada.upload(422, "", good+"k-2,psc\n", "Idempotency-Key", "one").problem(t, "idempotency_key_reused")
	ada.upload(422, "?dry_run=true", good, "Idempotency-Key", "one").problem(t, "idempotency_key_reused")
	if other := bob.upload(200, "", good, "Idempotency-Key", "one"); string(other.body) == string(first.body) {
		t.Errorf("Bob gets Ada's import: %s", other.body)
	}
	long := strings.Repeat("ü", 255)
	if a, b := ada.upload(200, "", good, "Idempotency-Key", long), ada.upload(200, "", good, "Idempotency-Key", long); string(a.body) != string(b.body) {
		t.Errorf("255 characters: %s, then %s", a.body, b.body)
	}
	fields{"count": "2"}.check(t, "Ada's imports", ada.get(200, resultsPath))
	ada.await(first.field("job_id"))

	// An upload that failed frees its key.
	broken := strings.TrimSuffix(parts([3]string{"file", "a.csv", good}), "--b--\r\n")
	ada.call(400, "POST", uploadPath, strings.NewReader(broken), "Content-Type", asForm, "Idempotency-Key", "two")
	r := ada.imports("", good, "Idempotency-Key", "two")
	fields{"status": `"success"`}.check(t, "after a failure", r)
}

// slow is an upload whose end is not sent yet.
type slow struct {
	in     *io.PipeWriter
	answer chan answer
	id     string
}

// begun counts the uploads that begin started.
var begun atomic.Int64

// begin starts an upload of some rows that stays open.
func (c *caller) begin(query string, rows int, pairs ...string) *slow {
	c.Helper()
	name := fmt.Sprintf("slow-%d.csv", begun.Add(1)) // tells it from others that come into the list meanwhile
	body, in := io.Pipe()
	u := &slow{in: in, answer: make(chan answer, 1)}
	go func() {
		u.answer <- c.send("POST", uploadPath+query, body, append([]string{"Content-Type", asForm}, pairs...)...)
	}()
	text := parts([3]string{"file", name, header2 + strings.Repeat("slow,psc\n", rows)})
	if _, err := io.WriteString(in, strings.TrimSuffix(text, "\r\n--b--\r\n")); err != nil {
		c.Fatal(err)
	}
	eventually(c.T, "the upload's import", func() bool {
		list := c.get(200, resultsPath)
		u.id = list.field("results.0.id")
		return list.field("results.0.file_name") == compact(name)
	})
	return u
}

// end sends the end.
func (u *slow) end() answer {
	_, _ = io.WriteString(u.in, "\r\n--b--\r\n")
	_ = u.in.Close()
	return <-u.answer
}

// TestWhileUploading: what others get while an upload goes on.
func TestWhileUploading(t *testing.T) {
	t.Parallel()
	s := serve(t, "--max-uploads", "1")
	c := s.as(t, s.admin)
	u := c.begin("", 3_000, "Idempotency-Key", "one")
	if a := c.upload(503, "", good).problem(t, "too_many_uploads"); a.header.Get("Retry-After") == "" {
		t.Error("503 without Retry-After")
	}
	fields{"status": `"pending"`, "result": "null", "started_at": "null", "finished_at": "null", "error": "null", "progress": "0", "rows_per_second": "null"}.
		check(t, "while uploading", c.get(200, resultsPath+u.id+"/"))
	fields{"count": "1"}.check(t, "pending", c.get(200, resultsPath+"?status_iexact=PENDING"))
	fields{"job_id": u.id}.check(t, "the upload", u.end())
	counts(3000, 3000, 0, 0, 0, 1, 0, 1, 2999).check(t, "the end", c.await(u.id))
}

// TestIdempotencyWhileUploading: 409 while the first one goes on.
func TestIdempotencyWhileUploading(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.as(t, s.admin)
	u := c.begin("", 3_000, "Idempotency-Key", "one")
	c.upload(409, "", good, "Idempotency-Key", "one").problem(t, "upload_in_progress")
	c.call(202, "POST", resultsPath+u.id+"/cancel/", nil)
	fields{"code": `"cancelled"`, "job_id": u.id, "status": "409"}.check(t, "the cancelled upload", u.end())
	r := c.imports("", good, "Idempotency-Key", "one")
	fields{"status": `"success"`}.check(t, "the key is free again", r)
}

// TestRate: requests a second for each key.
func TestRate(t *testing.T) {
	t.Parallel()
	s := serve(t, "--rate", "2")
	c, other := s.as(t, s.admin), s.as(t, s.newKey(t, "Ada", "viewer"))
	var limited answer
	for range 10 {
		if limited = c.send("GET", "/api/v1/me/", nil); limited.status != 200 {
			break
		}
	}
	if limited.status != http.StatusTooManyRequests || limited.header.Get("Retry-After") == "" {
		t.Fatalf("%d %v", limited.status, limited.header)
	}
	limited.problem(t, "too_many_requests")
	other.get(200, "/api/v1/me/")
	time.Sleep(time.Second) // what Retry-After says
	c.get(200, "/api/v1/me/")
}

// TestRefusalIsSeen: a client that reads only after it has sent everything sees why it was refused.
func TestRefusalIsSeen(t *testing.T) {
	t.Parallel()
	s := serve(t, "--max-file-size", "64KiB")
	for name, key := range map[string]string{"without a key": "", "too large": s.admin} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			body := parts([3]string{"file", "a.csv", header2 + strings.Repeat("k-1,psc\n", 500_000)})
			if _, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Api-Key %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s",
				uploadPath, key, asForm, len(body), body); err != nil {
				t.Fatalf("the connection ended while sending: %v", err)
			}
			got, err := io.ReadAll(conn)
			want := map[bool]string{true: "HTTP/1.1 401 ", false: "HTTP/1.1 413 "}[key == ""]
			if err != nil || !strings.HasPrefix(string(got), want) {
				t.Errorf("%v %s", err, got)
			}
		})
	}
}

package contracttest

import (
	"strings"
	"testing"
)

// TestRetry: what was wrong is the catalogue; once it is right the rejected rows are imported as they
// were sent, and no other row is.
func TestRetry(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.as(t, s.admin)
	command(t, "products", "set", "psc", "--data", s.data)
	const header = "license__license_key,product__short_code,customer__email,license__note\n"
	first := c.imports("?unknown_columns=ignore", header+
		"r-1,psc,,\n"+
		"r-2,new,Ada@example.com,\" a note, \nas it is\"\n"+
		"r-3,ps\"c,,\n"+
		"r-4,new,nonsense,\n"+
		"r-5,new,,\n")
	counts(5, 1, 4, 0, 0, 1, 0, 1, 0).check(t, "before", first)
	retry := func(status int, query string, pairs ...string) answer {
		t.Helper()
		return c.call(status, "POST", resultsPath+first.field("id")+"/retry/"+query, nil, pairs...)
	}

	again := c.await(retry(200, "", "Idempotency-Key", "too early").field("job_id"))
	counts(4, 0, 4, 0, 0, 0, 0, 0, 0).check(t, "while the catalogue is wrong", again)

	command(t, "products", "set", "new", "--data", s.data)
	dry := c.await(retry(200, "?dry_run=true").field("job_id"))
	counts(4, 2, 2, 0, 0, 0, 0, 0, 0).check(t, "dry run", dry)
	fields{"dry_run": "true"}.check(t, "dry run", dry)

	accepted := retry(200, "")
	if want := resultsPath + accepted.field("job_id") + "/"; !strings.HasSuffix(accepted.header.Get("Location"), want) {
		t.Errorf("Location %q, want %q", accepted.header.Get("Location"), want)
	}
	r := c.await(accepted.field("job_id"))
	counts(4, 2, 2, 1, 0, 2, 0, 2, 0).check(t, "after", r)
	fields{
		"file_name": `"licenses.csv"`, "retry_of": first.field("id"), "mode": `"partial"`, "dry_run": "false", "status": `"success"`,
		"result.invalid_rows.0.row": "2", "result.invalid_rows.0.line": "5", "result.invalid_rows.0.errors.0.code": `"malformed_row"`,
		"result.invalid_rows.1.row": "3", "result.invalid_rows.1.line": "6", "result.invalid_rows.1.errors.0.code": `"invalid_email"`,
	}.check(t, "after", r)
	fields{"results.0.note": `" a note, \nas it is"`, "results.0.import_id": r.field("id"), "results.0.import_row": "1"}.
		check(t, "r-2", c.get(200, "/api/v1/licenses/?license_key=r-2"))
	fields{"count": "1", "results.0.import_id": first.field("id")}.check(t, "r-1", c.get(200, "/api/v1/licenses/?license_key=r-1"))

	last := c.await(retry(200, "").field("job_id"))
	counts(4, 2, 2, 0, 1, 0, 0, 0, 2).check(t, "once more: they exist", last)
	c.await(retry(200, "?dry_run=true").field("job_id")) // decides nothing, so it is not named
	if repeated := retry(200, "", "Idempotency-Key", "too early"); repeated.field("job_id") != again.field("id") {
		t.Errorf("with the key of the first retry: %s", repeated.body)
	}
	retry(422, "?dry_run=true", "Idempotency-Key", "too early").problem(t, "idempotency_key_reused")
	retry(400, "?delimiter=comma").problem(t, "unknown_parameter")
	fields{"count": "3"}.check(t, "licenses", c.get(200, "/api/v1/licenses/"))
	fields{"result.invalid_row_count": "4", "result.created_licenses_count": "1", "retried_by": last.field("id")}.check(t, "the first import", c.get(200, resultsPath+first.field("id")+"/"))
}

// TestRetryWithAnotherMapping: what was wrong is the mapping.
func TestRetryWithAnotherMapping(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.as(t, s.admin)
	first := c.imports("?map=Serial:license__license_key&set=product__short_code:psc&map=Ends:license__validity_period",
		"Serial,Ends\nm-1,24.12.2031\nm-2,2031-12-24\n")
	counts(2, 1, 1, 0, 0, 1, 0, 1, 0).check(t, "before", first)
	path := resultsPath + first.field("id") + "/retry/"
	r := c.await(c.call(200, "POST", path+"?date_format=DD.MM.YYYY&set=license__note:late", nil).field("job_id"))
	counts(1, 1, 0, 0, 0, 1, 0, 1, 0).check(t, "after", r)
	fields{"results.0.validity_period": `"2031-12-24"`, "results.0.note": `"late"`}.check(t, "m-1", c.get(200, "/api/v1/licenses/?license_key=m-1"))
	c.call(400, "POST", path+"?map=Serial:license__note", nil).problem(t, "invalid_header")
	c.call(400, "POST", path+"?date_format=soon", nil).problem(t, "invalid_mapping")
}

// TestRetryIsRefused: what has not ended, and what has no rejected row.
func TestRetryIsRefused(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.as(t, s.admin)
	path := func(id string) string { return resultsPath + id + "/retry/" }
	u := c.begin("", 3_000)
	c.call(409, "POST", path(u.id), nil).problem(t, "not_ended")
	c.call(202, "POST", resultsPath+u.id+"/cancel/", nil)
	u.end().problem(t, "cancelled")
	c.call(409, "POST", path(u.id), nil).problem(t, "nothing_to_retry")

	valid := c.imports("", header2+"v-1,psc\n").field("id")
	c.call(409, "POST", path(valid), nil).problem(t, "nothing_to_retry")
	c.call(404, "POST", path("999"), nil).problem(t, "not_found")

	importer, viewer := s.as(t, s.newKey(t, "ada", "importer")), s.as(t, s.newKey(t, "eve", "viewer"))
	theirs := c.imports("", header2+",psc\n").field("id")
	importer.call(404, "POST", path(theirs), nil).problem(t, "not_found")
	viewer.call(403, "POST", path(theirs), nil).problem(t, "permission_denied")
	own := importer.imports("", header2+",psc\n").field("id")
	counts(1, 0, 1, 0, 0, 0, 0, 0, 0).check(t, "her own", importer.await(importer.call(200, "POST", path(own), nil).field("job_id")))
}

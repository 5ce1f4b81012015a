package ingest

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/internal/access"
)

// retry asks for the retry of an import.
func (h *harness) retry(job events.JobID, query string, q request) answer {
	h.Helper()
	req, err := http.NewRequestWithContext(h.Context(), "POST", h.http.URL+licensesPath+job.String()+"/retry"+query, nil)
	if err != nil {
		h.Fatal(err)
	}
	h.authorize(req, q.key)
	for name, value := range q.header {
		req.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		h.Fatal(err)
	}
	return readAnswer(h, res)
}

// reject ends an import with its rejected rows, which it returns.
func (h *harness) reject(job events.JobID, products ...string) []*events.RowRejected {
	h.Helper()
	all := h.rejected(job, products...)
	h.appendOutcomes(job, all)
	h.append(&events.ImportFinished{JobID: job, Status: events.Success}, h.state(job).Last.Seq)
	return all
}

// rejected are the outcomes of an import's rows with a product of those given, and of those that could
// not be read.
func (h *harness) rejected(job events.JobID, products ...string) []*events.RowRejected {
	h.Helper()
	var all []*events.RowRejected
	for _, row := range h.rows(job) {
		rejected := &events.RowRejected{JobID: job, Row: row.Row, Line: row.Line, Values: row.Values, Raw: row.Raw}
		switch m := row.Malformed; {
		case m != nil:
			rejected.Errors = []events.FieldError{{Column: m.Column, Code: m.Code, Message: m.Message, Value: m.Raw}}
			rejected.Raw = m.Raw
		case slices.Contains(products, value(row, "product__short_code")):
			rejected.Errors = []events.FieldError{events.Columns[events.ColumnProduct].Error(events.UnknownProduct, "x")}
		default:
			continue
		}
		all = append(all, rejected)
	}
	return all
}

// appendOutcomes stores rejected rows of an import, in batches.
func (h *harness) appendOutcomes(job events.JobID, all []*events.RowRejected) {
	h.Helper()
	for chunk := range slices.Chunk(all, eventlog.MaxBatch-1) {
		batch := h.log.NewBatch(job)
		for _, rejected := range chunk {
			body, err := events.Encode(rejected, time.Now())
			if err == nil {
				err = batch.Add(rejected.Subject(), body)
			}
			if err != nil {
				h.Fatal(err)
			}
		}
		progressed := &events.ImportProgressed{JobID: job, Phase: events.Import, Row: chunk[len(chunk)-1].Row}
		body, err := events.Encode(progressed, time.Now())
		if err != nil {
			h.Fatal(err)
		}
		if _, err := batch.Commit(h.Context(), progressed.Subject(), body, h.state(job).Last.Seq); err != nil {
			h.Fatal(err)
		}
	}
}

// rejectedFile is a file of which "old" is no product any more, and two rows are damaged.
const rejectedFile = "license__license_key;product__short_code;license__note\r\n" +
	"K-1;psc;\r\n" +
	"K-2;old; a note\r\n" +
	"K-3;old;\"two\r\nlines\"\r\n" +
	"K-4;psc;x;y\r\n" +
	"K-5;psc;\r\n" +
	"K-6;p\"sc;\r\n" +
	"K-7;old;äöü\r\n"

// retried are the faults of a retry's rows: each rejected row is there once, as it was sent, and no other.
func retried(rejected []*events.RowRejected, rows []*events.RowReceived) (faults []string) {
	for i, row := range rows {
		if row.Row != events.Row(i+1) {
			faults = append(faults, fmt.Sprintf("row %d has the number %d", i+1, row.Row))
		}
		if i >= len(rejected) {
			faults = append(faults, fmt.Sprintf("row %d, of line %d, is not one of those that were rejected", row.Row, row.Line))
			continue
		}
		want := receivedAgain(rejected[i], row.Row)
		want.JobID = row.JobID
		if !reflect.DeepEqual(*row, want) {
			faults = append(faults, fmt.Sprintf("row %d is %+v, want %+v", row.Row, *row, want))
		}
	}
	if len(rows) < len(rejected) {
		faults = append(faults, fmt.Sprintf("%d of %d rows are missing", len(rejected)-len(rows), len(rejected)))
	}
	return faults
}

// TestRetryImportsTheRejectedRows: just these, each once, as it was sent, with the line of the first
// file.
func TestRetryImportsTheRejectedRows(t *testing.T) {
	h := newHarness(t, Config{})
	upload := request{query: "?mode=all_or_nothing", name: "price list.csv", key: h.key("ada", access.Importer)}
	if a := h.send(rejectedFile, upload); a.status != 200 {
		t.Fatal(a.text)
	}
	rejected := h.reject(1, "old")
	a := h.retry(1, "", request{key: h.key("ada", access.Importer, "psc", "old")})
	if a.status != 200 || a.body.JobID != 2 || a.header.Get("Location") != licensesPath+"2/" {
		t.Fatalf("%d %s, Location %q", a.status, a.text, a.header.Get("Location"))
	}
	rows := h.rows(2)
	for _, fault := range retried(rejected, rows) {
		t.Error(fault)
	}
	sent := h.rows(1)
	for i, of := range []int{2, 3, 4, 6, 7} {
		again, before := *rows[i], *sent[of-1]
		before.JobID, before.Row = again.JobID, again.Row
		if !reflect.DeepEqual(again, before) {
			t.Errorf("row %d as received again is %+v, and was %+v", of, again, before)
		}
	}
	one, two := *h.state(1).Started, *h.state(2).Started
	one.JobID, one.Products, one.Query, one.RetryOf = 2, []string{"psc", "old"}, "mode=all_or_nothing&retry_of=1", 1
	if !reflect.DeepEqual(one, two) {
		t.Errorf("%+v, want %+v", two, one)
	}
	if s := h.state(2).Sealed; s == nil || s.Rows != 5 || s.Bytes == 0 || len(s.SHA256) != 64 {
		t.Errorf("%+v", s)
	}
}

// TestRetryOfARetry: rows that are rejected again can be retried again; so can those of the first import,
// and two retries of the same rows have the same SHA-256.
func TestRetryOfARetry(t *testing.T) {
	h := newHarness(t, Config{})
	h.send(rejectedFile, request{})
	rejected := h.reject(1, "old")
	for job := events.JobID(1); job <= 3; job++ {
		if a := h.retry(job, "", request{}); a.status != 200 || a.body.JobID != job+1 {
			t.Fatalf("%d %s", a.status, a.text)
		}
		for _, fault := range retried(rejected, h.rows(job+1)) {
			t.Errorf("import %d: %s", job+1, fault)
		}
		if s := h.state(job + 1).Started; s.RetryOf != job {
			t.Errorf("import %d is a retry of %d", job+1, s.RetryOf)
		}
		h.reject(job+1, "old")
	}
	if a := h.retry(1, "", request{}); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.text)
	}
	if two, five := h.state(2).Sealed, h.state(5).Sealed; two.SHA256 != five.SHA256 || two.Bytes != five.Bytes {
		t.Errorf("%+v, %+v", two, five)
	}
}

// TestDoubledRetryIsNoticed is the negative control of these tests: a retry that reads each rejected
// row twice, or one that was not rejected.
func TestDoubledRetryIsNoticed(t *testing.T) {
	h := newHarness(t, Config{})
	h.send(rejectedFile, request{})
	rejected := h.reject(1, "old")
	again := func(rows ...int) (all []*events.RowReceived) {
		for i, of := range rows {
			row := receivedAgain(rejected[of], events.Row(i+1))
			all = append(all, &row)
		}
		return all
	}
	for name, tt := range map[string]struct {
		rows   []*events.RowReceived
		faults bool
	}{
		"each once":     {again(0, 1, 2, 3, 4), false},
		"one twice":     {again(0, 0, 1, 2, 3, 4), true},
		"the last, too": {again(0, 1, 2, 3, 4, 4), true},
		"one is lost":   {again(0, 1, 2, 3), true},
		"exchanged":     {again(0, 2, 1, 3, 4), true},
		"another one":   {append(again(0, 1, 2, 3, 4), h.rows(1)[0]), true},
	} {
		if faults := retried(rejected, tt.rows); (len(faults) > 0) != tt.faults {
			t.Errorf("%s: %q", name, faults)
		}
	}
}

// TestRepeatedOutcomesAreRetriedOnce: a message that the stream holds twice is one row, and one that is
// set aside is none.
func TestRepeatedOutcomesAreRetriedOnce(t *testing.T) {
	h := newHarness(t, Config{})
	h.send(rejectedFile, request{})
	rejected := h.rejected(1, "old")
	h.appendOutcomes(1, rejected[:3])
	h.appendOutcomes(1, rejected[1:])
	stray := h.log.NewBatch(1)
	if err := stray.Add(events.RejectedSubject(1), []byte("no event")); err != nil {
		t.Fatal(err)
	}
	body, err := events.Encode(finished, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	seq, err := stray.Commit(t.Context(), finished.Subject(), body, h.state(1).Last.Seq)
	if err != nil {
		t.Fatal(err)
	}
	if a := h.retry(1, "", request{}); a.status != 500 || a.body.Code != "internal" {
		t.Errorf("a message that cannot be read: %d %s", a.status, a.text)
	}
	if _, err := h.log.SetAside(t.Context(), seq-1, "ada", "not ours", nil); err != nil {
		t.Fatal(err)
	}
	a := h.retry(1, "", request{})
	if a.status != 200 {
		t.Fatalf("%d %s", a.status, a.text)
	}
	for _, fault := range retried(rejected, h.rows(a.body.JobID)) {
		t.Error(fault)
	}
}

// TestRetryOptions: they are those of the first import unless the query says otherwise.
func TestRetryOptions(t *testing.T) {
	h := newHarness(t, Config{})
	h.send(rejectedFile, request{query: "?dry_run=true&mode=all_or_nothing&existing=update&delimiter=semicolon"})
	h.reject(1, "old")
	const whole, update = events.AllOrNothing, events.UpdateExisting
	for query, want := range map[string]events.ImportStarted{
		"":                            {DryRun: true, Mode: whole, Existing: update, Query: "dry_run=true&existing=update&mode=all_or_nothing&retry_of=1"},
		"?dry_run=TRUE":               {DryRun: true, Mode: whole, Existing: update, Query: "dry_run=true&existing=update&mode=all_or_nothing&retry_of=1"},
		"?dry_run=false":              {Mode: whole, Existing: update, Query: "existing=update&mode=all_or_nothing&retry_of=1"},
		"?mode=partial&dry_run=false": {Mode: events.Partial, Existing: update, Query: "existing=update&retry_of=1"},
		"?existing=keep&mode=partial": {DryRun: true, Mode: events.Partial, Existing: events.KeepExisting, Query: "dry_run=true&retry_of=1"},
	} {
		a := h.retry(1, query, request{})
		if a.status != 200 {
			t.Errorf("%s: %d %s", query, a.status, a.text)
			continue
		}
		if s := h.state(a.body.JobID).Started; s.DryRun != want.DryRun || s.Mode != want.Mode || s.Existing != want.Existing || s.Query != want.Query || s.Delimiter != ";" {
			t.Errorf("%s: %+v", query, s)
		}
	}
	for _, query := range []string{
		"?dry_run=", "?mode=some", "?mode=partial&mode=partial", "?delimiter=comma", "?encoding=utf-8", "?unknown_columns=ignore", "?retry_of=1",
	} {
		if a := h.retry(1, query, request{}); a.status != 400 {
			t.Errorf("%s: %d %s", query, a.status, a.text)
		}
	}
}

// TestRetryWithAnotherMapping: what was wrong is the mapping. The values move to the columns that the file's
// own headers have now, and those that were not read are not there.
func TestRetryWithAnotherMapping(t *testing.T) {
	h := newHarness(t, Config{})
	h.mappingRequest("PUT", "vendor", vendorMapping, adminKey)
	query := mapQuery("map", "Serial No.:license__note", "map", "Mail:license__license_key", "set", "product__short_code:old", "ignore", "Notes 2")
	if a := h.send(foreign, request{query: query}); a.status != 200 {
		t.Fatal(a.text)
	}
	rejected := h.rejected(1)
	for _, row := range h.rows(1) {
		e := &events.RowRejected{JobID: 1, Row: row.Row, Line: row.Line, Values: row.Values}
		e.Errors = []events.FieldError{events.Columns[0].Error(events.Required, "")}
		rejected = append(rejected, e)
	}
	h.appendOutcomes(1, rejected)
	h.append(&events.ImportFinished{JobID: 1, Status: events.Success}, h.state(1).Last.Seq)

	again := mapQuery("map", "Serial No.:license__license_key", "map", "mail:customer__email", "set", "product__short_code:new")
	key := withKey("again")
	a := h.retry(1, again, key)
	if a.status != 200 {
		t.Fatalf("%d %s", a.status, a.text)
	}
	for i, row := range h.rows(2) {
		want := []string{"AB-1", "AB-2"}[i] + " " + []string{"ada@example.com", "bob@example.com"}[i]
		if got := value(row, "license__license_key") + " " + value(row, "customer__email"); got != want || value(row, "license__note") != "" {
			t.Errorf("row %d: %s, want %s", row.Row, got, want)
		}
	}
	s := h.state(2).Started
	if strings.Join(s.Columns, "|") != "license__license_key|customer__email" || strings.Join(s.Headers, "|") != "Serial No.|Mail" ||
		strings.Join(s.Ignored, "|") != "Notes 2" || s.Mapping.Set["product__short_code"] != "new" || *s.Mapping.Columns["Serial No."] != "license__license_key" {
		t.Errorf("%+v, %+v", s, s.Mapping)
	}
	if a := h.retry(1, again, key); a.status != 200 || a.body.JobID != 2 {
		t.Errorf("the same again: %d %s", a.status, a.text)
	}
	if a := h.retry(1, "", key); a.status != 422 {
		t.Errorf("the same key without the mapping: %d %s", a.status, a.text)
	}
	a = h.retry(1, "?mapping=vendor", withKey("vendor"))
	if a.status != 200 || h.state(a.body.JobID).Started.Mapping.Name != "vendor" {
		t.Errorf("a saved mapping: %d %s", a.status, a.text)
	}
	h.mappingRequest("DELETE", "vendor", "", adminKey)
	if again := h.retry(1, "?mapping=vendor", withKey("vendor")); again.status != 200 || again.body.JobID != a.body.JobID {
		t.Errorf("the same again, without the saved mapping: %d %s", again.status, again.text)
	}
	for _, tt := range []struct{ query, code string }{
		{mapQuery("map", "Notes 2:license__subscription_id"), "column_not_stored"},
		{mapQuery("map", "Serial:license__license_key"), "invalid_header"},
		{mapQuery("map", "Mail:license__kee"), "invalid_mapping"},
		{mapQuery("ignore", "Mail"), "invalid_header"}, // no key is left
		{"?mapping=none", "unknown_mapping"},
	} {
		if a := h.retry(1, tt.query, request{}); a.status != 400 || a.body.Code != tt.code {
			t.Errorf("%s: %d %s", tt.query, a.status, a.text)
		}
	}
}

// TestRetryIsRefused: who may not retry, and what cannot be retried.
func TestRetryIsRefused(t *testing.T) {
	h := newHarness(t, Config{})
	ada, bob, vera := h.key("ada", access.Importer), h.key("bob", access.Importer), h.key("vera", access.Viewer)
	for range 3 {
		if a := h.send(rejectedFile, request{key: ada}); a.status != 200 {
			t.Fatal(a.text)
		}
	}
	h.reject(1, "old")
	h.append(&events.ImportFinished{JobID: 3, Status: events.Success}, h.state(3).Last.Seq)
	h.begin(77, 2, true)
	h.append(&events.ImportAborted{JobID: 77, Code: "timeout"}, h.state(77).Last.Seq)
	for _, tt := range []struct {
		name   string
		job    events.JobID
		key    string
		status int
		code   string
		says   string
	}{
		{"not an id", 0, ada, 404, "not_found", ""},
		{"unknown", 99, ada, 404, "not_found", ""},
		{"another's", 1, bob, 404, "not_found", ""},
		{"a viewer", 1, vera, 403, "permission_denied", ""},
		{"no key that works", 1, "x", 401, "invalid_key", ""},
		{"not ended", 2, ada, 409, "not_ended", "wait for its end"},
		{"no row was rejected", 3, ada, 409, "nothing_to_retry", "nothing to retry"},
		{"aborted", 77, "", 409, "nothing_to_retry", "upload the file again"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := h.retry(tt.job, "", request{key: tt.key})
			if a.status != tt.status || a.body.Code != tt.code || !strings.Contains(a.body.Detail, tt.says) {
				t.Errorf("%d %s", a.status, a.text)
			}
			if tt.status == 409 && a.body.JobID != tt.job {
				t.Errorf("names import %d", a.body.JobID)
			}
		})
	}
	if last := h.lastJob(); last != 3 {
		t.Errorf("a retry that was refused drew the id %d", last)
	}
}

// TestRetryOfALimitedManager: of another manager's import only the rows of the manager's own products
// are retried, as only these are shown. The new import is limited as its manager is now.
func TestRetryOfALimitedManager(t *testing.T) {
	h := newHarness(t, Config{})
	ada := h.key("ada", access.Importer)
	h.send("license__license_key,product__short_code\nK-1,one\nK-2,two\nK-3, one \nK-4,three\n", request{key: ada})
	rejected := h.reject(1, "one", "two", "one", " one ", "three")
	if len(rejected) != 4 {
		t.Fatalf("%d rows are rejected", len(rejected))
	}
	for name, tt := range map[string]struct {
		key  string
		rows []*events.RowRejected
	}{
		"limited":       {h.key("eve", access.Admin, "one"), []*events.RowRejected{rejected[0], rejected[2]}},
		"another admin": {h.key("max", access.Admin), rejected},
		"her own":       {h.key("ada", access.Importer, "two"), rejected},
	} {
		a := h.retry(1, "", request{key: tt.key})
		if a.status != 200 {
			t.Fatalf("%s: %d %s", name, a.status, a.text)
		}
		for _, fault := range retried(tt.rows, h.rows(a.body.JobID)) {
			t.Errorf("%s: %s", name, fault)
		}
	}
	if s := h.state(2).Started; s.Manager != "eve" && s.Manager != "max" && s.Manager != "ada" {
		t.Errorf("%+v", s)
	}
	if a := h.retry(1, "", request{key: h.key("none", access.Admin, "other")}); a.status != 409 || a.body.Code != "nothing_to_retry" {
		t.Errorf("no row that it may see: %d %s", a.status, a.text)
	}
}

// TestRetryIdempotencyKey: asking again with the same key makes no second import.
func TestRetryIdempotencyKey(t *testing.T) {
	h := newHarness(t, Config{})
	h.send(rejectedFile, request{})
	h.reject(1, "old")
	h.send(csvOf(1), withKey("upload"))
	for _, tt := range []struct {
		query, key string
		status     int
		job        events.JobID
	}{
		{"", "again", 200, 3},
		{"", "again", 200, 3},
		{"?dry_run=false", "again", 200, 3},
		{"?dry_run=true", "again", 422, 3},
		{"", "upload", 422, 2},
		{"", "another", 200, 4},
	} {
		if a := h.retry(1, tt.query, withKey(tt.key)); a.status != tt.status || a.body.JobID != tt.job {
			t.Errorf("%+v: %d %s", tt, a.status, a.text)
		}
	}
	if a := h.send(csvOf(1), withKey("again")); a.status != 422 {
		t.Errorf("a file under a retry's key: %d %s", a.status, a.text)
	}
	if rows := h.rows(3); len(rows) != 5 {
		t.Errorf("%d rows", len(rows))
	}
}

// TestLongRetry: many batches, in order.
func TestLongRetry(t *testing.T) {
	h := newHarness(t, Config{})
	const n = 5000
	rejected := h.rejectMany(1, n)
	if a := h.retry(1, "", request{}); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.text)
	}
	for _, fault := range retried(rejected, h.rows(h.state(2).Job)) {
		t.Fatal(fault)
	}
}

// rejectMany makes an import with many rejected rows.
func (h *harness) rejectMany(job events.JobID, n int) []*events.RowRejected {
	h.Helper()
	if a := h.send(csvOf(1), request{}); a.status != 200 || a.body.JobID != job {
		h.Fatal(a.text)
	}
	var all []*events.RowRejected
	for i := range n {
		e := &events.RowRejected{JobID: job, Row: events.Row(i*3 + 1), Line: uint64(i*3 + 2)}
		e.Values[0], e.Values[events.ColumnProduct] = fmt.Sprintf("K-%d", i), "old"
		e.Errors = []events.FieldError{events.Columns[events.ColumnProduct].Error(events.UnknownProduct, "old")}
		all = append(all, e)
	}
	h.appendOutcomes(job, all)
	h.append(&events.ImportFinished{JobID: job, Status: events.Success}, h.state(job).Last.Seq)
	return all
}

// TestRetryLimits: those of an upload.
func TestRetryLimits(t *testing.T) {
	h := newHarness(t, Config{})
	h.rejectMany(1, 3)
	h.in.config.MaxRows = 2
	if a := h.retry(1, "", request{}); a.status != 413 || a.body.Code != "too_many_rows" || a.body.JobID != 2 {
		t.Errorf("%d %s", a.status, a.text)
	}
	if len(h.rows(2)) != 0 || h.aborted(2).Code != "too_many_rows" {
		t.Error("the rows are stored")
	}
	h.in.config.MaxRows, h.in.config.MaxFile = 10, 60
	if a := h.retry(1, "", request{}); a.status != 413 || a.body.Code != "too_large" {
		t.Errorf("%d %s", a.status, a.text)
	}
	h.in.config.MaxFile = 4 << 30
	for range h.in.config.MaxUploads * 2 {
		h.in.limiter.tryAcquire("admin")
	}
	if a := h.retry(1, "", request{}); a.status != 503 || a.body.Code != "too_many_uploads" {
		t.Errorf("%d %s", a.status, a.text)
	}
}

// heldSource waits before its second batch of rows, and so does the retry.
type heldSource struct {
	rowSource
	rows    int
	release chan struct{}
	ctx     context.Context
}

func (s *heldSource) next() (*events.RowReceived, error) {
	if s.rows++; s.rows == maxBatchRows+2 {
		select {
		case <-s.release:
		case <-s.ctx.Done():
			return nil, context.Cause(s.ctx)
		}
	}
	return s.rowSource.next()
}

// hold begins a retry of import 1 that waits in the middle, as import 2. ended receives its answer.
func (h *harness) hold() (release chan struct{}, ended chan error) {
	h.Helper()
	ctx, halt := context.WithCancelCause(h.in.uploads)
	admin := access.Manager{Name: "admin", Role: access.Admin}
	source, err := openRejectedSource(ctx, h.log, h.state(1).Started, nil, admin, h.in.config)
	if err != nil {
		h.Fatal(err)
	}
	release, ended = make(chan struct{}), make(chan error, 1)
	u := &upload{in: h.in, ctx: ctx, halt: halt, manager: admin,
		options: options{kind: events.Licenses, mode: events.Partial, query: "retry_of=1"}}
	u.source, u.recheck = &heldSource{source, 0, release, ctx}, func(context.Context) error { return nil }
	go func() {
		defer source.stop()
		ended <- u.run()
	}()
	h.eventually("the retry has begun", func() bool { return h.state(2).Started != nil })
	return release, ended
}

// TestInterruptedRetry: a retry that is cancelled, given up by a janitor or halted by a shutdown in the
// middle imports nothing, its rows are purged, and the next one has all rows.
func TestInterruptedRetry(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		interrupt func(*harness)
		code      string
	}{
		"cancelled": {func(h *harness) { h.cancel(2, "") }, "cancelled"},
		"abandoned": {func(h *harness) {
			h.append(&events.ImportAborted{JobID: 2, Code: "upload_abandoned"}, h.state(2).Last.Seq)
		}, "aborted"},
		"shutdown": {func(h *harness) { h.in.halt(stopping()) }, "stopping"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, Config{WatchEvery: 5 * time.Millisecond})
			rejected := h.rejectMany(1, 2500)
			_, ended := h.hold()
			tt.interrupt(h)
			if code := codeOf(t, <-ended); code != tt.code {
				t.Errorf("answered %s, want %s", code, tt.code)
			}
			if s := h.state(2); s.Sealed != nil || !s.Ended() {
				t.Errorf("%+v", s)
			}
			j := newJanitor(h) // the server may store the rest of a batch after the upload's own purge
			h.eventually("the rows are purged", func() bool { sweepAt(t, j, 0); return len(h.rows(2)) == 0 })
			next := newHarnessOn(t, h.log, Config{})
			if a := next.retry(1, "", request{}); a.status != 200 {
				t.Fatalf("%d %s", a.status, a.text)
			}
			for _, fault := range retried(rejected, next.rows(3)) {
				t.Fatal(fault)
			}
		})
	}
}

// TestAbandonedRetry: the janitor of another process ends a retry whose process has died.
func TestAbandonedRetry(t *testing.T) {
	h := newHarness(t, Config{})
	h.rejectMany(1, 10)
	h.storeRows(2, 0, 4)
	h.append(&events.ImportStarted{JobID: 2, Mode: events.Partial, RetryOf: 1}, 0)
	j := newJanitor(h)
	sweepAt(t, j, 0)
	sweepAt(t, j, time.Minute)
	sweepAt(t, j, 2*time.Minute+time.Second)
	if aborted := h.aborted(2); aborted.Code != "upload_abandoned" || aborted.Rows != 4 || len(h.rows(2)) != 0 ||
		!strings.Contains(aborted.Message, "retry again") {
		t.Errorf("%+v", aborted)
	}
	if a := h.retry(2, "", request{}); a.status != 409 || a.body.Code != "nothing_to_retry" {
		t.Errorf("%d %s", a.status, a.text)
	}
}

// TestOversizedRetriedRow: the text of a row that is too large as an event has the values of the file's columns, in
// their order.
func TestOversizedRetriedRow(t *testing.T) {
	key, _ := events.ColumnIndex("license__license_key")
	row := &events.RowReceived{JobID: 2, Row: 1, Line: 7}
	row.Values[key], row.Values[events.ColumnProduct] = "AB-1", "psc"
	started := &events.ImportStarted{Columns: []string{"product__short_code", "license__license_key"}}
	file := &rejectedSource{started: started}
	if got := file.tooLarge(row).Malformed; got.Code != events.RowTooLarge || got.Raw != "psc,AB-1" {
		t.Errorf("%+v", got)
	}
	file.remap = &remapping{header: []string{"license__license_key", "error__row", "product__short_code"}}
	if got := file.tooLarge(row).Malformed; got.Raw != "AB-1,psc" {
		t.Errorf("under another mapping: %+v", got)
	}
}

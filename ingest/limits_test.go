package ingest

import (
	"context"
	"strings"
	"testing"
	"time"

	"licenseimport/events"
	"licenseimport/internal/access"
	"licenseimport/internal/httpx"
)

var (
	unavailableKeys = httpx.Unavailable(time.Second, "unavailable", "Keys cannot be checked.")
	revokedKey      = httpx.Unauthorized("invalid_key", "The key was revoked.")
)

// TestTooManyRows: a file may have MaxRows rows. One more ends the import.
func TestTooManyRows(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{MaxRows: 3})
	if a := h.send(csvOf(3), request{}); a.status != 200 || h.state(a.body.JobID).Sealed.Rows != 3 {
		t.Fatalf("as many as allowed: %d %s", a.status, a.text)
	}
	for name, file := range map[string]string{
		"one more":       csvOf(4),
		"all malformed":  csvOf(1) + strings.Repeat("\"x\n", 10),
		"packed":         gzipped(csvOf(1) + strings.Repeat("a,b\n", 1<<18)),
		"too few fields": csvOf(1) + strings.Repeat("a\n", 10),
	} {
		a := h.send(file, request{})
		if a.status != 413 || a.body.Code != "too_many_rows" || a.body.JobID == 0 || !strings.Contains(a.body.Detail, "3 rows") {
			t.Errorf("%s: %d %s", name, a.status, a.text)
			continue
		}
		if aborted := h.aborted(a.body.JobID); aborted.Code != "too_many_rows" || len(h.rows(a.body.JobID)) != 0 {
			t.Errorf("%s: %+v, %d rows are stored", name, aborted, len(h.rows(a.body.JobID)))
		}
	}
}

// TestStoredBytesCount: a few hundred bytes of gzip may unpack to a small file of very short rows.
// What is stored of them counts, too.
func TestStoredBytesCount(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{MaxFile: 1 << 20})
	small := gzipped(csvOf(1) + strings.Repeat("a\n", 150_000))
	if len(small) > 1000 {
		t.Fatalf("%d bytes", len(small))
	}
	a := h.send(small, request{})
	if a.status != 413 || a.body.Code != "too_large" || a.body.JobID == 0 {
		t.Fatalf("%d %s", a.status, a.text)
	}
	if n := h.stored.Load(); n > 120_000 {
		t.Errorf("%d rows were stored before the file was refused", n)
	}
	if n := len(h.rows(a.body.JobID)); n != 0 {
		t.Errorf("%d rows are stored", n)
	}
	if a := h.send(csvOf(10_000), request{}); a.status != 200 {
		t.Errorf("a file of usual rows: %d %s", a.status, a.text)
	}
}

// TestRevokedKeyEndsItsUploads: an upload whose key is revoked is answered 401 and imports nothing,
// whether its client is silent or sends the rest at once.
func TestRevokedKeyEndsItsUploads(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	body := string(form("a.csv", csvOf(5)))
	for name, rest := range map[string]string{"silent": "", "sends the rest": body[len(body)-30:]} {
		t.Run(name, func(t *testing.T) {
			key := h.key("ada", access.Importer)
			u, job := h.dialAs(key, len(body), ""), events.JobID(h.lastJob()+1)
			u.write(body[:len(body)-30])
			h.eventually("the job starts", func() bool { return h.state(job).Started != nil })
			if _, err := h.keys.Revoke(t.Context(), "ada"); err != nil {
				t.Fatal(err)
			}
			h.eventually("the key stops", func() bool { return h.send("", request{key: key}).status == 401 })
			u.write(rest)
			began := time.Now()
			a := u.answer()
			if a.status != 401 || a.body.Code != "invalid_key" || a.header.Get("WWW-Authenticate") != "Api-Key" {
				t.Errorf("%d %s", a.status, a.text)
			}
			if aborted := h.aborted(job); aborted.Code != "invalid_key" || len(h.rows(job)) != 0 {
				t.Errorf("%+v, %d rows are stored", aborted, len(h.rows(job)))
			}
			t.Logf("answered after %v", time.Since(began))
		})
	}
}

// TestUploadIsAuthorizedBeforeItsSeal: while the keys cannot be checked an upload goes on, and asks
// again before its seal.
func TestUploadIsAuthorizedBeforeItsSeal(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	for name, tt := range map[string]struct {
		answers []error
		code    string
	}{
		"works":               {[]error{nil}, ""},
		"works after a while": {[]error{unavailableKeys, unavailableKeys, nil}, ""},
		"was revoked":         {[]error{unavailableKeys, revokedKey}, "invalid_key"},
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			u := &upload{in: h.in, options: options{kind: events.Licenses}, ctx: t.Context(),
				recheck: func(context.Context) error {
					asked++
					return tt.answers[asked-1]
				}}
			if err := u.authorize(t.Context()); codeOf(t, err) != tt.code || asked != len(tt.answers) {
				t.Errorf("%v after %d answers", err, asked)
			}
		})
	}
}

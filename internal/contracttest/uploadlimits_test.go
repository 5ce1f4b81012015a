package contracttest

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestTooManyRows: a file of --max-rows rows is taken, one with a row more is 413 and imports nothing.
func TestTooManyRows(t *testing.T) {
	t.Parallel()
	s := serve(t, "--max-rows", "500")
	c := s.as(t, s.admin)
	whole := header2 + strings.Repeat("k-1,psc\n", 500)
	counts(500, 500, 0, 0, 0, 1, 0, 1, 499).check(t, "as many as allowed", c.imports("", whole))
	a := c.upload(413, "", whole+"k-2,psc\n")
	a.problem(t, "too_many_rows")
	newest := c.get(200, resultsPath+"?limit=1")
	fields{"results.0.status": `"error"`, "results.0.result": "null", "results.0.error.code": `"too_many_rows"`, "results.0.id": a.field("job_id")}.
		check(t, "the import", newest)
	fields{"count": "1"}.check(t, "the licenses", c.get(200, "/api/v1/licenses/"))
}

// TestRevokedKeyEndsAnUpload: it is answered 401 before its seal and imports nothing.
func TestRevokedKeyEndsAnUpload(t *testing.T) {
	t.Parallel()
	s := serve(t)
	key := s.newKey(t, "Shop", "importer")
	shop, c := s.as(t, key), s.as(t, s.admin)
	u := shop.begin("", 3_000)
	command(t, "keys", "revoke", "Shop", "--data", s.data)
	eventually(t, "the key stops", func() bool { return shop.send("GET", "/api/v1/me/", nil).status == 401 })
	a := u.end()
	if a.status != 401 || a.field("code") != `"invalid_key"` {
		t.Errorf("%d %s", a.status, a.body)
	}
	fields{"status": `"error"`, "result": "null", "error.code": `"invalid_key"`}.check(t, "the import", c.get(200, resultsPath+u.id+"/"))
	fields{"count": "0"}.check(t, "the licenses", c.get(200, "/api/v1/licenses/"))
}

// TestRevokedKeyEndsAnEventStream: the stream of an import that goes on ends when its key is revoked.
func TestRevokedKeyEndsAnEventStream(t *testing.T) {
	t.Parallel()
	s := serve(t)
	key := s.newKey(t, "Watcher", "viewer")
	u := s.as(t, s.admin).begin("", 3_000)
	r, err := http.NewRequestWithContext(t.Context(), "GET", s.url+resultsPath+u.id+"/events/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Api-Key "+key)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	first := make([]byte, 1)
	if _, err := response.Body.Read(first); err != nil {
		t.Fatal(err)
	}
	command(t, "keys", "revoke", "Watcher", "--data", s.data)
	ended := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, response.Body)
		ended <- err
	}()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second): // a second, and time for a busy machine
		t.Error("the stream goes on with a revoked key")
	}
	u.end()
}

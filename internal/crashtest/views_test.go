//go:build unix

package crashtest

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"testing"
)

// TestViewsAreDisposable deletes and rebuilds the views: every answer is
// the same, byte for byte.
func TestViewsAreDisposable(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	first := shape{name: "first", rows: 700, shared: 5, pool: 20, seed: 1}.generate()
	second := shape{name: "second", rows: 700, shared: 5, pool: 20, seed: 2}.generate()
	cut := shape{name: "cut", rows: 700, seed: 3}.generate()
	must(t, s.client.send(t.Context(), first, attempt{}))
	must(t, s.client.send(t.Context(), second, attempt{}))
	if err := s.client.send(t.Context(), cut, attempt{cut: len(cut.text) / 2}); err == nil {
		t.Fatal("an upload that was cut off is answered")
	}
	// Who goes away is not told when the server has noticed it.
	must(t, waitFor("the import of "+cut.Name, func() error { return seen(s.client, cut.Name) }))
	verify(t, s.nats, s.client, first, second, cut)

	before := answers(t, s.client)
	must(t, s.withoutViews())
	same(t, before, answers(t, s.client))

	must(t, s.stop())
	one, two := rebuild(t, s.data), rebuild(t, s.data)
	if one != two || len(one) < 16 {
		t.Errorf("two rebuilds print the digests %q and %q", one, two)
	}
	must(t, s.start())
	same(t, before, answers(t, s.client))
}

// rebuild gives the digest that the command prints.
func rebuild(t *testing.T, data string) string {
	t.Helper()
	out, err := exec.Command(program, "rebuild", "--data", data).CombinedOutput()
	if err != nil {
		t.Fatalf("rebuild: %v\n%s", err, out)
	}
	_, digest, _ := strings.Cut(string(out), "Digest of the views: ")
	return strings.TrimSpace(digest)
}

// An answer is what is kept of one: the answers of an hour of chaos are gigabytes.
type answer struct {
	hash  [sha256.Size]byte
	bytes int64
	begin string
}

// answerOf reads an answer to its end.
func answerOf(body io.Reader) (a answer, err error) {
	hash := sha256.New()
	var begin bytes.Buffer
	_, err = io.CopyN(io.MultiWriter(hash, &begin), body, 300)
	a.bytes, a.begin = int64(begin.Len()), begin.String()
	if err == nil {
		var rest int64
		rest, err = io.Copy(hash, body)
		a.bytes += rest
	} else if err == io.EOF {
		err = nil
	}
	hash.Sum(a.hash[:0])
	return a, err
}

// answers reads all that the API tells, by path: each list page by page, what
// stands below each import, and a sample of the single licenses.
func answers(t *testing.T, c *client) map[string]answer {
	t.Helper()
	all := map[string]answer{}
	for _, path := range []string{"licenses/", "customers/", "orders/"} {
		pages(t, c, all, "/api/v1/"+path)
		readThrough(t, c, all, "/api/v1/"+path+"export/")
	}
	for _, id := range pages(t, c, all, resultsPath) {
		at := fmt.Sprintf("%s%d/", resultsPath, id)
		fetch(t, c, all, at)
		fetch(t, c, all, at+"events/")
		readThrough(t, c, all, at+"invalid_rows.csv")
		pages(t, c, all, at+"invalid_rows/")
		for _, list := range []string{"existed_rows/", "updated_rows/", "kept_rows/", "warnings/"} {
			pages(t, c, all, at+list)
		}
		readThrough(t, c, all, at+"imported_rows.csv")
		pages(t, c, all, fmt.Sprintf("/api/v1/licenses/?import_id=%d&order_by=created_at", id))
	}
	return all
}

func fetch(t *testing.T, c *client, all map[string]answer, path string) (body []byte) {
	t.Helper()
	must(t, waitFor(path, func() (err error) { // a busy machine may answer 503
		if body, err = c.get(path); err == nil {
			all[path], err = answerOf(bytes.NewReader(body))
		}
		return err
	}))
	return body
}

// readThrough is fetch for an answer that may be large.
func readThrough(t *testing.T, c *client, all map[string]answer, path string) {
	t.Helper()
	must(t, waitFor(path, func() error {
		return c.read(path, func(body io.Reader) (err error) {
			all[path], err = answerOf(body)
			return err
		})
	}))
}

// pages reads a list to its end, a few of its elements by themselves, and gives
// their ids. Of a list of thousands it reads some pages only.
func pages(t *testing.T, c *client, all map[string]answer, path string) (ids []uint64) {
	t.Helper()
	join := "?"
	if strings.Contains(path, "?") {
		join = "&"
	}
	const limit = 100
	count := 1
	for offset := 0; offset < count; offset += limit * max(1, count/limit/10) {
		var page struct {
			Count   int
			Results []struct {
				ID uint64 `json:"id"`
			}
		}
		must(t, json.Unmarshal(fetch(t, c, all, fmt.Sprintf("%s%slimit=%d&offset=%d", path, join, limit, offset)), &page))
		count = page.Count
		for _, e := range page.Results {
			ids = append(ids, e.ID)
		}
		if hasIDs := len(page.Results) > 0 && page.Results[0].ID != 0 && join == "?" && !strings.Contains(path, "_rows") && !strings.Contains(path, "warnings"); hasIDs {
			single := fmt.Sprintf("%s%d/", path, page.Results[0].ID)
			fetch(t, c, all, single)
			if strings.HasSuffix(path, "/licenses/") {
				fetch(t, c, all, single+"history/")
			}
		}
	}
	return ids
}

// same compares two sets of answers.
func same(t *testing.T, before, after map[string]answer) {
	t.Helper()
	for path, was := range before {
		if is := after[path]; is != was {
			t.Errorf("%s differs:\nbefore %d bytes, %.300q\nafter  %d bytes, %.300q", path, was.bytes, was.begin, is.bytes, is.begin)
		}
	}
	if len(before) != len(after) || len(before) < 10 {
		t.Errorf("%d answers before, %d after", len(before), len(after))
	}
	t.Logf("%d answers compared", len(before))
}

package contracttest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// manyRows is a file of n rows, of which every tenth is rejected and the last tenth repeats the first.
func manyRows(n int, broken bool) string {
	var b strings.Builder
	b.WriteString("license__license_key,product__short_code,customer__email,order__store_id\n")
	for i := range n {
		email := fmt.Sprintf("c%d@example.com", i%500)
		if broken && i%10 == 3 {
			email = "nonsense"
		}
		fmt.Fprintf(&b, "key-%d,psc,%s,o-%d\n", i%(n*9/10), email, i%900)
	}
	return b.String()
}

// state is what a reader sees of an import.
type state struct {
	Status   string
	Progress float64
	Error    *struct{ Code string }
	Result   *struct {
		Total           int                 `json:"total_row_count"`
		Valid           int                 `json:"valid_row_count"`
		Invalid         int                 `json:"invalid_row_count"`
		InvalidRows     []struct{ Row int } `json:"invalid_rows"`
		CreatedLicenses int                 `json:"created_licenses_count"`
		ExistedLicenses int                 `json:"existed_licenses_count"`
	}
}

// watch reads a result again and again to the end, and sees to it that every answer is right in itself and none goes back.
func (c *caller) watch(id string, each func(state)) state {
	c.Helper()
	var now, before state
	plain := *c
	plain.client = http.DefaultClient // asked often: see await
	eventually(c.T, "the end of import "+id, func() bool {
		now = state{}
		if err := json.Unmarshal(plain.get(200, resultsPath+id+"/").body, &now); err != nil {
			c.Fatal(err)
		}
		c.checkState(now, before)
		before = now
		each(now)
		return now.Status == "success" || now.Status == "error"
	})
	return now
}

func (c *caller) checkState(now, before state) {
	c.Helper()
	if now.Progress < before.Progress || now.Progress > 1 {
		c.Errorf("the progress is %v after %v", now.Progress, before.Progress)
	}
	r := now.Result
	if r == nil {
		if before.Result != nil {
			c.Error("the result has gone")
		}
		return
	}
	if r.Total == 0 || r.Total != r.Valid+r.Invalid {
		c.Errorf("%d rows are %d valid and %d invalid", r.Total, r.Valid, r.Invalid)
	}
	if got, want := len(r.InvalidRows), min(r.Invalid, 100); got != want {
		c.Errorf("%d invalid rows are shown of %d", got, r.Invalid)
	}
	if before.Result != nil && r.Total < before.Result.Total {
		c.Errorf("%d rows after %d", r.Total, before.Result.Total)
	}
}

// TestWhileRunning: each answer on the way is right in itself.
func TestWhileRunning(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.as(t, s.admin)
	seen := 0
	end := c.watch(c.upload(200, "", manyRows(20_000, true)).field("job_id"), func(now state) {
		if now.Status == "running" && now.Result != nil {
			seen++
		}
		if r := now.Result; r != nil && r.CreatedLicenses+r.ExistedLicenses != r.Valid {
			t.Errorf("%d valid rows, but %d created and %d existed", r.Valid, r.CreatedLicenses, r.ExistedLicenses)
		}
	})
	if r := end.Result; end.Status != "success" || end.Progress != 1 || r.Total != 20_000 || r.Invalid != 2_000 || r.CreatedLicenses != 16_200 {
		t.Errorf("the end: %+v %+v", end, end.Result)
	}
	if seen == 0 {
		t.Error("it was never seen running: give it more rows")
	}
}

// TestAllOrNothingInItsPhases: nothing is made while it validates, when it may be cancelled; afterwards it may not.
func TestAllOrNothingInItsPhases(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := s.as(t, s.admin)
	file := manyRows(20_000, false)
	cancelled := c.upload(200, "?mode=all_or_nothing", manyRows(100_000, false)).field("job_id") // a second's validation
	c.call(202, "POST", resultsPath+cancelled+"/cancel/", nil)
	end := c.watch(cancelled, func(state) {})
	if end.Status != "error" || end.Error == nil || end.Error.Code != "cancelled" {
		t.Errorf("cancelled: %+v", end)
	}
	fields{"count": "0"}.check(t, "the licenses", c.get(200, "/api/v1/licenses/"))

	id := c.upload(200, "?mode=all_or_nothing", file).field("job_id")
	tried := false
	end = c.watch(id, func(now state) {
		if now.Progress <= 0.5 && now.Result != nil && now.Result.CreatedLicenses > 0 {
			t.Errorf("licenses are made at %v", now.Progress)
		}
		if now.Progress > 0.5 && !tried {
			tried = true
			if code := c.call(409, "POST", resultsPath+id+"/cancel/", nil).field("code"); code != `"importing"` && code != `"already_ended"` {
				t.Errorf("cancel says %s", code)
			}
		}
	})
	if end.Status != "success" || end.Result.CreatedLicenses != 18_000 || end.Result.ExistedLicenses != 2_000 || !tried {
		t.Errorf("the end: %+v %+v", end, end.Result)
	}
}

// TestImporterCancels: own imports, and no others.
func TestImporterCancels(t *testing.T) {
	t.Parallel()
	s := serve(t)
	ada, bob, eve := s.as(t, s.newKey(t, "Ada", "importer")), s.as(t, s.newKey(t, "Bob", "importer")), s.as(t, s.newKey(t, "Eve", "viewer"))
	u := ada.begin("", 3_000)
	path := resultsPath + u.id + "/cancel/"
	bob.call(404, "POST", path, nil)
	eve.call(403, "POST", path, nil)
	if a := ada.call(202, "POST", path, nil); a.header.Get("Location") == "" {
		t.Errorf("the answer is %s %v", a.body, a.header)
	}
	u.end().problem(t, "cancelled")
	fields{"status": `"error"`, "error.code": `"cancelled"`, "manager": `"Ada"`}.check(t, "the import", ada.get(200, resultsPath+u.id+"/"))
}

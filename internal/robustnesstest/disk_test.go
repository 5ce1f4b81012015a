package robustnesstest

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestLittleRoom: where less of the disk is free than is to be kept, uploads are
// answered 507 at once, /readyz says so, reads go on, and with free space again uploads
// do, too. (No disk is filled for that: the same disk is called full.)
func TestLittleRoom(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	p := serveOn(t, data)
	p.admin().imports(t, rows("before", 20))
	p.stop(t)

	p = serveOn(t, data, "--min-free", "4000TiB")
	c := p.admin()
	if a := c.upload(t, 507, rows("refused", 20)); a.decode(t).Code != "disk_full" || a.header.Get("Retry-After") == "" {
		t.Errorf("the answer is %v %s", a.header, a.body)
	}
	if a := c.get(t, 503, "/readyz"); !strings.Contains(a.decode(t).Detail, "disk is full") {
		t.Errorf("/readyz says %s", a.body)
	}
	if n := c.get(t, 200, "/api/v1/licenses/").decode(t).Count; n != 20 {
		t.Errorf("%d licenses are shown", n)
	}
	if n := c.get(t, 200, resultsPath).decode(t).Count; n != 1 {
		t.Errorf("%d imports are shown: the refused upload should have made none", n)
	}
	p.stop(t)

	p = serveOn(t, data)
	if r := p.admin().imports(t, rows("after", 20)); r.Result.Imported != 20 {
		t.Errorf("with free space again: %+v", r)
	}
}

package robustnesstest

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// TestStreamThatLostItsEnd cuts bytes off the file of the stream LICENSES, as a
// broken disk may. The next start fails and says what is lost; the views stay as they
// are. With --accept-loss it sets them aside and goes on with what is left: the import
// whose end is lost is decided again from its rows, which are in the other stream.
func TestStreamThatLostItsEnd(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	p := serveOn(t, data)
	c := p.admin()
	c.imports(t, rows("kept", 1500))
	file := rows("cut", 1500)
	c.imports(t, file)
	p.signal(t, syscall.SIGKILL)
	<-p.exited
	p.cmd = nil
	cutOff(t, filepath.Join(data, "nats", "jetstream", "$G", "streams", "LICENSES", "msgs"), 100_000)

	for range 2 { // the first failure changes nothing
		said := fails(t, "serve", "--data", data, "--http", "127.0.0.1:0", "--nats-port", "-1")
		for _, part := range []string{"LICENSES ends at sequence", "views.bolt", "restore", "--accept-loss"} {
			if !strings.Contains(said, part) {
				t.Fatalf("the refusal lacks %q: %s", part, said)
			}
		}
	}
	p = serveOn(t, data, "--accept-loss")
	c = p.admin()
	eventually(t, "readiness", func() bool { a, err := c.send("GET", "/readyz", nil); return err == nil && a.status == 200 })
	warning := regexp.MustCompile(`(?m)^.*level=WARN.*going on without what is lost.*$`).FindString(p.logs.String())
	if aside, err := filepath.Glob(filepath.Join(data, "views.bolt.lost-*")); len(aside) != 1 || err != nil || !strings.Contains(warning, aside[0]) {
		t.Fatalf("set aside: %v %v; %q", aside, err, warning)
	}
	if r := c.await(t, 2); r.Status != "success" || r.Result.Imported != 1500 || r.Result.Existed != 0 {
		t.Errorf("the import that lost its end ended as %+v %+v", r, r.Result) // each row has one outcome, also of half a batch
	}
	if r := c.imports(t, file); r.Status != "success" || r.Result.Existed != 1500 {
		t.Errorf("the same file again: %+v", r)
	}
	if n := c.get(t, 200, "/api/v1/licenses/").decode(t).Count; n != 3000 {
		t.Errorf("in the end there are %d licenses", n)
	}
}

// cutOff takes bytes off the last block of a stream's files.
func cutOff(t *testing.T, dir string, bytes int64) {
	t.Helper()
	blocks, err := filepath.Glob(filepath.Join(dir, "*.blk"))
	if err != nil || len(blocks) == 0 {
		t.Fatalf("blocks in %s: %v %v", dir, blocks, err)
	}
	last := slices.MaxFunc(blocks, func(a, b string) int { return len(a) - len(b)*2 + strings.Compare(a, b) })
	info, err := os.Stat(last)
	if err != nil || info.Size() < bytes {
		t.Fatalf("the last block: %v %v", info, err)
	}
	if err := os.Truncate(last, info.Size()-bytes); err != nil {
		t.Fatal(err)
	}
}

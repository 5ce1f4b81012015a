package readapi

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// TestRebuild: an admin has the views folded again, and gets the events and the digest.
func TestRebuild(t *testing.T) {
	log := newMemLog(manyImports(5, 1, 50)...)
	r := newHarness(t, t.TempDir(), log)
	r.catchUp()
	digest, err := r.Digest()
	check(t, err)
	a := r.do(http.MethodPost, adminKey, RebuildPath)
	if a.status != 200 || a.header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%d %v: %s", a.status, a.header, a.body)
	}
	_, data, _ := strings.Cut(a.body, "event: done\ndata: ")
	var result RebuildResult
	check(t, json.Unmarshal([]byte(data), &result))
	if result.Digest != digest || result.Events != uint64(len(log.Messages)) || result.Seconds <= 0 {
		t.Errorf("%+v, want %d events and digest %s", result, len(log.Messages), digest)
	}
}

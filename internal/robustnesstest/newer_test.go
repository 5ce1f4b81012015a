package robustnesstest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
)

// TestEventOfANewerVersion: an event whose type is not known stops the views, which say
// where and why; what was there before is still answered, and uploads are taken.
func TestEventOfANewerVersion(t *testing.T) {
	t.Parallel()
	p := serve(t)
	c := p.admin()
	c.imports(t, rows("old", 10))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	log, err := eventlog.Open(ctx, p.natsConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	const newer = `{"specversion":"1.0","id":"77/started","source":"licenseimport","type":"ImportStarted.v9","time":"2031-01-01T00:00:00Z","datacontenttype":"application/json","data":{"job_id":77}}`
	seq, err := log.AppendFact(ctx, 77, events.StartedSubject(77), []byte(newer), 0)
	if err != nil {
		t.Fatal(err)
	}
	var detail string
	eventually(t, "/readyz to say it", func() bool {
		a, err := c.send("GET", "/readyz", nil)
		if err != nil || a.status != 503 {
			return false
		}
		detail = a.decode(t).Detail
		return strings.Contains(detail, "ImportStarted.v9")
	})
	t.Log(detail)
	for _, part := range []string{"projector", "LICENSES", fmt.Sprint(seq)} {
		if !strings.Contains(detail, part) {
			t.Errorf("/readyz does not name %s: %s", part, detail)
		}
	}
	if n := c.get(t, 200, "/api/v1/licenses/").decode(t).Count; n != 10 {
		t.Errorf("%d licenses are shown", n)
	}
	c.upload(t, 200, rows("new", 10))
	c.get(t, 200, "/healthz")
}

package projector

import (
	"strings"
	"testing"

	"licenseimport/events"
)

// TestListHasUploadsThatBrokeOff: whoever was told so finds it in the list, however far behind the views are.
func TestListHasUploadsThatBrokeOff(t *testing.T) {
	tape := newTape(started(1, "anna"))
	r := newRig(t, t.TempDir(), tape)
	r.catchUp()
	tape.hold(2)
	tape.add(&events.ImportAborted{JobID: 1, Code: "upload_incomplete", Message: "m"})
	answered := make(chan answer, 1)
	go func() { answered <- r.get("/api/v1/licenses-import-results/") }()
	for waits := false; !waits; {
		r.mu.Lock()
		waits = r.wanted >= 2
		r.mu.Unlock()
		select {
		case early := <-answered:
			t.Fatalf("it did not wait: %+v", early)
		default:
		}
	}
	tape.hold(0)
	if a := <-answered; a.status != 200 || !strings.Contains(a.body, "upload_incomplete") {
		t.Errorf("%+v", a)
	}
}

package ingest

import (
	"sync"
	"testing"

	"licenseimport/events"
	"licenseimport/internal/access"
)

// ended is an import of ada's that has ended.
func (h *harness) ended(job events.JobID) {
	h.Helper()
	h.storeRows(job, 0, 2)
	at := h.append(&events.ImportStarted{JobID: job, Manager: "ada", Mode: events.Partial}, 0)
	at = h.append(&events.ImportSealed{JobID: job, Rows: 2}, at)
	h.append(&events.ImportFinished{JobID: job, Status: events.Success, Row: 2, Counts: events.Counts{Imported: 2}}, at)
}

// TestUndoRequest: an admin and the importer may ask for the undo of an import that has ended, once.
func TestUndoRequest(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	ada, bob, viewer := h.key("ada", access.Importer), h.key("bob", access.Importer), h.key("eve", access.Viewer)
	h.ended(1)
	for _, tt := range []struct {
		job    events.JobID
		key    string
		status int
		code   string
	}{
		{1, viewer, 403, "permission_denied"},
		{1, bob, 404, "not_found"},
		{9, adminKey, 404, "not_found"},
		{1, ada, 202, ""},
		{1, ada, 409, "undo_running"},
		{1, adminKey, 409, "undo_running"},
		{1, bob, 404, "not_found"},
	} {
		a := h.post(tt.job, "undo", tt.key)
		if a.status != tt.status || a.body.Code != tt.code {
			t.Errorf("undo of import %d: %d %s, want %d %s", tt.job, a.status, a.text, tt.status, tt.code)
		}
		if a.status == 202 && (a.body.JobID != 1 || a.header.Get("Location") != licensesPath+"1/") {
			t.Errorf("%s at %q", a.text, a.header.Get("Location"))
		}
	}
	if s := h.state(1); s.UndoStarted == nil || s.UndoStarted.Manager != "ada" {
		t.Errorf("asked for by %+v", s.UndoStarted)
	}
	if a := h.cancel(1, ada); a.status != 409 || a.body.Code != "already_ended" {
		t.Errorf("cancel of an undo: %d %s", a.status, a.text)
	}
	h.append(&events.UndoProgressed{JobID: 1, Position: 3}, h.state(1).Last.Seq)
	h.append(&events.UndoFinished{JobID: 1}, h.state(1).Last.Seq)
	if a := h.post(1, "undo", ada); a.status != 409 || a.body.Code != "already_undone" {
		t.Errorf("undone: %d %s", a.status, a.text)
	}
}

// TestUndosAtOnce: of several requests at once one is answered 202 and the others 409.
func TestUndosAtOnce(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	h.ended(1)
	const n = 8
	var asking sync.WaitGroup
	status := make(chan int, n)
	for range n {
		asking.Go(func() { status <- h.post(1, "undo", adminKey).status })
	}
	asking.Wait()
	close(status)
	count := map[int]int{}
	for s := range status {
		count[s]++
	}
	if count[202] != 1 || count[409] != n-1 {
		t.Errorf("answers by status: %v", count)
	}
}

// TestUndoRightAfterACancel waits for the end of the import, which a processor appends.
func TestUndoRightAfterACancel(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	for job := events.JobID(1); job <= 2; job++ {
		h.begin(job, 2, true)
		h.append(&events.ImportSealed{JobID: job, Rows: 2}, h.state(job).Last.Seq)
		if a := h.cancel(job, adminKey); a.status != 202 {
			t.Fatalf("cancel: %d %s", a.status, a.text)
		}
	}
	undo := make(chan answer)
	go func() { undo <- h.post(1, "undo", adminKey) }()
	h.append(&events.ImportFinished{JobID: 1, Status: events.Failed}, h.state(1).Last.Seq)
	if a := <-undo; a.status != 202 {
		t.Errorf("undo right after a cancel: %d %s", a.status, a.text)
	}
	if a := h.post(2, "undo", adminKey); a.status != 503 || a.body.Code != "not_ended" || a.header.Get("Retry-After") == "" {
		t.Errorf("undo while no processor runs: %d %s", a.status, a.text)
	}
}

// TestUndoOfNothing: what was not imported cannot be undone, and the answer says why.
func TestUndoOfNothing(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	h.begin(1, 2, true)
	if a := h.post(1, "undo", adminKey); a.status != 409 || a.body.Code != "not_ended" {
		t.Errorf("uploading: %d %s", a.status, a.text)
	}
	if a := h.cancel(1, adminKey); a.status != 202 {
		t.Fatalf("cancel: %d %s", a.status, a.text)
	}
	if a := h.post(1, "undo", adminKey); a.status != 409 || a.body.Code != "nothing_imported" {
		t.Errorf("cancelled while uploading: %d %s", a.status, a.text)
	}
	started := h.append(&events.ImportStarted{JobID: 2, Manager: "ada", Mode: events.Partial, DryRun: true}, 0)
	sealed := h.append(&events.ImportSealed{JobID: 2}, started)
	h.append(&events.ImportFinished{JobID: 2, Status: events.Success}, sealed)
	if a := h.post(2, "undo", adminKey); a.status != 409 || a.body.Code != "dry_run" {
		t.Errorf("a dry run: %d %s", a.status, a.text)
	}
}

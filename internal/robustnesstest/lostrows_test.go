package robustnesstest

import (
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestRowsThatAreLost cuts bytes off the file of the stream ROWS when an upload is
// sealed and nothing of it decided. The import ends as an error that says how many
// rows are left; these have their outcomes, and the file can be sent again.
func TestRowsThatAreLost(t *testing.T) {
	t.Parallel()
	const n = 3000
	data, file := filepath.Join(t.TempDir(), "data"), rows("lost", n)
	server := launch(t, "nats", "--data", data, "--nats-port", "-1")
	projector := launch(t, server.with("projector", "--http", "127.0.0.1:0", "--data", t.TempDir())...)
	ingest := launch(t, server.with("ingest", "--http", "127.0.0.1:0", "--projector-url", projector.url)...)
	job := ingest.admin().upload(t, 200, file).decode(t).JobID
	ingest.stop(t)
	projector.stop(t)
	server.signal(t, syscall.SIGKILL)
	<-server.exited
	server.cmd = nil
	cutOff(t, filepath.Join(data, "nats", "jetstream", "$G", "streams", "ROWS", "msgs"), 100_000)

	c := serveOn(t, data).admin()
	r := c.await(t, job)
	if r.Status != "error" || r.Error.Code != "rows_missing" {
		t.Fatalf("the import ended as %+v", r)
	}
	left := r.Result.Imported
	if want := fmt.Sprintf("only the first %d of %d rows", left, n); left == 0 || left >= n || !strings.Contains(r.Error.Message, want) {
		t.Errorf("%d rows were imported, and the error says %q", left, r.Error.Message)
	}
	if again := c.imports(t, file); again.Result.Existed != left || again.Result.Imported != n-left {
		t.Errorf("the same file again: %+v", again.Result)
	}
}

package robustnesstest

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"licenseimport/internal/natstuning"
)

// TestDamagedEvent changes one byte of an event in the file of LICENSES, as a failing disk does. Nothing goes on without
// the event: views that are folded again say which one it is, and so does an import that has the same license. An operator
// without a backup sets it aside.
func TestDamagedEvent(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	p := serveOn(t, data)
	file := rows("damaged", 40)
	p.admin().imports(t, file)
	p.stop(t)
	seq := flipByte(t, filepath.Join(data, streamsDir, "LICENSES", "msgs"), "damaged-20\"")
	before := filesIn(t, data)["views.bolt"]

	said := fails(t, "rebuild", "--data", data)
	for _, part := range []string{"sequence " + seq + " in stream LICENSES", "its file is damaged", "licenseimport restore", "set-aside " + seq} {
		if !strings.Contains(said, part) {
			t.Errorf("rebuild lacks %q: %s", part, said)
		}
	}
	if filesIn(t, data)["views.bolt"] != before {
		t.Error("a rebuild that failed changed the views")
	}
	check(t, os.Remove(filepath.Join(data, "views.bolt")))
	p = serveOn(t, data)
	c := p.admin()
	notReady := func(part string) {
		t.Helper()
		eventually(t, "/readyz to say "+part, func() bool {
			a, err := c.send("GET", "/readyz", nil)
			return err == nil && a.status == 503 && strings.Contains(string(a.body), part)
		})
	}
	notReady("projector: the event with sequence " + seq + " in stream LICENSES cannot be read")
	command(t, "set-aside", seq, "--reason", "the disk failed, and there is no backup", "--data", data)
	eventually(t, "the projector to go on", func() bool {
		return c.get(t, 200, "/api/v1/licenses/").decode(t).Count == 39
	})
	if doctor, _, _ := try(t, "doctor", "--data", data); !strings.Contains(doctor, "sequence "+seq) {
		t.Errorf("doctor does not say what is set aside: %s", doctor)
	}
	c.upload(t, 200, file)
	notReady("processor: import 2: look up 40 subjects: the last event at licenses.… (stream LICENSES) cannot be read: its file is damaged")
	if body := c.get(t, 503, "/readyz").body; bytes.Contains(body, []byte("damaged-")) {
		t.Errorf("/readyz names a license: %s", body)
	}
	p.stop(t)
	if logs := p.logs.String(); strings.Contains(logs, "damaged-") {
		t.Errorf("the log names a license: %s", logs)
	}
}

// flipByte changes one byte of the last message in a stream's one file that has a text, and returns its sequence.
func flipByte(t *testing.T, dir, text string) (seq string) {
	t.Helper()
	path := filepath.Join(dir, "1.blk")
	content, err := os.ReadFile(path)
	check(t, err)
	at := bytes.LastIndex(content, []byte(text))
	if at < 0 {
		t.Fatalf("no message has %s", text)
	}
	for offset := 0; ; {
		r, size, err := natstuning.ParseRecord(content[offset:])
		if err != nil || size == 0 {
			t.Fatalf("no message at %d: %v", offset, err)
		}
		if offset += size; offset > at {
			content[at] ^= 1
			check(t, os.WriteFile(path, content, 0o600))
			return strconv.FormatUint(r.Seq, 10)
		}
	}
}

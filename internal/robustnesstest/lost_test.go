package robustnesstest

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

const streamsDir = "nats/jetstream/$G/streams/"

// lostThing says what a start does without something, or with another data directory's.
type lostThing struct {
	path string // a regular expression over the whole path in the data directory
	says string // part of the refusal; "": the start succeeds, and nothing is missing
}

// withoutIt is for each file and directory that is removed alone. The first that matches counts.
var withoutIt = []lostThing{
	{`nats|nats/jetstream(/\$G(/streams)?)?`, "the stream LICENSES does not exist"},
	{streams(`KV_(sessions|last_used)(/.*)?`), ""}, // people sign in again; keys are used again
	{streams(`(\w+)`), "the stream $1 does not exist"},
	{streams(`(\w+)/meta\.(inf|sum)`), "the stream $1 does not exist"},
	{streams(`(ROWS|KV_jobs)/msgs/\d+\.blk`), ""}, // rows are purged and keys expire; an import says which rows are missing
	{streams(`(\w+)/msgs(/\d+\.blk)?`), "the stream $1 is empty"},
	{streams(`\w+/batches(/.*)?`), ""},  // of batches in flight
	{`nats/staged(/.*)?`, ""},           // also
	{streams(`\w+/msgs/index\.db`), ""}, // made again from the messages
	{streams(`\w+/obs(/processor(/.*)?)?`), ""},
	{`views\.bolt|streams\.json|lock|nats\.token|tmp`, ""},
}

// exchanged is for each that is replaced by the same one of another data directory.
var exchanged = []lostThing{
	{`nats`, "streams.json is that of another data directory"},
	{streams(`KV_(sessions|last_used)`), ""}, // no key of another directory opens anything
	{streams(`(\w+)`), "the stream $1 is another one"},
	{`views\.bolt`, "the stream holds another event at their sequence"},
	{`streams\.json`, "streams.json is that of another data directory"},
	{`lock|nats\.token|tmp`, ""},
}

func streams(below string) string { return regexp.QuoteMeta(streamsDir) + below }

// lookUp finds what a start does, by a path.
func lookUp(t *testing.T, table []lostThing, path string) (says string) {
	t.Helper()
	for _, thing := range table {
		whole := regexp.MustCompile(`^(?:` + thing.path + `)$`)
		if at := whole.FindStringSubmatchIndex(path); at != nil {
			return string(whole.ExpandString(nil, thing.says, path, at))
		}
	}
	t.Fatalf("no line of the table says what a start does without %s", path)
	return ""
}

// TestLostThings removes each stream, bucket and file of a data directory alone, then exchanges
// each. A start that must not go on makes, deletes and changes nothing and says what is missing;
// any other one shows everything.
func TestLostThings(t *testing.T) {
	t.Parallel()
	whole, other := usedDataDir(t, "ours"), usedDataDir(t, "others")
	var paths []string
	for path := range filesIn(t, whole) {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	for _, path := range paths {
		says := lookUp(t, withoutIt, path)
		t.Run("without "+path, func(t *testing.T) {
			t.Parallel()
			data := copied(t, whole)
			check(t, os.RemoveAll(filepath.Join(data, path)))
			startsOrSays(t, data, says)
		})
		if filepath.Dir(path)+"/" == streamsDir { // what an earlier version left has no streams.json
			t.Run("without "+path+" and streams.json", func(t *testing.T) {
				t.Parallel()
				data := copied(t, whole)
				check(t, os.RemoveAll(filepath.Join(data, path)))
				check(t, os.Remove(filepath.Join(data, "streams.json")))
				startsOrSays(t, data, says)
			})
		}
		if path != "nats" && filepath.Dir(path) != "." && filepath.Dir(path)+"/" != streamsDir {
			continue
		}
		anothers := lookUp(t, exchanged, path)
		t.Run("another "+path, func(t *testing.T) {
			t.Parallel()
			data := copied(t, whole)
			check(t, os.RemoveAll(filepath.Join(data, path)))
			copyInto(t, filepath.Join(other, path), filepath.Join(data, path))
			startsOrSays(t, data, anothers)
		})
	}
}

// TestCommandsWithoutTheStream: no command makes the stream that is missing, whatever it does.
func TestCommandsWithoutTheStream(t *testing.T) {
	t.Parallel()
	whole := usedDataDir(t, "kept")
	file := filepath.Join(t.TempDir(), "more.csv")
	check(t, os.WriteFile(file, []byte(rows("more", 3)), 0o600))
	for _, line := range []string{
		"keys list", "keys create Late", "keys revoke Shop", "products list", "products set late", "products remove photo", "status", "rebuild", "doctor",
		"import " + file, "backup " + filepath.Join(t.TempDir(), "copy"),
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			data := copied(t, whole)
			check(t, os.RemoveAll(filepath.Join(data, streamsDir, "LICENSES")))
			before := filesIn(t, data)
			said := strings.Join(strings.Fields(strings.ReplaceAll(fails(t, append(strings.Fields(line), "--data", data)...), "│", " ")), " ")
			for _, part := range []string{"the stream LICENSES does not exist", "licenseimport restore", "--accept-loss"} {
				if !strings.Contains(said, part) {
					t.Errorf("no %q in: %s", part, said)
				}
			}
			if line == "doctor" && !strings.Contains(said, "they hold 40 licenses") {
				t.Errorf("it does not say what the views hold: %s", said)
			}
			unchanged(t, data, before)
		})
	}
}

// TestAcceptedLoss: with --accept-loss a start sets the views and what is left of the stream aside,
// and goes on.
func TestAcceptedLoss(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"nats", streamsDir + "LICENSES", streamsDir + "LICENSES/meta.inf", streamsDir + "KV_products"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			data := usedDataDir(t, "kept")
			before := filesIn(t, data)
			check(t, os.RemoveAll(filepath.Join(data, path)))
			for range 2 { // a flag that stays does not hurt
				p := serveOn(t, data, "--accept-loss")
				if r := p.admin().imports(t, rows("fresh", 5)); r.Status != "success" {
					t.Errorf("an import ended as %+v", r)
				}
				p.stop(t)
			}
			aside, err := filepath.Glob(filepath.Join(data, "views.bolt.lost-*"))
			if err != nil || len(aside) != 1 || sumOf(t, aside[0]) != before["views.bolt"] {
				t.Errorf("views set aside: %v, %v", aside, err)
			}
			remains, err := filepath.Glob(filepath.Join(data, "lost-*", "LICENSES", "msgs", "1.blk"))
			if want := strings.HasSuffix(path, "meta.inf"); err != nil || (len(remains) == 1) != want {
				t.Errorf("remains set aside: %v, %v", remains, err)
			}
			serveOn(t, data).stop(t)
		})
	}
}

// TestAStreamDeletedWhileRolesRun: none of the roles that are started then makes it again, and the
// projector keeps its views, also beside a server that is empty or another one.
func TestAStreamDeletedWhileRolesRun(t *testing.T) {
	t.Parallel()
	server := launch(t, "nats", "--data", filepath.Join(t.TempDir(), "nats"), "--nats-port", "-1")
	views := t.TempDir()
	role := func(name string, server *process) []string {
		args := append([]string{name}, server.natsFlags()...)
		switch name {
		case "projector":
			return append(args, "--http", "127.0.0.1:0", "--data", views)
		case "ingest":
			return append(args, "--http", "127.0.0.1:0")
		}
		return args
	}
	projector := launch(t, role("projector", server)...)
	ingest := launch(t, append(role("ingest", server), "--projector-url", projector.url)...)
	processor := launch(t, role("processor", server)...)
	ingest.admin().imports(t, rows("kept", 40))
	for _, p := range []*process{ingest, processor, projector} {
		p.stop(t)
	}
	before := filesIn(t, views)
	deleteStream(t, server, "LICENSES")
	for _, name := range []string{"projector", "processor", "ingest"} {
		if said := fails(t, role(name, server)...); !strings.Contains(said, "the stream LICENSES does not exist") {
			t.Errorf("%s: %s", name, said)
		}
	}
	empty := launch(t, "nats", "--data", filepath.Join(t.TempDir(), "empty"), "--nats-port", "-1")
	if said := fails(t, role("projector", empty)...); !strings.Contains(said, "the stream LICENSES does not exist") {
		t.Errorf("an empty server: %s", said)
	}
	launch(t, role("ingest", empty)...).stop(t)
	if said := fails(t, role("projector", empty)...); !strings.Contains(said, "the stream LICENSES ends at sequence 0") {
		t.Errorf("a fresh server: %s", said)
	}
	unchanged(t, views, before)
}

// TestADeletedLockFile: a second server does not open a directory that one holds.
func TestADeletedLockFile(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	p := serveOn(t, data)
	check(t, os.Remove(filepath.Join(data, "lock")))
	for range 2 {
		if said := fails(t, "serve", "--data", data, "--http", "127.0.0.1:0", "--nats-port", "-1"); !strings.Contains(said, "is in use by") {
			t.Errorf("a second server: %s", said)
		}
	}
	p.admin().imports(t, rows("kept", 5))
}

// usedDataDir is a data directory with keys, a catalogue, a mapping and an import of 40 rows. Its server was
// stopped.
func usedDataDir(t *testing.T, prefix string) string {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	p := serveOn(t, data)
	command(t, "keys", "create", "Shop", "--data", data)
	command(t, "products", "set", "psc", "--data", data)
	mapping := write(t, t.TempDir(), "mapping.json", []byte(`{"columns":{"Serial":"license__license_key"}}`))
	command(t, "mappings", "save", "ours", mapping, "--data", data)
	p.admin().imports(t, rows(prefix, 40))
	p.stop(t)
	return data
}

// startsOrSays starts a server on the directory. It fails with a message, and nothing changes; or it
// shows everything.
func startsOrSays(t *testing.T, data, says string) {
	t.Helper()
	if says == "" {
		c := serveOn(t, data).admin()
		eventually(t, "the views", func() bool { a, err := c.send("GET", "/readyz", nil); return err == nil && a.status == 200 })
		if n := c.get(t, 200, "/api/v1/licenses/").decode(t).Count; n != 40 {
			t.Errorf("%d licenses", n)
		}
		return
	}
	before := filesIn(t, data)
	for range 2 { // the first failure changes nothing
		said := fails(t, "serve", "--data", data, "--http", "127.0.0.1:0", "--nats-port", "-1")
		for _, part := range []string{says, "What is left: ", "licenseimport restore", "--accept-loss"} {
			if !strings.Contains(said, part) {
				t.Errorf("no %q in: %s", part, said)
			}
		}
	}
	unchanged(t, data, before)
}

// unchanged compares a directory with what it was: each file and directory is there and no other,
// and the views and the messages are the same to the byte.
func unchanged(t *testing.T, dir string, before map[string]string) {
	t.Helper()
	after := filesIn(t, dir)
	for path, sum := range before {
		same := after[path] == sum || !strings.HasSuffix(path, ".blk") && !strings.HasSuffix(path, ".bolt")
		if _, there := after[path]; !there && filepath.Base(path) != "batches" || !same {
			t.Errorf("%s was deleted or changed", path)
		}
		delete(after, path)
	}
	for path := range after {
		if path != "lock" && !strings.HasSuffix(path, "/index.db") {
			t.Errorf("%s was made", path)
		}
	}
}

// filesIn lists all files and directories below one, with the files' digests.
func filesIn(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	check(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if found[name] = ""; !entry.IsDir() {
			found[name] = sumOf(t, path)
		}
		return err
	}))
	return found
}

func sumOf(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	check(t, err)
	return fmt.Sprintf("%x", sha256.Sum256(content))
}

// copied is a copy of a directory.
func copied(t *testing.T, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "data")
	copyInto(t, dir, to)
	return to
}

// copyInto copies a file or a directory.
func copyInto(t *testing.T, from, to string) {
	t.Helper()
	check(t, filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return os.MkdirAll(filepath.Join(to, name), 0o700)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, name), bytes.Clone(content), 0o600)
	}))
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// deleteStream deletes a stream as an operator does by mistake.
func deleteStream(t *testing.T, server *process, name string) {
	t.Helper()
	token, err := os.ReadFile(filepath.Join(server.data, "nats.token"))
	check(t, err)
	nc, err := nats.Connect(server.nats, nats.Token(strings.TrimSpace(string(token))))
	check(t, err)
	defer nc.Close()
	answer, err := nc.Request("$JS.API.STREAM.DELETE."+name, nil, time.Minute)
	check(t, err)
	if !strings.Contains(string(answer.Data), `"success":true`) {
		t.Fatalf("%s was not deleted: %s", name, answer.Data)
	}
}

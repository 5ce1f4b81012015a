package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/internal/backup"
	"licenseimport/internal/httpx"
	"licenseimport/projector"
)

// startAll runs all roles on a data directory until it is stopped.
func startAll(t *testing.T, dir, key string) (api *client, n *node, stop func()) {
	t.Helper()
	pipe := newPipeListener()
	n, err := startNode(t.Context(), settings{
		roles: allRoles, data: dir, embedded: &eventlog.ServerConfig{Dir: dir},
		http: httpx.ServerConfig{Listener: pipe}, adminKey: key,
	})
	if err != nil {
		t.Fatal(err)
	}
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			if err := n.stop(); err != nil {
				t.Error(err)
			}
		}
	}
	t.Cleanup(stop)
	return &client{base: "http://" + pipe.Addr().String(), key: key, http: pipe.client()}, n, stop
}

// csvOf has n rows; the keys begin with prefix, and every tenth product is missing.
func csvOf(prefix string, n int) []byte {
	var b bytes.Buffer
	b.WriteString("license__license_key,product__short_code,customer__email\n")
	for i := range n {
		product := "photo"
		if i%10 == 0 {
			product = ""
		}
		fmt.Fprintf(&b, "%s-%06d,%s,c%d@example.com\n", prefix, i, product, i%500)
	}
	return b.Bytes()
}

func uploadCSV(t *testing.T, api *client, body io.Reader) uint64 {
	t.Helper()
	id, err := api.upload(t.Context(), &source{name: "x.csv", size: -1, ReadCloser: io.NopCloser(body)},
		uploadOptions{kind: events.Licenses})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func waitForEnd(t *testing.T, api *client, id uint64) *result {
	t.Helper()
	r, err := api.waitForResult(t.Context(), importRef{events.Licenses, id}, func(*result) {})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestBackupDuringImports takes a backup while one import is decided and another
// is uploaded, and restores it.
func TestBackupDuringImports(t *testing.T) {
	const key, small, large = "an-admin-key", 200, 12_000
	live, dir, data := t.TempDir(), filepath.Join(t.TempDir(), "copy"), filepath.Join(t.TempDir(), "data")
	api, n, stop := startAll(t, live, key)
	waitForEnd(t, api, uploadCSV(t, api, bytes.NewReader(csvOf("A", small))))
	before := answersOf1(t, api)
	half, resume := halfUpload(t, api, csvOf("C", 12_000))
	half(func() bool { _, found, err := n.log.LastFact(t.Context(), 2); return found && err == nil })
	uploadCSV(t, api, bytes.NewReader(csvOf("B", large)))

	m, err := backup.Write(t.Context(), backup.Source{Log: n.log}, dir, "test", nil)
	if err != nil {
		t.Fatal(err)
	}
	resume()
	stop()

	b, err := backup.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.RestoreDir(t.Context(), data, nil); err != nil {
		t.Fatal(err)
	}
	if got, want := digestUpTo(t, data, 1<<62), digestUpTo(t, live, m.Streams[0].Last); got != want {
		t.Errorf("digest of the views %s, of the same prefix %s", got, want)
	}
	if last := lastFact(t, data, 3); !strings.HasSuffix(last, ".sealed") && !strings.HasSuffix(last, ".progressed") {
		t.Errorf("import 3 stood at %s when it was backed up: nothing is left to be decided", last)
	}
	if last := lastFact(t, data, 2); !strings.HasSuffix(last, ".started") {
		t.Errorf("import 2 stood at %s when it was backed up: its upload should go on", last)
	}

	api, _, _ = startAll(t, data, key)
	r := waitForEnd(t, api, 3)
	if r.Status != "success" || r.Result.Rows != large || r.Result.Invalid != large/10 || r.Result.Created != large*9/10 {
		t.Errorf("import 3: %s", r.raw)
	}
	if after := answersOf1(t, api); !slices.Equal(after, before) {
		t.Errorf("other answers than before:\n%s\n%s", after, before)
	}
	if id := uploadCSV(t, api, bytes.NewReader(csvOf("A", small))); id != 4 {
		t.Errorf("the next import is %d, want 4", id)
	}
	if r := waitForEnd(t, api, 4); r.Result.Existed != small*9/10 || r.Result.Created != 0 {
		t.Errorf("import 4: %s", r.raw)
	}
}

// answersOf1 is what the API tells of import 1.
func answersOf1(t *testing.T, api *client) (all []string) {
	t.Helper()
	first := importRef{events.Licenses, 1}.path()
	for _, path := range []string{first, first + "invalid_rows.csv", "/api/v1/licenses/?license_key=A-000001"} {
		body, err := api.get(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(body))
	}
	return all
}

// halfUpload sends the first half of a file. half waits until something holds;
// resume sends the rest.
func halfUpload(t *testing.T, api *client, file []byte) (half func(holds func() bool), resume func()) {
	t.Helper()
	read, write := io.Pipe()
	done := make(chan error, 1)
	go func() {
		_, err := api.upload(t.Context(), &source{name: "slow.csv", size: -1, ReadCloser: read},
			uploadOptions{kind: events.Licenses})
		done <- err
	}()
	if _, err := write.Write(file[:len(file)/2]); err != nil {
		t.Fatal(err)
	}
	half = func(holds func() bool) {
		for !holds() {
			if err := sleep(t.Context(), polling.First); err != nil {
				t.Fatal(err)
			}
		}
	}
	return half, func() {
		_, err := write.Write(file[len(file)/2:])
		if err = errors.Join(err, write.Close(), <-done); err != nil {
			t.Error(err)
		}
	}
}

func onDataDir(t *testing.T, dir string, f func(*eventlog.Log)) {
	t.Helper()
	flags := logFlags{dataFlag: dataFlag{Data: dir}}
	if err := flags.withLog(t.Context(), func(log *eventlog.Log) error { f(log); return nil }); err != nil {
		t.Fatal(err)
	}
}

func lastFact(t *testing.T, dir string, job events.JobID) (subject string) {
	t.Helper()
	onDataDir(t, dir, func(log *eventlog.Log) {
		m, _, err := log.LastFact(t.Context(), job)
		if err != nil {
			t.Error(err)
		}
		subject = m.Subject
	})
	return subject
}

// digestUpTo folds a directory's stream as if it ended at a sequence.
func digestUpTo(t *testing.T, dir string, end events.Seq) (digest string) {
	t.Helper()
	onDataDir(t, dir, func(log *eventlog.Log) {
		r, err := projector.Rebuild(t.Context(), prefix{log, end}, t.TempDir(), nil)
		if err != nil {
			t.Error(err)
		}
		digest = r.Digest
	})
	return digest
}

// prefix is a log's stream up to a sequence.
type prefix struct {
	*eventlog.Log
	end events.Seq
}

func (p prefix) State(ctx context.Context) (eventlog.State, error) {
	s, err := p.Log.State(ctx)
	s.Last = min(s.Last, p.end)
	return s, err
}

// Package examples holds the test that runs the examples against the real program.
package examples

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// built is the directory of the built programs.
var built string

func TestMain(m *testing.M) {
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	var err error
	if built, err = os.MkdirTemp("", "examples"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(built)
	build := exec.Command("go", "build", "-o", built, "licenseimport/cmd/licenseimport", "./subscriber", "./replay", "./quickstart")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// start starts a client of the server on a directory. It is killed when the test ends.
func start(t *testing.T, data, name string, args ...string) *exec.Cmd {
	t.Helper()
	c := exec.Command(name, args...)
	c.Env, c.Stderr = withToken(t, data), os.Stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kill(c) })
	return c
}

func kill(c *exec.Cmd) {
	_ = c.Process.Kill()
	_ = c.Wait() // killed: the error is expected
}

// serve starts a server; it returns the address of its NATS server and its data directory.
func serve(t *testing.T) (url, data string) {
	t.Helper()
	data = filepath.Join(t.TempDir(), "data")
	c := exec.Command(filepath.Join(built, "licenseimport"), "serve", "--data", data, "--http", "127.0.0.1:0", "--nats-port", "-1")
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kill(c) })
	for lines := bufio.NewScanner(out); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) == 2 && fields[0] == "NATS" {
			url = fields[1]
		}
		if len(fields) > 0 && fields[0] == "Data" {
			return url, data
		}
	}
	t.Fatal("the server ended before it ran")
	return "", ""
}

// withToken is the environment of a client of the server on a directory.
func withToken(t *testing.T, data string) []string {
	t.Helper()
	token, err := os.ReadFile(filepath.Join(data, "nats.token"))
	if err != nil {
		t.Fatal(err)
	}
	return append(os.Environ(), "NATS_TOKEN="+strings.TrimSpace(string(token)))
}

// output runs a program and returns its output.
func output(t *testing.T, environment []string, name string, args ...string) string {
	t.Helper()
	var errs bytes.Buffer
	c := exec.CommandContext(t.Context(), name, args...)
	c.Env, c.Stderr = environment, &errs
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s %q: %v: %s", name, args, err, &errs)
	}
	return string(out)
}

// importRows imports generated rows, each with a customer.
func importRows(t *testing.T, data, prefix string, rows int) {
	t.Helper()
	var b strings.Builder
	b.WriteString("license__license_key,product__short_code,customer__email,customer__first_name\n")
	for i := range rows {
		fmt.Fprintf(&b, "%s-%d,photo-pro,%s%d@example.com,Ana\n", prefix, i, prefix, i)
	}
	path := filepath.Join(t.TempDir(), prefix+".csv")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	output(t, os.Environ(), filepath.Join(built, "licenseimport"), "import", path, "--data", data, "--json")
}

// sent counts the complete lines of an outbox; a duplicate fails the test.
func sent(t *testing.T, path string) int {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	to := map[string]bool{}
	whole, _ := cutLast(text)
	for line := range bytes.Lines(whole) {
		var mail struct{ ID, To, Text string }
		if err := json.Unmarshal(line, &mail); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		key, _, _ := strings.Cut(mail.To, "@")
		if to[mail.To] || mail.ID == "" || !strings.HasPrefix(mail.Text, "Welcome, Ana! Your license for photo-pro is "+strings.TrimRight(key, "0123456789")+"-") {
			t.Fatalf("sent twice, or wrong: %s", line)
		}
		to[mail.To] = true
	}
	return len(to)
}

func cutLast(text []byte) (whole, rest []byte) {
	n := bytes.LastIndexByte(text, '\n') + 1
	return text[:n], text[n:]
}

func untilSent(t *testing.T, path string, wanted int) {
	t.Helper()
	for end := time.Now().Add(40 * time.Second); sent(t, path) < wanted; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d mails of %d", sent(t, path), wanted)
		}
	}
}

func TestSubscriber(t *testing.T) {
	t.Parallel()
	testSubscriber(t, filepath.Join(built, "subscriber"))
}

// testSubscriber kills a subscriber halfway, starts it again behind a message that is set aside, and counts the mails.
func testSubscriber(t *testing.T, words ...string) {
	url, data := serve(t)
	outbox := filepath.Join(t.TempDir(), "outbox.jsonl")
	args := append(words[1:len(words):len(words)], url, outbox)
	first := start(t, data, words[0], args...)
	importRows(t, data, "first", 1500)
	untilSent(t, outbox, 100)
	kill(first)
	half(t, outbox)
	setAside(t, url, data)
	importRows(t, data, "second", 500)
	start(t, data, words[0], args...)
	untilSent(t, outbox, 2000)
	importRows(t, data, "third", 1)
	untilSent(t, outbox, 2001)
}

// setAside publishes a message that is no event, as another program may by mistake, and sets it aside.
func setAside(t *testing.T, url, data string) {
	t.Helper()
	token, err := os.ReadFile(filepath.Join(data, "nats.token"))
	if err != nil {
		t.Fatal(err)
	}
	nc, err := nats.Connect(url, nats.Token(strings.TrimSpace(string(token))))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	stored, err := js.Publish(t.Context(), "licenses.photo-pro.mistake", []byte("no event"))
	if err != nil {
		t.Fatal(err)
	}
	program, sequence := filepath.Join(built, "licenseimport"), fmt.Sprint(stored.Sequence)
	output(t, os.Environ(), program, "set-aside", sequence, "--reason", "a mistake", "--data", data)
}

// half appends half a line to the outbox, as a power cut can leave it.
func half(t *testing.T, path string) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteString(`{"id":"1/`); err != nil {
		t.Fatal(err)
	}
}

// TestReplay: a replay counts what was imported, with the same result each time, and leaves out what was set aside.
func TestReplay(t *testing.T) {
	t.Parallel()
	url, data := serve(t)
	replay := filepath.Join(built, "replay")
	if out := output(t, withToken(t, data), replay, url); out != "" {
		t.Errorf("of nothing: %s", out)
	}
	importRows(t, data, "key", 20)
	setAside(t, url, data)
	importRows(t, data, "key", 30)
	want := "photo-pro\t" + time.Now().UTC().Format("2006-01") + "\t30\n"
	for range 2 {
		if out := output(t, withToken(t, data), replay, url); out != want {
			t.Errorf("%q, want %q", out, want)
		}
	}
}

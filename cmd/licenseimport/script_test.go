package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rogpeppe/go-internal/testscript"

	"licenseimport/events/eventlog"
	"licenseimport/internal/freeport"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"licenseimport": main})
}

// TestScripts runs each file of testdata/script: commands as they are typed, and
// what they print.
func TestScripts(t *testing.T) {
	examples, err := filepath.Abs("../../examples")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("EXAMPLES", examples)
			e.Setenv("GORACE", "atexit_sleep_ms=0") // else each command takes a second longer under -race
			e.Values[uploadKey{}] = &slowUpload{}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"ready": ready, "get": get, "answers": answers, "exits": exitsWith, "json": jsonField,
			"freeport": freePort, "portof": portOf, "natsof": natsOf, "eventually": eventually, "readkey": readKey, "digest": digest, "same": same,
			"beginupload": beginUpload, "endupload": endUpload, "publish": publish,
		},
	})
}

// publish DIR SUBJECT BODY (or @FILE) publishes as another program of this machine, to the NATS
// server that holds the directory, and puts the message's sequence into $SEQ.
func publish(ts *testscript.TestScript, neg bool, args []string) {
	by, _, err := eventlog.LockOwner(ts.MkAbs(args[0]))
	ts.Check(err)
	token, _ := os.ReadFile(filepath.Join(ts.MkAbs(args[0]), "nats.token")) // where there is one
	conn, err := nats.Connect(by.NATS, nats.Token(strings.TrimSpace(string(token))))
	ts.Check(err)
	defer conn.Close()
	body := []byte(args[2])
	if file, ok := strings.CutPrefix(args[2], "@"); ok {
		body = []byte(ts.ReadFile(file))
	}
	answer, err := conn.Request(args[1], body, 10*time.Second)
	ts.Check(err)
	var ack struct{ Seq uint64 }
	ts.Check(json.Unmarshal(answer.Data, &ack))
	ts.Setenv("SEQ", fmt.Sprint(ack.Seq))
}

// ready DIR waits until the server that holds the directory is ready and puts its
// address into $SERVER; ready URL waits for the server there.
func ready(ts *testscript.TestScript, neg bool, args []string) {
	wait(ts, "a server on "+args[0], func() error {
		server := args[0]
		if by, held, err := eventlog.LockOwner(ts.MkAbs(args[0])); err == nil && held {
			server = by.HTTP
			ts.Setenv("NATS", by.NATS)
		}
		resp, err := http.Get(server + "/readyz")
		if err != nil {
			return err
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("readyz: %s", resp.Status)
		}
		ts.Setenv("SERVER", server)
		return nil
	})
}

// wait asks again until f is content, for ten seconds at most.
func wait(ts *testscript.TestScript, what string, f func() error) {
	deadline := time.Now().Add(10 * time.Second)
	for {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("waited in vain for %s: %v", what, err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// get STATUS URL asks with the key in $KEY and fails where the answer has
// another status; answers STATUS URL asks again until it has that one.
func get(ts *testscript.TestScript, neg bool, args []string) {
	ts.Check(answer(ts, args[0], args[1]))
}

func answers(ts *testscript.TestScript, neg bool, args []string) {
	wait(ts, args[1], func() error { return answer(ts, args[0], args[1]) })
}

func answer(ts *testscript.TestScript, status, url string) error {
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Api-Key "+ts.Getenv("KEY"))
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	resp.Body.Close()
	if strconv.Itoa(resp.StatusCode) != status {
		return fmt.Errorf("%s answers %s, want %s", url, resp.Status, status)
	}
	return nil
}

// readkey NAME FILE puts a file's one line into a variable.
func readKey(ts *testscript.TestScript, neg bool, args []string) {
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile(args[1])))
}

// digest NAME puts the digest that rebuild has printed into a variable.
func digest(ts *testscript.TestScript, neg bool, args []string) {
	_, text, found := strings.Cut(ts.ReadFile("stdout"), "Digest of the views: ")
	if !found {
		ts.Fatalf("no digest was printed")
	}
	ts.Setenv(args[0], strings.TrimSpace(text))
}

// same A B compares two words.
func same(ts *testscript.TestScript, neg bool, args []string) {
	if (args[0] == args[1]) == neg {
		ts.Fatalf("%s and %s", args[0], args[1])
	}
}

// natsof NAME DIR waits for the NATS server that holds the directory and puts its
// address into a variable.
func natsOf(ts *testscript.TestScript, neg bool, args []string) {
	wait(ts, "a NATS server on "+args[1], func() error {
		by, held, err := eventlog.LockOwner(ts.MkAbs(args[1]))
		if err == nil && (!held || by.NATS == "") {
			err = errors.New("nobody holds it")
		}
		ts.Setenv(args[0], by.NATS)
		return err
	})
}

// eventually PATTERN COMMAND... runs the command again until its output matches,
// whatever its exit status.
func eventually(ts *testscript.TestScript, neg bool, args []string) {
	pattern := regexp.MustCompile(args[0])
	wait(ts, args[0], func() error {
		_ = ts.Exec(args[1], args[2:]...)
		if out := ts.ReadFile("stdout"); !pattern.MatchString(out) {
			return fmt.Errorf("it says %s", out)
		}
		return nil
	})
}

// portof NAME ADDRESS puts the port of an address into a variable.
func portOf(ts *testscript.TestScript, neg bool, args []string) {
	_, port, err := net.SplitHostPort(args[1])
	ts.Check(err)
	ts.Setenv(args[0], port)
}

// json FIELD... VALUE looks into the last output, which must be JSON and no more.
func jsonField(ts *testscript.TestScript, neg bool, args []string) {
	var v any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &v))
	fields, want := args[:len(args)-1], args[len(args)-1]
	for _, field := range fields {
		object, ok := v.(map[string]any)
		if !ok {
			ts.Fatalf("no object around %s", field)
		}
		v = object[field]
	}
	if got := fmt.Sprint(v); got != want {
		ts.Fatalf("%v: %s, want %s", fields, got, want)
	}
}

// freeport NAME puts the address of a free port into a variable.
func freePort(ts *testscript.TestScript, neg bool, args []string) {
	ts.Setenv(args[0], freeport.Address())
}

// exits N COMMAND... fails where the command ends with another exit status.
func exitsWith(ts *testscript.TestScript, neg bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	if coder, ok := err.(interface{ ExitCode() int }); ok {
		got = coder.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if fmt.Sprint(got) != args[0] {
		ts.Fatalf("exit status %d, want %s", got, args[0])
	}
}

func TestTaken(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if !portInUse(listener.Addr().String()) {
		t.Error("a port with a listener counts as free")
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	if portInUse(listener.Addr().String()) {
		t.Error("a free port counts as taken")
	}
}

func TestDataDirIsPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "data")
	if err := makeDataDir(dir); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o700 {
		t.Errorf("mode %v, want 0700", info.Mode().Perm())
	}
}

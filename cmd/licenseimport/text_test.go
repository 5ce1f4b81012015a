package main

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/alecthomas/kong"

	"licenseimport/events"
)

func TestSize(t *testing.T) {
	for text, want := range map[string]int64{
		"1B": 1, "1000000B": 1000000, "17B": 17, "256KiB": 256 << 10, "4 GiB": 4 << 30, "1TiB": 1 << 40,
		"1": 0, "4": 0, "1000000": 0, "": 0, "0": 0, "-1": 0, "GiB": 0, "1.5GiB": 0, "4GB": 0, "99999999TiB": 0, "4 apples": 0,
	} {
		var s size
		err := s.UnmarshalText([]byte(text))
		if int64(s) != want || (err == nil) != (want > 0) {
			t.Errorf("%q: %d, %v; want %d", text, s, err, want)
		}
	}
}

// TestSizeNeedsAUnit: --max-file-size 4 is four bytes, which nobody means.
func TestSizeNeedsAUnit(t *testing.T) {
	commands := &cli{}
	parser, err := kong.New(commands, kong.Name("licenseimport"))
	if err != nil {
		t.Fatal(err)
	}
	sizes := 0
	for _, command := range parser.Model.Children {
		for _, flag := range command.Flags {
			if flag.Target.Type() != reflect.TypeFor[size]() {
				continue
			}
			sizes++
			_, err := parser.Parse([]string{command.Name, "--" + flag.Name, "4"})
			if err == nil || !strings.Contains(err.Error(), "4 is four bytes") || !strings.Contains(err.Error(), "4GiB or 4B") {
				t.Errorf("%s --%s 4: %v", command.Name, flag.Name, err)
			}
		}
	}
	if sizes < 5 {
		t.Errorf("only %d flags are sizes", sizes)
	}
}

// TestProxyFlags: an address or a network that cannot be read is an error.
func TestProxyFlags(t *testing.T) {
	parse := func(args ...string) (serveCommand, error) {
		commands := &cli{}
		parser, err := kong.New(commands, kong.Name("licenseimport"), kong.Exit(func(int) {}))
		if err != nil {
			t.Fatal(err)
		}
		_, err = parser.Parse(append([]string{"serve"}, args...))
		return commands.Serve, err
	}
	c, err := parse("--public-url", "https://host/prefix/", "--trusted-proxies", "10.1.2.3/8,::1", "--trusted-proxies", "127.0.0.1")
	if e := c.external(); err != nil || e.URL != "https://host/prefix" || fmt.Sprint(e.Trusted) != "[10.0.0.0/8 ::1/128 127.0.0.1/32]" {
		t.Errorf("%+v, %v", c.external(), err)
	}
	for _, args := range [][]string{{"--public-url", "host/prefix"}, {"--public-url", "https://host?x=1"}, {"--trusted-proxies", "proxy"}, {"--trusted-proxies", "10.0.0.0/33"}} {
		if _, err := parse(args...); err == nil || !strings.Contains(err.Error(), args[1]) {
			t.Errorf("%v: %v", args, err)
		}
	}
}

func TestBaseURL(t *testing.T) {
	for text, want := range map[string]string{
		"http://127.0.0.1:8080": "http://127.0.0.1:8080", "https://licenses.example.com/": "https://licenses.example.com",
		"https://example.com/licenses/": "https://example.com/licenses",
		"127.0.0.1:8080":                "", "localhost:8080": "", "ftp://x": "", "": "", "http://": "",
	} {
		got, err := baseURL(text)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v; want %q", text, got, err, want)
		}
	}
}

func TestPasswordsAreNotShown(t *testing.T) {
	got := withoutPassword("nats://user:secret@a:4222, nats://b:4222,tls://token@c")
	if got != "nats://a:4222, nats://b:4222,tls://c" && got != "nats://a:4222,nats://b:4222,tls://c" {
		t.Error(got)
	}
	for url, want := range map[string]string{
		"secret@a:4222": "a:4222", "user:secret@a:4222": "a:4222", // NATS takes an address without a scheme
		"nats://user:sec/ret@a:4222": "nats://a:4222", "nats://user:sec@ret@a:4222": "nats://a:4222", // not escaped
		"nats://user:secret%zz@a": "nats://a", "nats://user:secret#x@a": "nats://a",
		"nats://user:secret,x@a": "(an address that cannot be read),a",
	} {
		if got := withoutPassword(url); got != want {
			t.Errorf("%s: %s, want %s", url, got, want)
		}
	}
}

func TestGrouped(t *testing.T) {
	for n, want := range map[uint64]string{0: "0", 999: "999", 1000: "1,000", 12345: "12,345", 1000000: "1,000,000"} {
		if got := grouped(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

// TestValuesAreShownHarmless: what a file holds must not command a terminal.
func TestValuesAreShownHarmless(t *testing.T) {
	if got := printable(excerpt("\x1b[2J山田" + strings.Repeat("ö", 100))); got != `\x1b[2J山田`+strings.Repeat("ö", 34)+"…" {
		t.Error(got)
	}
}

// TestProgress: a bar comes, moves and goes without a trace.
func TestProgress(t *testing.T) {
	// The bubble fails a test that leaves something running, such as a bar
	// that draws itself after its end.
	synctest.Test(t, testProgress)
}

func testProgress(t *testing.T) {
	var screen bytes.Buffer
	p := &progress{w: &screen}
	p.begin("Uploading x.csv", 100, inBytes)
	p.add(100)
	p.begin("Folding", -1, "events")
	p.set(50, 200)
	p.begin("Importing x.csv", 1000, shares)
	p.share(0.25, "50 rows")
	p.share(1, "200 rows")
	p.end()
	for _, want := range []string{"Uploading x.csv", "Folding", "Importing x.csv"} {
		if !strings.Contains(screen.String(), want) {
			t.Errorf("%q was not shown in %q", want, screen.String())
		}
	}
	if !strings.HasSuffix(screen.String(), "\r\x1b[K") {
		t.Errorf("something stays: %q", screen.String())
	}
	nobody := newProgress(&screen)
	screen.Reset()
	nobody.begin("x", 1, inBytes)
	nobody.add(1)
	nobody.end()
	if screen.Len() > 0 {
		t.Errorf("%q where nobody watches", screen.String())
	}
}

// TestRejectedRowsNameFlags: the advice about a rejected row is said of flags, too.
func TestRejectedRowsNameFlags(t *testing.T) {
	r, err := decodeResult(events.Licenses, []byte(`{"result": {"invalid_row_count": 1, "invalid_rows": [
		{"row": 1, "line": 2, "errors": [
			{"code": "invalid_encoding", "message": "has wrong bytes: upload it with encoding=windows-1252"}]}]}}`))
	if err != nil {
		t.Fatal(err)
	}
	var shown bytes.Buffer
	printRejected(&shown, r)
	if !strings.Contains(shown.String(), "upload it with --encoding windows-1252") {
		t.Errorf("the rejected rows are shown as:\n%s", shown.String())
	}
}

// TestFailureIsOneSentence: the sentence about a failed import ends in one full stop, whether its message has one or not.
func TestFailureIsOneSentence(t *testing.T) {
	const want = "It stopped, so nothing was imported: send it again."
	for _, message := range []string{want, strings.TrimSuffix(want, ".")} {
		r, err := decodeResult(events.Licenses, []byte(`{"status": "error", "error": {"message": "`+message+`"}}`))
		if err != nil {
			t.Fatal(err)
		}
		if got := r.summary(); got != want {
			t.Errorf("%q is told as %q", message, got)
		}
	}
}

// TestMessagesNameFlags: what a message of the API says of parameters is said of flags.
func TestMessagesNameFlags(t *testing.T) {
	for message, want := range map[string]string{
		"upload with unknown_columns=ignore":                    "upload with --unknown-columns ignore",
		"upload with map=Serial No.:license__license_key; more": "upload with --map 'Serial No.:license__license_key'; more",
		"upload with set=product__short_code:VALUE.":            "upload with --set product__short_code:VALUE.",
		"map it (map=A:column), leave it out (ignore=A)":        "map it (--map A:column), leave it out (--ignore A)",
		"it (map=No (x):column), out (ignore=No (x)), or":       "it (--map 'No (x):column'), out (--ignore 'No (x)'), or",
		"a column that map= names":                              "a column that --map names",
		"map=Serial has no colon":                               "--map Serial has no colon",
		"dates are written date_format=MM/DD/YYYY":              "dates are written --date-format MM/DD/YYYY",
		"given twice in map= and set=: give it once":            "given twice in --map and --set: give it once",
		"is translated twice in value=: give it once":           "is translated twice in --value: give it once",
		"has other sheets: \"A\". Name one (sheet=NAME).":       "has other sheets: \"A\". Name one (--sheet NAME).",
	} {
		if got := inFlags(message); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

//go:build tools

package contracttest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

const apiPage = "../../docs/api.md"

// block is a fenced block of a page.
type block struct {
	line int
	kind string // sh, go, json, text
	text string
}

// blocks reads the fenced blocks of a page, at least so many.
func blocks(t *testing.T, page string, least int) []block {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var all []block
	var open *block
	for i, line := range strings.Split(string(text), "\n") {
		kind, fence := strings.CutPrefix(line, "```")
		switch {
		case fence && open == nil:
			open = &block{line: i + 1, kind: kind}
		case fence:
			all = append(all, *open)
			open = nil
		case open != nil:
			open.text += line + "\n"
		}
	}
	if open != nil || len(all) < least {
		t.Fatalf("%d blocks, the last one open: %t", len(all), open != nil)
	}
	return all
}

// TestAPIPage makes the calls of docs/api.md, one after the other, with sh, curl and go. A json or text block is the answer to
// the block above it: white space does not count, and … stands for anything.
func TestAPIPage(t *testing.T) {
	t.Parallel()
	const said = "http://127.0.0.1:8080" // by the page
	dir := t.TempDir()
	s := serveOn(t, filepath.Join(dir, "data"))
	exports, answer := "", ""
	for _, b := range blocks(t, apiPage, 20) {
		at := fmt.Sprintf("docs/api.md:%d", b.line)
		text := strings.ReplaceAll(b.text, said, s.url)
		switch b.kind {
		case "sh":
			answer = execute(t, at, dir, "sh", "-ec", exports+text)
			if strings.HasPrefix(text, "export ") {
				exports += text
			}
		case "go":
			file := filepath.Join(dir, "main.go")
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			answer = execute(t, at, dir, "sh", "-ec", exports+"go run main.go")
		case "json", "text":
			if !matches(text, answer) {
				t.Errorf("%s: the answer is\n%s\nthe page says\n%s", at, answer, text)
			}
		default:
			t.Errorf("%s: nobody knows what to do with a block of kind %q", at, b.kind)
		}
	}
}

func execute(t *testing.T, at, dir, name string, args ...string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), name, args...)
	c.Dir = dir
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", at, err, out)
	}
	return string(out)
}

// matches compares an answer with what a page says.
func matches(page, answer string) bool {
	parts := strings.Split(withoutSpace(page), "…")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return regexp.MustCompile("^(?s)" + strings.Join(parts, ".*") + "$").MatchString(withoutSpace(answer))
}

func withoutSpace(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || r == '\uFEFF' {
			return -1
		}
		return r
	}, s)
}

// TestMatches: the comparison can fail.
func TestMatches(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		page, answer string
		want         bool
	}{
		{`{"a": 1, …}`, `{"a":1,"b":2}`, true},
		{`{"a": 1}`, `{"a":1,"b":2}`, false},
		{`{"a": "…"}`, `{"a":1}`, false},
		{`…"b": 2…`, `{"a":1,"b":2}`, true},
		{`…"b": 3…`, `{"a":1,"b":2}`, false},
	} {
		if got := matches(test.page, test.answer); got != test.want {
			t.Errorf("%s and %s: %t", test.page, test.answer, got)
		}
	}
}

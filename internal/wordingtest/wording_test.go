// Package wordingtest tests the words of everything that users read: messages, help, page, documents.
package wordingtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// banned are words that users stumbled over, with better ones.
var banned = []struct {
	words  *regexp.Regexp
	better string
}{
	{words(`mend(s|ed|ing)?`), "fix, correct"},
	{words(`(rows?|imports?|batch(es)?) (is|are|was|were|being|be|will be) decided|rows decided|decided again|import decided`), "processed"},
	{words(`(does|do) not fit|(has|have) to fit|fits`), "match, matches"},
	{words(`known already|already known`), "existing"},
	{regexp.MustCompile(`^So far$|>So far<|^#+ So far`), "Recent"},
	{words(`folders?`), "directory"},
	{words(`anew|afresh`), "again, new"},
	{words(`whoever|likewise|henceforth|overhear|courtesy`), "plain words"},
	{words(`is no(t a)? fit|made known`), "plain words"},
}

// internals are names that only the source knows. In a message of licenseimport they help nobody.
var internals = words(`eventlog|viewstore|readapi|importjob|httpx|csvfile|fsx|natstuning|fairshare|gctuner|bbolt`)

func words(alternatives string) *regexp.Regexp {
	return regexp.MustCompile(`(?i)\b(` + alternatives + `)\b`)
}

// check reports the banned words of one text.
func check(t *testing.T, where, text string) {
	t.Helper()
	for _, b := range banned {
		if found := b.words.FindString(text); found != "" {
			t.Errorf("%s: %q: say %s: %.120q", where, found, b.better, text)
		}
	}
}

// walk calls f with each file of the repository that has one of the extensions.
func walk(t *testing.T, root string, f func(path, text string), extensions ...string) {
	t.Helper()
	seen := 0
	err := filepath.WalkDir(filepath.Join("../..", root), func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		path = filepath.ToSlash(path)
		name := strings.TrimPrefix(path, "../../")
		if entry.IsDir() && (entry.Name() == "node_modules" || notForUsers[name]) {
			return filepath.SkipDir
		}
		for _, extension := range extensions {
			if strings.HasSuffix(path, extension) {
				text, err := os.ReadFile(path)
				if err != nil {
					return err
				}
				seen++
				f(name, string(text))
			}
		}
		return nil
	})
	if err != nil || seen == 0 {
		t.Errorf("%s: %d files, %v", root, seen, err)
	}
}

// notForUsers are directories whose texts only developers see, or that others have written.
var notForUsers = map[string]bool{
	"bin": true, "data": true, "tools": true, "cmd/benchmark": true, "internal/contracttest": true, "internal/crashtest": true,
	"internal/robustnesstest": true, "internal/wordingtest": true, "events/internal": true, "events/importjob/internal": true, "events/eventlog/eventlogtest": true,
	"web/browsertest": true, "web/reference": true, "docs/adr": true,
}

// TestMessages: every message, help text and line of the log in the source. A string with a space is one.
func TestMessages(t *testing.T) {
	messages := 0
	walk(t, ".", func(path, text string) {
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, text, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			literal, ok := n.(*ast.BasicLit)
			if !ok || literal.Kind != token.STRING || !strings.Contains(literal.Value, " ") {
				return true
			}
			message, _ := strconv.Unquote(literal.Value)
			where := path + ":" + strconv.Itoa(set.Position(literal.Pos()).Line)
			messages++
			check(t, where, message)
			if found := internals.FindString(message); found != "" {
				t.Errorf("%s: %q is known to the source only: %.120q", where, found, message)
			}
			return true
		})
	}, ".go")
	if messages < 1000 {
		t.Errorf("only %d messages were found", messages)
	}
}

// quoted matches a string of JavaScript.
var quoted = regexp.MustCompile("\"[^\"\n]*\"|'[^'\n]*'|`[^`]*`")

// TestPage: the page's texts.
func TestPage(t *testing.T) {
	walk(t, "web/static", func(path, text string) {
		for _, literal := range quoted.FindAllString(text, -1) {
			check(t, path, strings.Trim(literal, "\"'`"))
		}
	}, ".js")
	walk(t, "web/static", func(path, text string) { check(t, path, text) }, ".html")
}

// TestDocuments: what people read beside the program, and what the API and the events say of themselves.
func TestDocuments(t *testing.T) {
	for _, root := range []string{"docs", "deploy", "examples", "internal/openapi", "events"} {
		walk(t, root, func(path, text string) {
			for number, line := range strings.Split(text, "\n") {
				check(t, path+":"+strconv.Itoa(number+1), line)
			}
		}, ".md", ".yaml", ".json", ".service", ".conf", ".env")
	}
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	check(t, "README.md", string(text))
}

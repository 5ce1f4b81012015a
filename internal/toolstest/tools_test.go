// Package toolstest holds the test that the plain suite needs Go and nothing else.
package toolstest

import (
	"go/ast"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// starters are the functions that start a program, and which of their arguments names it.
var starters = map[string]int{"Command": 0, "LookPath": 0, "CommandContext": 1}

// TestPlainTestsNeedOnlyGo: a test that starts another program than go, or the program that it has built,
// stands in a file with the build tag tools. `make check` runs those files, too.
func TestPlainTestsNeedOnlyGo(t *testing.T) {
	tagged := 0
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && entry.Name() == "node_modules" {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		others, needsTools := programs(t, path)
		if needsTools {
			tagged++
		} else if len(others) > 0 {
			t.Errorf("%s starts %q: it needs the build tag tools", path, others)
		}
		return nil
	})
	if err != nil || tagged == 0 {
		t.Errorf("%d files have the tag, %v", tagged, err)
	}
}

// programs lists the programs that a test file starts by name, and says whether it has the tag.
func programs(t *testing.T, path string) (names []string, tagged bool) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	for _, group := range file.Comments {
		for _, line := range group.List {
			if expr, err := constraint.Parse(line.Text); err == nil {
				tagged = tagged || !expr.Eval(func(tag string) bool { return tag != "tools" })
			}
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			if name := programOf(call); name != "" && name != "go" {
				names = append(names, name)
			}
		}
		return true
	})
	return names, tagged
}

// programOf is the program that a call starts, or "" where the call does not say its name.
func programOf(call *ast.CallExpr) string {
	function, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	i, starts := starters[function.Sel.Name]
	if !starts || i >= len(call.Args) {
		return ""
	}
	text, ok := call.Args[i].(*ast.BasicLit)
	if !ok || text.Kind != token.STRING {
		return ""
	}
	name, _ := strconv.Unquote(text.Value)
	return name
}

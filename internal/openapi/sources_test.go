package openapi_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"licenseimport/internal/openapi"
)

// sources parses the program's files below a directory of the project, tests excepted.
func sources(t *testing.T, dir string) []*ast.File {
	t.Helper()
	var files []*ast.File
	root := filepath.Join("..", "..", filepath.FromSlash(dir))
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		files = append(files, file)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// calledName is the name of the function that is called, without its package.
func calledName(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}

// text is what a string literal says, or one of the constants of other packages
// that stand for a route; else "".
func text(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if s, err := strconv.Unquote(e.Value); err == nil && e.Kind == token.STRING {
			return s
		}
	case *ast.SelectorExpr:
		return map[string]string{"MethodGet": http.MethodGet, "MethodPost": http.MethodPost, "Path": openapi.Path, "JSONPath": openapi.JSONPath}[e.Sel.Name]
	}
	return ""
}

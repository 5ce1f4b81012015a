package events

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"testing"
)

// An event type without a row in constructors could be written and never be read.
func TestEveryEventHasItsConstructor(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "event.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, decl := range file.Decls {
		method, ok := decl.(*ast.FuncDecl)
		if !ok || method.Recv == nil || method.Name.Name != "Subject" {
			continue
		}
		name := method.Recv.List[0].Type.(*ast.StarExpr).X.(*ast.Ident).Name
		if n++; !slices.Contains(Types(), name) {
			t.Errorf("%s has no row in constructors, or another Type than its name", name)
		}
	}
	if n != len(Types()) {
		t.Errorf("event.go has %d event types, constructors %d", n, len(Types()))
	}
}

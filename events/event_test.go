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
	n := 0
	for _, name := range []string{"event.go", "event_undo.go", "event_feature.go", "event_customer.go",
		"event_operation.go"} {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
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
	}
	if n != len(Types()) {
		t.Errorf("the files have %d event types, constructors %d", n, len(Types()))
	}
}

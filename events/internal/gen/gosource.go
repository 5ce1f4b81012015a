package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
)

// source has what only the Go source of a package says: reflection does not see it.
type source struct {
	comments map[string]string   // of "Type" and "Type.Field", as one line
	values   map[string][]string // of the text constants of a type, in their order
}

func readSource(dir string) (*source, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	s := &source{comments: map[string]string{}, values: map[string][]string{}}
	for _, path := range paths {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		for _, decl := range file.Decls {
			if gen, ok := decl.(*ast.GenDecl); ok && !strings.HasSuffix(path, "_test.go") {
				s.read(gen)
			}
		}
	}
	return s, nil
}

func (s *source) read(decl *ast.GenDecl) {
	for _, spec := range decl.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			s.comments[spec.Name.Name] = sentence(spec.Doc, decl.Doc)
			if structure, ok := spec.Type.(*ast.StructType); ok {
				s.readFields(spec.Name.Name, structure)
			}
		case *ast.ValueSpec:
			s.readConstant(spec)
		}
	}
}

func (s *source) readFields(structName string, structure *ast.StructType) {
	for _, field := range structure.Fields.List {
		for _, name := range field.Names {
			s.comments[structName+"."+name.Name] = sentence(field.Doc, field.Comment)
		}
	}
}

func (s *source) readConstant(spec *ast.ValueSpec) {
	typeName, ok := spec.Type.(*ast.Ident)
	if !ok || len(spec.Values) != 1 {
		return
	}
	if literal, ok := spec.Values[0].(*ast.BasicLit); ok && literal.Kind == token.STRING {
		if value, err := strconv.Unquote(literal.Value); err == nil {
			s.values[typeName.Name] = append(s.values[typeName.Name], value)
		}
	}
}

// sentence is the first comment that is not empty, on one line.
func sentence(groups ...*ast.CommentGroup) string {
	for _, group := range groups {
		if text := strings.Join(strings.Fields(group.Text()), " "); text != "" {
			return text
		}
	}
	return ""
}

package openapi_test

import (
	"go/ast"
	"maps"
	"regexp"
	"slices"
	"testing"

	"licenseimport/events/importjob"

	"github.com/getkin/kin-openapi/openapi3"
)

// speaking are the directories whose code answers clients, or says why an import failed.
var speaking = []string{"internal", "events/importjob", "ingest", "processor", "projector", "cmd/licenseimport"}

// makers are the functions of httpx whose first text is a code.
var makers = []string{"New", "BadRequest", "Unauthorized", "Timeout", "Conflict", "TooLarge", "Unsupported", "Unprocessable", "Unavailable"}

var isCode = regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)

// TestCodes: every code that an answer or a failed import may have is described,
// and no other is.
func TestCodes(t *testing.T) {
	doc := load(t)
	described := map[string]bool{}
	for _, code := range append(enum(doc, "ProblemCode"), enum(doc, "FailureCode")...) {
		described[code] = true
	}
	rows := enum(doc, "RowErrorCode") // rejections are made like problems; events/internal/gen writes them
	used, written := codesInSources(t)
	for _, code := range slices.Sorted(maps.Keys(used)) {
		if !described[code] && !slices.Contains(rows, code) {
			t.Errorf("code %s is used and not described: add it to ProblemCode or FailureCode in openapi.yaml", code)
		}
	}
	for _, code := range slices.Sorted(maps.Keys(described)) {
		if !written[code] {
			t.Errorf("code %s is described and stands nowhere in the code", code)
		}
	}
	if len(used) < 20 {
		t.Errorf("found only the codes %v: does the test still know how they are written?", used)
	}
}

// TestFailureCodes: the document lists the codes of package importjob, and no others.
func TestFailureCodes(t *testing.T) {
	var want []string
	for _, code := range importjob.FailureCodes() {
		want = append(want, string(code))
	}
	if got := enum(load(t), "FailureCode"); !slices.Equal(got, want) {
		t.Errorf("FailureCode in openapi.yaml has %v, importjob %v", got, want)
	}
}

// TestRefusalCodes: the document lists the code of each refusal of package importjob.
func TestRefusalCodes(t *testing.T) {
	listed := enum(load(t), "ProblemCode")
	for _, reason := range importjob.Reasons() {
		refused := importjob.RefusedError{Job: 1, Reason: reason}
		if code, message := refused.Problem(); message == "" || !slices.Contains(listed, code) {
			t.Errorf("%s: openapi.yaml lacks the code %q, or there is no sentence: %q", reason, code, message)
		}
	}
}

func enum(doc *openapi3.T, schema string) (values []string) {
	for _, value := range doc.Components.Schemas[schema].Value.Enum {
		values = append(values, value.(string))
	}
	return values
}

// codesInSources finds the codes that are used as such, and all texts.
func codesInSources(t *testing.T) (used, written map[string]bool) {
	used, written = map[string]bool{}, map[string]bool{}
	for _, dir := range speaking {
		for _, file := range sources(t, dir) {
			ast.Inspect(file, func(n ast.Node) bool {
				if code := codeIn(n); isCode.MatchString(code) {
					used[code] = true
				}
				if literal, ok := n.(*ast.BasicLit); ok {
					written[text(literal)] = true
				}
				return true
			})
		}
	}
	return used, written
}

// codeIn is the code that a piece of source uses: an argument of one of the
// makers, the member Code of a literal, or a constant of a file's header.
func codeIn(n ast.Node) string {
	switch n := n.(type) {
	case *ast.CallExpr:
		if slices.Contains(makers, calledName(n)) {
			for _, arg := range n.Args {
				if code := text(arg); code != "" {
					return code
				}
			}
		}
	case *ast.KeyValueExpr:
		if name, ok := n.Key.(*ast.Ident); ok && name.Name == "Code" {
			return text(n.Value)
		}
	case *ast.ValueSpec:
		if kind, ok := n.Type.(*ast.Ident); ok && kind.Name == "HeaderCode" && len(n.Values) == 1 {
			return text(n.Values[0])
		}
	}
	return ""
}

// Package schema has the JSON Schema (2020-12) of each event type and validates bodies against it. Tests
// use it, and authors of other programs that read the stream. The services of licenseimport decode
// events instead.
//
// # Files
//
//	<Type>.json   the schema of one event type, written by `make generate` from the Go types
//	schema.go     For and Validate
//
// # Promises
//
// A schema accepts every published event of its type. It permits members that it does not name, because
// readers ignore them, and codes that it does not list, because later versions add some.
//
// # Caveats
//
// Validate compiles all schemas at its first call. It knows the types of this version only.
package schema

import (
	"bytes"
	"embed"
	"fmt"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

//go:embed *.json
var files embed.FS

// For returns the JSON Schema of an event type, such as "LicenseImported". An unknown type is an error.
func For(eventType string) ([]byte, error) {
	text, err := files.ReadFile(eventType + ".json")
	if err != nil {
		return nil, fmt.Errorf("no schema of event type %q", eventType)
	}
	return text, nil
}

// Validate checks the body of a message, a complete CloudEvent, against the schema of its type. The error
// says where the body differs.
func Validate(body []byte) error {
	event, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("not JSON: %w", err)
	}
	members, ok := event.(map[string]any)
	if !ok {
		return fmt.Errorf("not a CloudEvent but a %T", event)
	}
	schemas, err := compiled()
	if err != nil {
		return err
	}
	eventType, _ := members["type"].(string)
	schema, ok := schemas[eventType]
	if !ok {
		return fmt.Errorf("no schema of event type %q", eventType)
	}
	return schema.Validate(event)
}

// compiled returns all schemas by event type.
var compiled = sync.OnceValues(compile)

func compile() (map[string]*jsonschema.Schema, error) {
	entries, err := files.ReadDir(".")
	if err != nil {
		return nil, err
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	schemas := make(map[string]*jsonschema.Schema, len(entries))
	for _, entry := range entries {
		eventType := strings.TrimSuffix(entry.Name(), ".json")
		if schemas[eventType], err = compileOne(compiler, eventType); err != nil {
			return nil, fmt.Errorf("schema of %s: %w", eventType, err)
		}
	}
	return schemas, nil
}

func compileOne(compiler *jsonschema.Compiler, eventType string) (*jsonschema.Schema, error) {
	text, err := For(eventType)
	if err != nil {
		return nil, err
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	if err := compiler.AddResource(eventType+".json", document); err != nil {
		return nil, err
	}
	return compiler.Compile(eventType + ".json")
}

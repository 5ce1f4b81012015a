// Package schema holds the JSON Schema (2020-12) of each event type and checks
// bodies against it: for tests, and for those who read the stream with another
// program. The services of licenseimport do not need it: they decode.
//
// The files are written by events/internal/gen from the Go types. Objects
// may have members that a schema does not name: readers ignore them.
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

// For gives the JSON Schema of an event type, such as "LicenseImported".
func For(eventType string) ([]byte, error) {
	text, err := files.ReadFile(eventType + ".json")
	if err != nil {
		return nil, fmt.Errorf("no schema of event type %q", eventType)
	}
	return text, nil
}

// Validate checks the body of a message, a whole CloudEvent, against the schema
// of the type that it names. The error says where it differs.
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

// compiled gives all schemas by the type that they describe.
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

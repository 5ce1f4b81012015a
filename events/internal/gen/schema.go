package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"licenseimport/events"
)

// object is a part of a JSON Schema. encoding/json sorts its members.
type object map[string]any

const number = "(0|[1-9][0-9]*)"

// idPattern is the regular expression of a type's ids, made from the id of an event of the type.
func idPattern(event events.Event) string {
	fields := reflect.ValueOf(event).Elem()
	for _, name := range []string{"JobID", "Sequence", "Position", "Revision"} {
		if field := fields.FieldByName(name); field.IsValid() {
			field.SetUint(1)
		}
	}
	if row := fields.FieldByName("Row"); row.IsValid() {
		row.SetUint(1)
	}
	if phase := fields.FieldByName("Phase"); phase.IsValid() {
		phase.SetString(string(events.Validate))
	}
	parts := strings.Split(event.ID(), "/")
	for i, part := range parts {
		if part == "1" {
			parts[i] = number
		}
	}
	pattern := strings.Join(parts, "/")
	return strings.Replace(pattern, "/validate/", "/(validate/)?", 1) // of the phase validate only
}

// eventSchema is the JSON Schema of a complete CloudEvent. It permits members that it does not name, since
// readers ignore them.
func eventSchema(name string, source *source) ([]byte, error) {
	event, err := events.New(name)
	if err != nil {
		return nil, err
	}
	g := &generator{source: source, defs: object{}}
	data := g.structure(reflect.TypeOf(event).Elem())
	schema := object{
		"$schema":     "https://json-schema.org/draft/2020-12/schema",
		"$id":         "urn:licenseimport:event:" + name,
		"title":       name,
		"description": "A CloudEvent 1.0 in structured mode. " + source.comments[name],
		"type":        "object",
		"required":    []string{"specversion", "id", "source", "type", "time", "datacontenttype", "data"},
		"properties": object{
			"specversion": object{"const": "1.0", "description": "the version of CloudEvents"},
			"id": object{"type": "string", "pattern": "^" + idPattern(event) + "$",
				"description": "with the source unique, and the same on every redelivery"},
			"source": object{"const": events.Source, "description": "who wrote the event"},
			"type":   object{"const": name, "description": "what happened"},
			"time": object{"type": "string", "format": "date-time",
				"description": "when it was observed; no decision depends on it"},
			"datacontenttype": object{"const": "application/json", "description": "the form of the data"},
			"data":            data,
		},
	}
	if len(g.defs) > 0 {
		schema["$defs"] = g.defs
	}
	if len(g.missing) > 0 {
		return nil, fmt.Errorf("no comment says what these are: %s", strings.Join(g.missing, ", "))
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err = encoder.Encode(schema)
	return text.Bytes(), err
}

// generator collects the structs that an event refers to.
type generator struct {
	source  *source
	defs    object
	missing []string // fields without a description
}

// structure describes a struct, with the fields of its embedded structs.
func (g *generator) structure(t reflect.Type) object {
	properties, required := object{}, []string{}
	for _, field := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if field.Anonymous || name == "" {
			continue
		}
		owner := t
		if len(field.Index) > 1 {
			owner = t.FieldByIndex(field.Index[:1]).Type
		}
		properties[name] = g.field(owner, field, name)
		if options != "omitempty" {
			required = append(required, name)
		}
	}
	schema := object{"type": "object", "description": g.source.comments[t.Name()], "properties": properties}
	if len(required) > 0 {
		schema["required"] = required
	}
	return schema
}

// field describes a field by its column, by its comment or by its type's comment: the first one that
// exists.
func (g *generator) field(owner reflect.Type, field reflect.StructField, name string) object {
	if c := columnOf(owner, name); c != nil {
		return columnSchema(c)
	}
	schema := g.value(field.Type, owner.Name(), field.Name)
	description := g.source.comments[owner.Name()+"."+field.Name]
	if description == "" {
		t := field.Type
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
			t = t.Elem()
		}
		description = g.source.comments[t.Name()]
	}
	if description == "" {
		g.missing = append(g.missing, owner.Name()+"."+field.Name)
	}
	schema["description"] = description
	if field.Type.Kind() == reflect.Pointer && !strings.Contains(field.Tag.Get("json"), "omitempty") {
		return object{"description": description, "anyOf": []object{schema, {"type": "null"}}}
	}
	return schema
}

// value describes the values of a field.
func (g *generator) value(t reflect.Type, owner, fieldName string) object {
	switch t.Kind() {
	case reflect.Pointer:
		return g.value(t.Elem(), owner, fieldName)
	case reflect.Slice:
		return object{"type": "array", "items": g.value(t.Elem(), owner, fieldName)}
	case reflect.Struct:
		if _, known := g.defs[t.Name()]; !known {
			g.defs[t.Name()] = object{} // ends a recursion
			g.defs[t.Name()] = g.structure(t)
		}
		return object{"$ref": "#/$defs/" + t.Name()}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": g.nullable(t.Elem(), owner, fieldName)}
	case reflect.Array: // events.Values
		return valuesSchema()
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.String:
		return g.text(t, owner, fieldName)
	default:
		return object{"type": "integer", "minimum": smallest(t, owner, fieldName)}
	}
}

// nullable describes the values of a map. A nil pointer is null.
func (g *generator) nullable(t reflect.Type, owner, fieldName string) object {
	schema := g.value(t, owner, fieldName)
	if t.Kind() == reflect.Pointer {
		return object{"anyOf": []object{schema, {"type": "null"}}}
	}
	return schema
}

// text describes a text by the constants of its type, if there are any, and by a promised form or length.
// The constants of a code type are examples, because later versions add codes.
func (g *generator) text(t reflect.Type, owner, fieldName string) object {
	values := g.source.values[t.Name()]
	switch {
	case len(values) == 0 && fieldName == "SHA256":
		return object{"type": "string", "pattern": "^[0-9a-f]{64}$"}
	case (owner == "Malformed" || owner == "RowReceived") && fieldName == "Raw":
		return object{"type": "string", "maxLength": events.MaxRaw}
	case (owner == "FieldError" || owner == "Warning") && fieldName == "Value":
		return object{"type": "string", "maxLength": events.MaxErrorValue}
	case len(values) == 0:
		return object{"type": "string"}
	case strings.HasSuffix(t.Name(), "Code"):
		return object{"type": "string", "examples": values}
	default:
		return object{"type": "string", "enum": values}
	}
}

// smallest is the minimum of a number: 1 for a job, a line, and the row that an event is about.
func smallest(t reflect.Type, owner, fieldName string) int {
	so := owner == "ImportProgressed" || owner == "ImportFinished" // "so far" may be none
	if owner == "UndoCounts" {
		return 0
	}
	if t == reflect.TypeFor[events.JobID]() || fieldName == "Line" || fieldName == "Sequence" || fieldName == "Revision" ||
		fieldName == "Row" && !so {
		return 1
	}
	return 0
}

// columnOf is the column that fills a field of License, Customer, Order or Feature, or nil.
func columnOf(owner reflect.Type, name string) *events.Column {
	prefix, filled := map[string]string{"License": "license__", "Customer": "customer__", "Order": "order__",
		"Feature": ""}[owner.Name()]
	if i, ok := events.ColumnIndex(prefix + name); ok && filled {
		return &events.Columns[i]
	}
	return nil
}

// columnSchema describes a column's parsed value.
func columnSchema(c *events.Column) object {
	schema := object{"type": "string", "description": c.Help}
	switch c.Type {
	case events.Bool:
		schema["type"] = "boolean"
	case events.Int:
		schema["type"], schema["minimum"], schema["maximum"] = "integer", 0, events.MaxInt
	case events.Date:
		schema["format"] = "date"
	case events.Duration:
		schema["pattern"] = "^[1-9][0-9]{0,4}[dmy]$"
	case events.Enum:
		schema["enum"] = c.Choices
	default:
		schema["minLength"], schema["maxLength"] = 1, c.Limit()
	}
	return schema
}

// valuesSchema describes a row as sent.
func valuesSchema() object {
	properties := object{}
	for i := range events.Columns {
		properties[events.Columns[i].Name] = object{"type": "string", "description": events.Columns[i].Help}
	}
	return object{"type": "object", "properties": properties, "additionalProperties": object{"type": "string"}}
}

package main

import (
	"encoding/json"
	"strings"

	"licenseimport/events"
)

// listedRow is a row of an import in one of the API's lists: of warnings, of updated and of kept rows.
type listedRow struct {
	Row       uint64   `json:"row"`
	Column    string   `json:"column"`  // of a warning
	Message   string   `json:"message"` // of a warning
	Changed   []change `json:"changed"`
	ImportID  uint64   `json:"import_id"`  // the import that changed it since
	ImportRow uint64   `json:"import_row"` // of that import

	fields map[string]any
}

// change is the change of one column, as CSV text.
type change struct{ Column, From, To string }

// UnmarshalJSON reads a row of any kind.
func (v *listedRow) UnmarshalJSON(body []byte) error {
	type plain listedRow // without this method
	if err := json.Unmarshal(body, (*plain)(v)); err != nil {
		return err
	}
	return json.Unmarshal(body, &v.fields)
}

// identity is what the row is about, for a terminal: the values of the kind's identity.
func (v *listedRow) identity(kind *events.Kind) []string {
	values := make([]string, len(kind.Identity))
	for i, of := range kind.Identity {
		text, _ := v.fields[of.Field].(string)
		values[i] = printable(excerpt(text))
	}
	return values
}

// cells are a line of a table: the row's number, what the row is about, and more.
func (v *listedRow) cells(kind *events.Kind, more ...any) []any {
	line := []any{v.Row}
	for _, value := range v.identity(kind) {
		line = append(line, value)
	}
	return append(line, more...)
}

// rowHeader is the header of a table whose lines are cells.
func rowHeader(kind *events.Kind, more ...any) []any {
	header := []any{"Row"}
	for _, of := range kind.Identity {
		name := strings.ReplaceAll(of.Field, "_", " ")
		header = append(header, capital(name))
	}
	return append(header, more...)
}

// rowPage is a page of such a list.
type rowPage struct {
	Count   uint64      `json:"count"`
	Results []listedRow `json:"results"`
}

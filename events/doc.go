// Package events is the vocabulary of licenseimport: what can happen to an
// import, how it is written on the wire, and what a row of the CSV may hold.
// Every other package speaks it; it imports the standard
// library only.
//
// # What an event promises
//
// An event is a fact in the past tense. Its body is one CloudEvents 1.0 JSON
// document in structured mode (codec.go). Its source and id are the same on
// every redelivery and after every retry, so that a reader can tell a
// repetition: a row's outcome is "10/17", its arrival "10/17/received", the
// facts of a whole import "10/started", "10/progressed/999" and so on
// (subject.go). Its subject says which aggregate it belongs to: one license,
// or one import.
//
// A field once published is never renamed, retyped or dropped; what changes its
// meaning is a new type ("LicenseImported.v2"). Readers ignore fields that they
// do not know. A type that they do not know is an *UnknownTypeError, and stops
// them: skipping it would make a view that looks right and is not.
//
// # How to add a column
//
// One row in the table of columns.go and the field that it fills in license.go.
// Header matching, parsing, the template and the wire follow from it; the JSON
// Schema and docs/columns.md do after
//
//	make generate
//
// and a test fails until that was run.
//
// # How to add an event type
//
// A struct and a row in the table of event.go, a sample in samples_test.go, a
// golden file (go test ./events -update adds it, and changes none), a schema
// (make generate) and a message in asyncapi.yaml. Tests name what is
// missing: these here, the case in the projector's apply.go there.
package events

//go:generate go run ./internal/gen ..
//go:generate go test . -run ^(TestWireFormIsAsPublished|TestColumnsAreTheDocumentedOnes)$ -update

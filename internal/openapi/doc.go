// Package openapi has the description of the HTTP API for programs: one OpenAPI 3.1 document, which every
// role serves at /openapi.yaml.
//
// The document is written by hand, for people to read, except its last part: `make generate` writes the
// schemas of columns and codes from the tables of package events.
//
// # What holds it to the code
//
// The tests of this package compare the document with the code: the registered routes, and the error codes
// in the sources. events/internal/gen compares the generated part. Package openapitest compares the
// document with real answers: its client fails a test on any answer, header or member that the document
// does not describe. For that reason the schemas of our answers are closed; the document tells clients
// that later versions add members.
package openapi

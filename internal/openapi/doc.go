// Package openapi describes the HTTP API for machines, in one OpenAPI 3.1
// document that every role serves at /openapi.yaml.
//
// The document is written by hand, for people to read, but for its last part:
// the schemas of columns and codes are generated from the tables of package
// events by `make generate`.
//
// # What keeps it true
//
// The tests of this package compare it with the code: the routes that are
// registered, the codes of errors that the sources name, the columns. Package
// openapitest compares it with what is really said: its client fails a test on
// any answer, header or member that the document does not describe. The schemas
// of our answers are closed for that reason; clients are told that members may
// be added.
package openapi

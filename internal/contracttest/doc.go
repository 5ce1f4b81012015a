// Package contracttest tests what licenseimport promises to clients, subscribers and operators.
//
// # What it proves
//
// The tests build the program once and run it on free ports and temporary directories. They use HTTP, NATS
// and the command line only, and import no package of the program. Every answer is validated against
// openapi.yaml, and every message of the streams against its JSON Schema.
//
//   - Samples: each file of internal/csvfile/testdata/files is imported; FILE.csv.result beside it has the
//     expected result.
//   - Client: a program written against the Management API that this one is compatible with.
//   - Docs: the calls in docs/api.md, executed as they stand there, give the answers that stand there.
//   - Each other file tests one part of the promises: access, upload, rows, results, lists, events, command line.
//
// # How to run it
//
//	go test ./internal/contracttest
//	go test ./internal/contracttest -run Samples
//
// # When a test fails
//
// Either the change breaks a promise: fix the change. Or the promise itself was extended: then update the
// document that the failure names (openapi.yaml, events/schema, docs/api.md) in the same commit. A published
// field, code or route is never removed. For new or changed samples run with -update, and review the diff.
package contracttest

// Package contracttest holds the tests of what licenseimport promises, made from outside.
//
// The program is built once and run as anybody runs it, on free ports and temporary folders. The tests speak HTTP, NATS and the
// command line with it, and know nothing of its insides. Every answer is held against openapi.yaml on the way, and every message
// of the streams against its JSON Schema.
//
//   - Samples: each file of internal/csvfile/testdata/files goes the whole way; beside it stands FILE.csv.result with what becomes of it.
//   - Client: a program written against the Management API that this one is compatible with.
//   - Docs: the calls of docs/api.md are made as they stand there, and answer what stands there.
//   - The rest walks through the promises, one file for each part: access, upload, rows, results, lists, events, command line.
//
// To rewrite the expectations of the samples, run the tests with the argument -update, and read the diff.
package contracttest

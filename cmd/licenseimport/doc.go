// Command licenseimport imports license keys from CSV files: fast, each row
// exactly once, with an answer for every row.
//
// # One program, several modes
//
// roles.go holds the table of roles: nats, projector, processor, ingest. The
// command serve runs every row of it in one process; nats, ingest, processor
// and projector run one row each; import without --server runs all of them for
// as long as one import takes, without opening a port. There is no second
// wiring. node.go starts the roles of one process in the table's order and stops
// them in the reverse order.
//
// # Reading the source
//
// main.go is the entry and cli.go the list of commands; each command has its own file.
// target.go decides where a command's work is done: at the server named by --server,
// at the one that holds the data directory, or in this process. client.go uses the
// HTTP API in all three cases.
//
// # Promises
//
//	exit status 0   the command succeeded
//	exit status 1   it did not: the last line on standard error says why and what to do
//	exit status 2   rows were rejected; from import --strict only
//
// Results go to standard output, everything else to standard error. The first SIGINT
// or SIGTERM stops in order, the second one at once.
package main

// Command licenseimport imports license keys from CSV files: fast, each row
// exactly once, with an answer for every row.
//
// # One program, several modes
//
// roles.go holds the table of roles: nats, projector, processor, ingest. The
// command serve runs every row of it in one process; nats, ingest, processor
// and projector run one row each; import without --server runs all of them for
// as long as one import takes, without opening a port. There is no second
// wiring. node.go starts the rows of one process in the table's order and stops
// them in the opposite one.
//
// # Reading the source
//
// main.go is the entry and cli.go the list of commands. Each command stands in
// a file of its own. target.go finds out where a command's work is to be done:
// at a server that was named, at the one that holds the data directory, or in this
// process. client.go speaks HTTP to it and is the same in all three cases.
//
// # Promises
//
// Exit status 0 means that what was asked for is done; 1 that it is not, and
// then the last line on standard error says why and what to do; 2, only from
// import --strict, that rows were rejected. Results go to standard output,
// startAll else to standard error. A first SIGINT or SIGTERM stops in order,
// a second one at once.
package main

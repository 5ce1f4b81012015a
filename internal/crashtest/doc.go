// Package crashtest shows from outside that no row is lost or doubled: its tests
// build the program, run it as processes, and kill them with SIGKILL, or stop them
// for longer than they may be silent, while clients upload.
//
// What a client saw and what the stream holds in the end is given to [Check], a
// pure function. Its words are those of Jepsen's set test:
//
//   - acknowledged: rows of uploads that were answered 200, which is a promise
//   - recovered: rows of uploads without an answer that are whole all the same
//   - cut off: rows of uploads without an answer of which nothing became
//   - lost: rows of a promise that have no outcome
//   - duplicated: rows with two outcomes, licenses imported twice, uploads that
//     became two imports
//   - unexpected: whatever nobody asked for, such as an outcome of an upload that
//     was cut off, or one that does not follow from the row
//
// The last three must be empty. The tests of Check itself feed it histories with
// each of these faults: a checker that finds nothing is worth something only if it
// can find.
//
// And there is a negative control: programs that break one promise each on purpose
// (internal/failpoint) go through a scenario that the promise is for, and Check has to
// report what is lost or duplicated then.
//
// TestClusterInTrouble does the same on three NATS nodes in the test's own process: leaders are
// killed, a follower loses its disk, a node is cut off the network.
//
// TestChaos is the driver with a random killer: CHAOS_SECONDS long, drawn from
// CHAOS_SEED.
//
// Check also keeps count, by rules of its own, of what each import made. So the
// answers of the API are compared with a second reckoning, not with themselves.
//
// What these tests do not show: a power cut. A killed process leaves what it has
// written to the kernel; that it is on the disk as well is the matter of the
// embedded server's SyncAlways.
//
// The tests run on Unix only: the signals are.
package crashtest

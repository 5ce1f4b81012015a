// Package crashtest shows from outside that no row is lost or doubled.
//
// # What it proves
//
// Its tests build the program, run it as processes, and kill them with SIGKILL, or pause them for longer
// than a lease lasts, while clients upload. What the clients saw and what the streams hold in the end goes
// to [Check], a pure function. Its terms are those of Jepsen's set test:
//
//   - acknowledged: rows of uploads that were answered 200, which is a promise
//   - recovered: rows of imports that were sealed although their upload got no answer
//   - cut off: rows of uploads without an answer and without a sealed import
//   - lost: acknowledged or sealed rows without an outcome
//   - duplicated: rows with two outcomes, licenses imported twice, uploads that became two imports
//   - unexpected: everything else that no upload explains, such as an outcome of an upload that was cut
//     off, or an outcome that does not follow from its row
//
// For imports that update, and for undos, cancels and retries, [CheckChanges] replays each license's and each
// feature's story and each import's facts against a sequential model: every event has to follow from the license
// as it was.
//
// The last three must be empty. Check also counts, by its own model of the rules, what each import made; the
// API's results are compared with that.
//
// The checker itself is tested twice. Unit tests feed it histories with each kind of fault. And the negative
// control (TestFaultsAreFound) runs builds that break one promise each (internal/failpoint) through a
// scenario for that promise: Check must report the loss or the duplicate.
//
// A killed process leaves its writes to the kernel. What survives a power cut is the subject of TestPowerCut,
// with the build tag powercut: the data directory is on a file system that forgets what was not synced
// (package forgetfs), or that retains an unlucky choice of it. What was acknowledged before the cut has to be
// there. Builds that seal uploads before their rows are synced, or let a purge replace synced files by others,
// have to be found.
//
// # How to run it
//
//	go test ./internal/crashtest
//	make chaos          TestChaos and TestChangesInChaos for CHAOS_SECONDS: kills at random, drawn from CHAOS_SEED; and
//	                    the negative controls. TestChaos begins with an empty system every 20 minutes
//	make chaos-cluster  TestChaos and TestChangesInChaos on three NATS nodes (CHAOS_NODES=3): nodes, too, are killed,
//	                    wiped and cut off at random, one at a time
//	make soak           TestGenerated with SOAK_ROWS rows, in one process and in several, and TestFeaturesAndKills
//	                    with four rows for each of FEATURE_LICENSES licenses
//	make powercut       TestPowerCut with POWERCUTS cuts, drawn from POWERCUT_SEED, and its negative control; as root,
//	                    on Linux
//	make cluster        TestClusterInTrouble, TestChangesInAClusterInTrouble: three NATS nodes; leaders are killed, a disk
//	                    is lost, a node is cut off
//
// The tests need Unix, for its signals.
//
// # When a test fails
//
// The message lists faults by row, upload and import. Everything under lost, duplicated or unexpected is a
// bug in the program or the checker, never bad luck: keep the output, which has the seed and the processes'
// logs. Then run the test with the same seed, and follow the row named first through both streams. "waited in
// vain" alone may come from a busy machine: run that test alone.
package crashtest

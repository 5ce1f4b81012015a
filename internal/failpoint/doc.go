// Package failpoint breaks single promises of the program on purpose. The crash tests use it as a
// negative control: they must report the violation.
//
// A regular build has none of it: the failpoints are constants, false, and the compiler drops the
// code behind them. A build with the tag faulty reads LICENSEIMPORT_FAULTS, a list of names separated
// by commas:
//
//	fence             a batch is stored although another process has written a fact of the job
//	first             a license is imported or changed although its subject has another last message
//	position          a batch is stored without the job's position after it
//	acknowledgement   rows are sent without waiting for their acknowledgement
//	changed           an undo takes back what another import has changed since
//	key               an Idempotency-Key that was used before counts as new
//	retry             a retry takes each rejected row twice
//	barrier           an upload is sealed before its rows are synced
//	rewrites          a purge replaces rows that are synced by a file that is not
//
// In that build only, this package reads the environment; otherwise cmd alone does.
package failpoint

// Package failpoint breaks single promises of the program, on purpose, so that the crash
// tests can show that they would notice.
//
// A usual build has none of it: there the faults are constants, false, and the compiler
// drops what stands behind them. Built with the tag faulty the program reads from
// LICENSEIMPORT_FAULTS which promises to break, separated by commas:
//
//   - fence: a batch is stored also when somebody else wrote the job's facts meanwhile
//   - first: a license is imported also where its subject has a message already
//   - position: a batch is stored without how far the job is after it
//   - acknowledgement: rows are sent off, and nobody waits until they are stored
//
// This is the one place beside cmd that reads the environment, in that build only.
package failpoint

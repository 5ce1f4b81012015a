// Package processor decides what becomes of each row of a sealed import, and
// appends the outcomes to the stream of facts.
//
// # Deciding is pure
//
// decide.go judges a row by the table of columns, the product catalogue and the
// manager's products, and makes its outcome once it is known which licenses
// exist. It knows neither time nor stream. job.go says, as pure functions of the
// job's last facts, where the work goes on and how it ends.
//
// # The processor holds no state
//
// A job's position is its last ImportProgressed. processor.go claims a sealed job,
// reads its rows from there and appends batch after batch: the outcomes of up to
// 999 rows and, as the message that commits them, the new position. The commit
// expects that the job's last fact is still the one that this processor knows.
// So output and position are stored together or not at all, and whatever came
// in between (another processor that took the job over, a cancel) refuses the
// batch whole. Any number of processors may work on any jobs, and each may be
// killed at any time.
//
// # A license is imported once
//
// The stream decides it: a LicenseImported is appended at the license's own
// subject, expecting that nothing is there. A batch with a license that exists is refused
// whole; it is then looked up and decided again. So that this stays rare, licenses are looked up
// beforehand where one may exist: those that an earlier row of the job named (repeats.go), and all of
// them while other jobs' licenses keep turning up (care.go). What exists, or is made by an earlier row,
// becomes LicenseExisted.
package processor

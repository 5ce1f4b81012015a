// Package processor decides what becomes of each row of a sealed import and appends the outcomes to
// the stream LICENSES: LicenseImported, LicenseUpdated, LicenseExisted or RowRejected, or the like of the import's
// kind.
//
// # The way of a row
//
//	ROWS ─▶ read ─▶ decide ─▶ look up ─▶ stage ─▶ commit ─▶ LICENSES
//
//	owner.go          whose job a lease is for: one manager's jobs leave places for the others'
//	processor.go      leases a sealed job, loads its position, works until the job has ended
//	job.go            pure: the job's state, of package importjob, and the policy that follows from it
//	pipeline.go       drives the steps below, stages one batch while another is committed
//	read.go           reads the job's rows after its position, in batches of at most 999
//	decide.go         pure: row and policy → verdict; verdict and what exists → outcome
//	decider.go        the table of deciders: what each kind of import asks of the files above and below
//	decide_license.go, decide_feature.go, decide_customer.go    pure: the rules of each kind
//	update.go         pure: a row whose license exists and is to be updated
//	aggregate.go      what is known of what a row is about: its last event
//	resolve.go        finds the licenses that features belong to
//	warnings.go       pure: the table of warnings about valid rows
//	lookup.go         asks the stream what exists
//	lookup_policy.go  what is worth a look-up, and what a refused batch changes
//	conflict_pace.go  how long a job waits whose batches are refused again and again
//	stage.go          sends a batch's outcomes to the server
//	preview.go        what earlier rows of a dry run's file would have made
//	priority.go       delays batches of large imports while a small one is in progress
//	torn_batch.go     finds outcomes of a batch that the server stored in part
//	undo.go           pure: an import's events, and what followed them → what an undo does
//	undo_kinds.go     pure: the outcomes of an undo, by kind
//	undo_run.go       looks up what followed an import's events, decides, stages and commits
//	undo_read.go      reads an import's events from LICENSES, in batches
//	undo_pace.go      how large an undo's batches are, and which are looked up; after a conflict smaller ones
//	suspicious.go     keys, e-mail addresses and the like that are probably not what was meant
//	catalogue.go      the products that licenses may be imported for
//
// # Where a rule about a row stands
//
//	a value's form (e-mail, date, number, length, choice)   events/column_types.go
//	which columns there are, which are required             events/columns.go
//	the codes and sentences of errors and warnings          events/error_codes.go, events/warning_codes.go
//	product unknown, no access                              decide.go
//	columns in conflict, license or feature unknown         decide_license.go, resolve.go, decide_feature.go
//	what a row changes of a license, default values         events/change.go
//	warnings                                                warnings.go
//	CSV that cannot be read                                 internal/csvfile, during the upload
//
// testdata/*.txtar has one scenario for each: rows, policy, expected outcomes.
//
// # Promises
//
// A row has at most one outcome. Each row of an import that succeeded has one, except the valid
// rows of a dry run.
//
// The last event at a license's subject tells what the license is. Without one, or after a LicenseRevoked, the
// license does not exist. LicenseImported and LicenseUpdated are appended at that subject and expect that its
// last event is still the one that was compared with, so the stream refuses the second of two writers. A
// refused batch is stored nowhere; the processor looks its licenses up and decides again. Look-ups
// before staging only make refusals rare: no event of a license depends on them being complete. An
// import that keeps what exists looks up only licenses that may exist; one that updates, and a dry run,
// look up all.
//
// A LicenseExisted is no event of its license and expects nothing: the license was as it says when the
// row was compared, or after an earlier row of the file.
//
// Rows of one license are decided one after the other. A batch writes a subject once, so a second event
// of a license waits until the first is stored, and begins a new batch.
//
// A dry run stores the rejected rows and a LicenseUpdateProposed for each row that would update, and
// counts what the import would do. It decides as the import does, each row after the ones before it. The
// validation of an all_or_nothing import that updates does so, too: whether a row conflicts depends on
// the license. Its second phase rejects nothing. A row that conflicts then, because another import has
// changed the license, leaves the license as it is: LicenseExisted with the columns that differ.
//
// The processor has no state that must survive. A job's position is its last ImportProgressed. One
// atomic batch holds the outcomes of up to 999 rows and, as its last message, the new position. The
// commit expects that the job's last fact is the one this processor has read. So outcomes and
// position are stored together, and a batch is refused when another process has appended a fact of
// the job meanwhile: a cancel, or a processor that took the lease over. Any number of processors
// may run, and each may be killed at any time: the next one continues at the position. What a
// killed processor had staged is not in the stream; the server drops it after 10 s.
//
// ROWS may hold a row twice, where it takes fast batches. The reader takes row n+1 after row n and ignores what
// it has seen. A row that is missing between others ends the import as rows_missing.
//
// # Kinds
//
// An import of licenses, features or customers is one pipeline. What differs is one row of the table of deciders.
// Where this page speaks of a license, the other kinds do the same with what their rows are about, but:
//
//	features    A row belongs to a license, which is looked up first: by the key alone it may be in any product.
//	            The outcome names the license by the sequence of its LicenseImported. A license that is made again
//	            has no features. No batch can expect the last event at two subjects, so a license may be revoked
//	            between its look-up and the commit: the row then counts as before the revocation, which takes the
//	            features along. The second phase of an all_or_nothing import does the same on purpose.
//	customers   A row's outcome says what the row says, and expects nothing: imports of licenses make customers,
//	            too, so only the order of the stream tells which row made one. A subject may be written any number
//	            of times in a batch.
//
// # Undo
//
// An undo is a job like an import: an UndoStarted is leased as an ImportSealed is. What it reads
// are the events that the import appended at licenses.> (or features.>), between its seal and its
// end. One consumer follows that part of the stream, so an undo needs neither the rows nor the
// views, and its memory does not grow with the import. Each batch looks up the last events of its
// licenses, decides by the rule of chains (undo.go), and appends its outcomes and the
// UndoProgressed together, under the same fence as rows. The position is the sequence in LICENSES.
//
// Each outcome, LicenseKept too, expects the license's last event that it was decided with. So it is what one
// undo alone would have decided at its place of the stream, whatever other imports and undos do meanwhile. A
// batch that is refused is looked up and decided again. If that happens again at the same place, the batches
// get smaller, down to one event.
//
// # Torn batches
//
// A batch is torn if the stream holds its first messages and not the last, the position. The next
// processor reads such outcomes and does not decide their rows again (torn_batch.go; findStored of an
// undo), so the promises hold.
//
//	                                       torn batch possible?
//	processor or NATS server killed        no: a server that starts completes the batch from its
//	                                       staged copy, which is on the disk before the commit
//	                                       (nats-server 2.15; ADR 51)
//	batch refused, time-out, cancel        no: nothing is copied to the stream
//	stream with replicas (R3)              no: each replica applies the batch as a whole
//	R1, disk full during the commit        yes, if the disk is still full at the next start
//	R1, power loss during the commit       yes, if the disk loses the staged copy; on a server
//	                                       without SyncAlways also after the commit
//	R1, stream file damaged or cut         yes: the staged copy of a committed batch is deleted
//
// # Caveats
//
// Rows are decided with the catalogue as it was when their phase began. A product that is added or
// removed meanwhile counts from the next phase on; earlier only if a batch is refused or another
// processor continues the job.
//
// An event that this version cannot read stops its job, and so does a fact that cannot follow those
// before it: [Processor.Ready] fails, and the lease is not acknowledged. Nothing is skipped. A
// version that can read the event continues the job.
package processor

// Package importjob is the state machine of one import: which phase an import is in, which event
// may come next, what may be done to it, and what a processor does next. It is pure: it knows no
// stream, no HTTP and no clock. It imports the standard library and package events.
//
// # One table
//
// transitions (transitions.go) lists, for each phase and event, the phase that follows. What it
// does not list cannot be: [Phase.After] and [State.Apply] return a [*TransitionError] that names
// the import, the phase and the event. There is no default. An event that a newer program wrote, or
// a history that a bug or a damaged store produced, stops its reader instead of being misread. The
// diagram in ARCHITECTURE.md is generated from the table.
//
// # Who uses it
//
//   - ingest: [State.Seal], [State.Abort], [State.Cancel], [State.Undo], [State.CanRetry], [State.KeyState],
//     [State.Discarded]. A refusal is a [*RefusedError]; [RefusedError.Problem] has the code and the sentence of its answer.
//   - processor: [State.Next], [State.Commit], [State.RowsMissing], [State.UndoRange], [State.CommitUndo].
//   - projector: [Phase.After] for each event of an import that has not ended, and [FailureOf].
//     [State.CanUndo] tells what an undo would be answered. After an end it folds outcomes, since the licenses exist, and ignores the known facts.
//
// # Histories in part
//
// Ingest and processor do not read the whole history of an import. They read a few facts by subject
// and fold them in the order of their sequences:
//
//	ingest      ImportStarted, ImportSealed, the last fact, and those at StateSubjects
//	processor   ImportStarted, ImportSealed, the last fact, and those at StateSubjectsWithPositions
//
// [StateSubjects] tells from the last fact which others are needed: for an import that was never undone none, else
// the ImportFinished and the UndoStarted. [StateSubjectsWithPositions] adds the last ImportProgressed and
// UndoProgressed.
//
// [State] is made for that: it holds only what these facts tell, and the table lets an import skip
// the facts in between (from Sealed to Importing, from Sealed to Finished). For every possible
// history, the facts read in part give the same phase and last fact as the whole, and the same
// answer to each question above that their reader asks. Two fields differ: an ingest, which does not read
// the positions, has no [State.Progress] and no [State.UndoProgress], which none of its questions needs.
// TestHistoriesInPart tries all histories up to a length.
//
// # How to add a phase
//
// Add rows to the table, a case in [State.Next] for what its processor does, and a command beside
// [State.Cancel] for the request. An undo is the example of one that follows an import's end. An upload that
// repeats rejected rows is a new import with another job id: it takes a field of ImportStarted and no
// phase. Then go generate ./events/importjob updates the diagram. The tests name each pair of phase and event
// type that has no decision.
package importjob

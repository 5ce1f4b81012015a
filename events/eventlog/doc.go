// Package eventlog keeps the events. It is the only package that knows NATS
// JetStream; what it offers to the others is a log with a few strong promises.
//
// # Two streams
//
// ROWS holds every row of every upload for some days, one subject for each job.
// LICENSES holds every fact for ever and is the one source of truth. Beside them
// stand three key-value buckets: managers, products, and jobs, whose revisions are
// the job ids. All settings stand in the tables of streams.go.
//
// # Appending
//
// Every append is an atomic batch, of one message or of many: all of it is
// stored or nothing. It names the last sequence that the writer knows of its
// aggregate (rows.<job>, or the facts imports.<job>.*) and is refused when
// somebody else wrote there meanwhile: [ErrWrongSequence]. So two processors, a cancel
// against a batch, a seal against an abort: one wins and the other learns it.
//
// An answer can get lost, and a refusal can be stale. So after any answer but a
// clear yes the package asks the stream's leader for the aggregate's last message
// and compares the batch id in its header: ours, then the append was stored, no
// matter what the answer was; another's, then it moved; as before, then nothing
// was stored. Rows and single facts are then tried again until the context ends.
// A batch of outcomes is not, since what exists may have changed: [ErrConflict]
// asks the caller to decide again. Only when the context ends before the leader
// answers is the outcome unknown; the error is then neither of the two, and whoever
// goes on has to read [Log.LastFact] or [Log.LastRow] first.
//
// An attempt whose answer was lost can still be on its way. It then meets the
// expectation of the attempt that came after it, or the other way round; never are
// both stored.
//
// # Reading
//
// [Log.Follow] and [Log.Rows] deliver in stream order without gap or repetition,
// over reconnects, restarts and leader changes: they notice a gap by the
// consumer's own count and start again behind the last message that they gave out.
// [Log.LastFact], [Log.Fact], [Log.LastRow], [Log.MessageAt] and [Bucket.Get] are
// answered by the stream's leader, so they see every acknowledged write.
// [Log.Lookup] may be answered by a replica that is behind: a subject that it
// misses may exist, which the expectation of [Batch.Add] then catches.
//
// [Log.LeaseJobs] hands out sealed jobs, at least once each, to any number of
// processes.
//
// # Durability
//
// The embedded server acknowledges after its fsync (SyncAlways), one for each
// batch. On a cluster the promise is the quorum's: use three replicas.
// Two servers on one folder would both acknowledge and lose messages, so
// [StartServer] locks the folder and [LockOwner] says who has it.
//
// # Looking and copying
//
// [Attach] connects without creating anything, [Log.Health] says how servers and
// streams are. [Log.Snapshot] copies a stream as it was at one moment between two
// batches, and a [Restorer] makes it anew with the same sequences and times.
//
// # Time-outs
//
// A single request gets five seconds (Config.Timeout). Reads are sent several times
// within them, for when a leader is missing; appends try until the context ends.
package eventlog

// Package eventlog stores the events. It is the only package that knows NATS JetStream; the others
// see a log with a few strong promises.
//
// # Streams
//
//	ROWS        every row of every upload, for some days    rows.<job>
//	LICENSES    every fact, for ever: the source of truth   licenses.>, features.>, customers.>, imports.>, outcomes.>, operations.>
//	KV buckets  managers, products, mappings, jobs          a job id is a revision of the bucket jobs
//	            sessions, last_used                         volatile.go: nothing depends on them
//
// All settings are in the tables of streams.go. [Open] creates the streams on a server where nothing
// indicates that there ever were any, and refuses a stream with settings that break a promise.
// [Attach] connects and creates nothing.
//
// # Loss
//
// Every stream carries marks in its metadata: the log's identity and the names of all its streams.
// The embedded server's directory has the file streams.json beside the server's own files: when each
// stream was made and how far it went. A caller adds what views say, as a [Claim]. loss.go has the
// decision from all of this as a table: if anything that was stored is missing, nothing is created
// or deleted and the error is a [LossError].
//
// # Append
//
// Every append, but for rows on the embedded server, is one atomic batch of 1 to [MaxBatch] messages: the stream
// stores all of it or nothing. An append names the last sequence that its writer knows of the aggregate
// (rows.<job>, or the facts imports.<job>.*). The stream refuses it with [ErrWrongSequence] when another writer
// has appended since. So of two processors, of a cancel and a batch, of a seal and an abort, one wins and the
// other gets an error.
//
// A response can be lost, and a refusal can be stale. After any response but a clear success the
// package asks the stream's leader for the aggregate's last message and compares its batch id. If
// that is another one, it asks for the last message at the append's own subject, too: a cancelled
// import may have been ended by a processor since.
//
//	the leader's last message                        result
//	has this append's id                             stored, whatever the response was
//	has another id, the subject's last has this one  stored; another writer appended after it
//	has another id, the subject's last, too          [ErrWrongSequence]: another writer appended
//	is the expected one                              nothing is stored
//
// In the last case rows and single facts are sent again until the context ends. A [Batch] of
// outcomes is not, because the licenses that exist may have changed: [ErrConflict] asks the caller
// to decide again. When the context ends before the leader answers, the result is unknown. The
// error is then neither of the two, and the caller has to read [Log.LastFact] or [Log.LastRow]
// before it goes on.
//
// A message with this append's id proves the append only if it is its batch's last message; a
// server that does not sync may hold the beginning of a batch after a power cut.
//
// A request whose response was lost may still be in flight. It and the retry expect the same
// sequence, so the stream never stores both.
//
// Rows on the embedded server are not atomic batches but fast ones: the server stores them message by
// message, acknowledges what it has in memory, and writes its files a moment later (persist mode async).
// [Log.SyncRows] makes them durable before an upload is sealed, see rowsync.go. After a doubtful response
// AppendRows continues behind the last row that the leader has. Messages of the first attempt may arrive
// later, so a row can be stored twice: a reader takes row n+1 after row n and ignores the repetition. Which
// kind ROWS takes is a setting of the stream: a ROWS that was made before, one of an external server and one
// with replicas take atomic batches, which need no SyncRows.
//
// # Look up
//
// [Log.Lookup] reads the last message at each of many subjects, in requests of up to 1,024. A
// replica that lags may answer: a subject without a message may exist. The expectation of
// [Batch.AddAfter] catches that. [Log.LastFact], [Log.Fact], [Log.LastRow], [Log.MessageAt] and
// [Bucket.Get] are answered by the leader, so they see every acknowledged write.
//
// # Read
//
// [Log.Follow], [Log.Rows] and [Log.RejectedRows] deliver in stream order without gap or repetition, over reconnects,
// restarts and leader changes. In the process of the embedded server they read its store: a batch as a whole, and
// only when it is synced. Elsewhere they have a consumer, detect a gap by its own count and continue after
// the last message that they delivered. [Log.Lookup] and [Log.MessagesAt] make
// the same choice. [Message.Decode] is the one decoder for what they deliver.
// [Log.SubscribeHints] is earlier than the stream, but lossy.
//
// # Cluster
//
// What a stream holds is what its leader says, and only one that most replicas followed within 3 s is believed
// (leader.go): a node that is cut off answers, too, with what it had then.
//
// A fault of NATS can leave a replica without some messages of a batch. So all processes together commit one
// batch of a stream at a time (turn.go; ADR 49). A reader of all of LICENSES notices a replica that lacks
// messages and reads from another one; [Log.CompareReplicas] names it (replicas.go).
//
// # Set aside
//
// No reader skips a message that it cannot read. [Log.SetAside] appends an operator's decision that
// one such message is not to be read, at operations.set_aside.<sequence>. [Log.Follow],
// [Log.Fact], [Log.LastFact] and [Log.Lookup] then leave it out, in every process, however they
// learn of it: a follower reads all decisions when it begins, and each reader asks for new ones when
// it meets a message that it cannot read. So what is read depends on the stream alone, not on when.
// The server still counts the message: appends to its subject expect its sequence.
//
// # Leases
//
// [Log.LeaseJobs] shares the sealed jobs among any number of processes, and the places of a process
// among the jobs' owners: while one owner has more than half of them, the process looks every 200 ms
// for jobs of others among the first 512 that wait, and passes over those of the same owner. Delivery
// is at least once.
// A process that dies loses its leases after 5 s. Two processes can hold one job for a moment; the
// sequence check of their appends lets one continue. A sweep finds sealed jobs that nobody works on
// and that the consumer does not deliver any more.
//
// # Embedded server
//
// [StartServer] runs a NATS server in this process. It acknowledges after its fsync (SyncAlways), one for each
// batch; rows are the exception, see above. It locks its data directory, because two servers on one directory
// would both acknowledge and lose messages; [LockOwner] tells which process holds the lock. After a full disk
// it restarts inside the process as soon as space is free. On a cluster durability is the quorum's: use three
// replicas.
//
// With ServerConfig.TokenFile it asks every client for the token in that file, and makes one at its
// first start; connections within the process show it, too. With a certificate it takes connections
// over the network by TLS only. The comparison is the NATS server's, in constant time.
//
// # Copy
//
// [Log.Health] reports on servers and streams. [Log.Snapshot] copies a stream as it was at one
// moment between two batches. A [Restorer] creates the stream from it, with the same sequences and
// times.
//
// # Limits
//
//	what                                   limit                      set by
//	messages of an atomic batch            1,000                      server
//	batches in flight per stream           50                         server
//	age of an uncommitted batch            10 s                       server
//	size of a message                      1 MiB                      embedded server (max_payload)
//	subjects of one batched get            1,024                      server
//	request of one batched get             512 KiB                    half of max_payload
//	response of one batched get            16 MiB                     this package
//	messages that a reader has in flight   3,000; 4 MiB a request     this package
//	time of one request                    5 s                        Config.Timeout
//	attempts at a read within that time    5                          this package
//	pause between attempts                 20 ms to 1 s               this package
//	lease of a job                         5 s, renewed each second   this package
//	turn to commit a batch on a cluster    10 s                       this package
//
// Appends are attempted until their context ends.
//
// # Files
//
//	log.go, setup.go, streams.go, volatile.go     connects; creates or checks the streams; their settings
//	message.go, decode.go                         a message of a stream, and the event in it
//	batch.go, fastbatch.go, publish.go            appends: atomic batches, fast ones, how they are sent
//	errors.go, retry.go                           which errors there are, and which a later attempt may not meet
//	facts.go, rows.go, lookup.go, readat.go       reads: facts, rows, the last message at subjects, by sequence
//	cursor.go, pull.go, direct.go, damaged.go     reads in order: by a consumer, from the embedded store; gaps
//	leader.go, turn.go, replicas.go               on a cluster: see there
//	leases.go, leaseshare.go, sweep.go, consumer.go    jobs for processors: leases, fair shares, orphans
//	bucket.go, recorded.go                        key-value buckets, and those whose writes are events
//	setaside.go, alive.go, hints.go               messages set aside; signs of life of uploads; hints
//	health.go, version.go, diskspace.go, loss.go  what is wrong, and what is lost
//	snapshot.go, snapshot_rewrite.go, restore.go  copies of streams, and the way back
//	server.go, inprocess.go, token.go, lock.go    the embedded server; who may connect; one for each directory
//	record.go, restart.go                         what its directory held; the start after a full disk
//	rowmode.go, rowsync.go, rowstore.go, rowfiles.go    how it makes rows durable
//	stages.go                                     how it stages atomic batches
//	compress.go, index.go                         its files: compressed when quiet; an index for the next start
//
// # Caveats
//
//   - R1 without SyncAlways (an external server) may store a torn batch after a power cut.
//   - The snapshot of a server older than 2.15 has no definite end; Snapshot refuses it.
//   - A bucket's write is attempted once: after a timeout the key may be written.
package eventlog

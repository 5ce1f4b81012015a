// Package natstuning shortens two caches inside an embedded NATS server, has it sync what it
// rewrites ([SyncRewrites]), stages its batches in one file ([Stage]), orders its subjects in memory ([Ordering]),
// extends its indexes ([ExtendIndex]), and reads, fills and compresses its streams without its protocol ([Stream]). It
// is the only package that uses private fields and functions of the server.
//
// JetStream's file store caches each block of a stream's messages (8 MB) and an index of its
// subjects. With 30,000 rows/s in and out, the default lifetimes cost half a gigabyte:
//
//	cache            setting              default   here
//	message block    CacheExpire          10 s      0.2 s
//	subject index    SubjectStateExpire   2 min     0.5 s
//
// Both are fields of server.FileStoreConfig. No option of the server leads to them (nats-server
// issue 5740), so the package sets them by reflection, for the blocks that exist and for new ones.
//
// # Promises
//
//   - It acts on one release of nats-server only, [TestedVersion]. A test fails when go.mod requires
//     another one; then run this package's tests, and set the constant.
//   - It takes the server's own locks, in the server's order, and releases them by defer.
//   - It never stops the server. Where a [Tuner] cannot act it logs why, once, and the server needs the
//     memory that it needs by default. SyncRewrites returns an error, and its caller must not go on.
//     OpenStream returns an error, and its caller uses the protocol.
package natstuning

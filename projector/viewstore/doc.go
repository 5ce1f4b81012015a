// Package viewstore is a storage engine for views that are folded from one ordered stream, on one
// bbolt file. It knows how views are laid out, compressed, indexed, verified and written. It does
// not know what they mean: the caller passes the table of views in as a [Schema], and gives every
// entry a sequence of the stream.
//
//	fold ──▶ Memtable ──▶ WriteTx ──▶ file ──▶ Reader ──▶ Postings, values
//	            │ lookups                │
//	            └──── Overlay ───────────┘   frozen Memtable over file
//
// # Writing
//
// One goroutine fills a [Memtable] in stream order. It freezes the memtable and writes it with
// [WriteTx.Commit], together with the [Position] that it leads to. While one goroutine writes, the
// other fills the next memtable: its lookups see the frozen one through the [Overlay]. One
// transaction is open at a time.
//
// Random writes are what costs: a transaction touches nearly every page of an index that has no
// order. Some measures reduce them, and reads at places all over the file.
//
//	partitions     a hash index is split by sequence; only the newest partition is written
//	ranges         a partition has eight ranges of sequences; a transaction writes the newest, mostly
//	slots          a range has 128 entries, each for many names
//	Bloom filters  lookups read only ranges that may have the name; indexes that are not filtered get
//	               filters for the partitions that are searched often (an undo)
//	resident names all names of some indexes are in memory: lookups read no file
//
// # Reading
//
// [Store.Read] reads the last commit. Sets are lazy [Postings], walked straight from the pages:
// [Intersect], [Merge] and [Without] combine them, within a [Bound]. A name is found by eight reads in each
// partition: 64 for a million sequences. [Reader.Scan] passes all of a view with columns, on several cores.
//
// # The file, byte by byte
//
// The file is a bbolt database. Numbers are unsigned, 8 bytes and big-endian unless stated; a uvarint
// is the one of encoding/binary. Each view is a root bucket with its name of the schema, beside
// the bucket meta:
//
//	bucket  key         value
//	meta    "position"  JSON: format, created, seq, time, id (see [Position])
//	meta    "sums"      8 bytes for each view, in the order of the schema: its checksum;
//	                    8 bytes: the sum of the entry "position"
//	<view>  …           …
//
// The position is written in the transaction of the entries that it stands for. A view's checksum is
// the sum, modulo 2^64, over its entries:
//
//	k   = CRC-32C(key)
//	sum = k<<32 + CRC-32C(value), where the value's CRC starts from k + len(key)
//
// [Entries]: keys and values as the caller gives them.
//
// [Counters]: the key is the counter's name, the value its number.
//
// [HashIndex]: one entry for each slot of each range that holds a name.
//
//	key    4 bytes  partition = sequence >> 17
//	       2 bytes  (sequence >> 14 & 7) << 7 | CRC-32C(hashed part of the name) & 127, big-endian
//	value  for each name, in the order in which they were inserted:
//	       uvarint  length of the name
//	       n bytes  name
//	       3 bytes  sequence & (1<<17 - 1), big-endian
//
// A removed name leaves no trace. A slot without names has no entry.
//
// [Chunks]: one entry for each 64 neighbouring numbers n of a set that have a value.
//
//	key    8 bytes  group; missing if the view has a single set
//	       8 bytes  n >> 6
//	value  8 bytes  bitmap: bit n & 63 is set if n has a value
//	       S2 block of: for each bit that is set, in ascending order:
//	       uvarint  length of the value
//	       m bytes  value
//
// In a view with columns a value is a text for each column, each with a NUL behind it, and the S2 block has
//
//	4 bytes  length of the column, for each column
//	         for each column, for each bit that is set, in ascending order:
//	n bytes  text
//	1 byte   NUL
//
// A decompressed chunk has at most 256 MiB, so that 4 MiB is a safe limit for a value.
//
// [PostingLists]: one entry for each 4096 neighbouring numbers n of which some are in the list.
//
//	key    name, NUL
//	       8 bytes  n >> 12
//	value  for each member, in ascending order:
//	       2 bytes  n & 4095, big-endian
//
// A block without members has no entry.
//
// # Promises
//
//   - An entry's bytes depend on the operations in stream order, not on how they were divided into
//     transactions. [Store.Digest] is equal for equal views.
//   - [Open] reads all views and finds a truncated file, an overwritten page, a page write that was
//     lost and a single flipped bit in any entry. It verifies the file read-only, and first that the
//     pages form a tree, since bbolt follows references unchecked. The free list is not stored but
//     follows from the tree. [Verify] does so in the background, before an Open.
//   - Damage that is met later fails the Store ([Store.Damaged]). Each call returns an [ErrDamaged] from
//     then on, also where bbolt hangs.
//   - A commit is complete or absent. A process crash loses nothing that was committed.
//
// # Caveats
//
//   - Commits are not synced. After a power cut the file may be damaged; Open detects that, and the
//     views must be folded again. [Store.Sync] makes the file durable.
//   - The values of chunks are never removed. To remove a name or a member writes its slot or block
//     again, which costs what adding one costs.
//   - Only one process can have the file open.
//   - A [Reader] that stays open keeps the file from reusing pages. The file never gets smaller by itself:
//     [Store.CopyTo] writes a smaller one, and [Store.Retire] closes the old one behind its readers.
//   - The two goroutines of the writing side share a Store without locks: one calls [Store.Begin],
//     [Store.Position], [Store.SetPosition], [Store.Reload] and fills memtables; the other one calls
//     [WriteTx.Commit] and nothing else. Read and Digest may be called by any.
package viewstore

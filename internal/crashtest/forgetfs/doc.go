// Package forgetfs is a file system in memory that forgets at a power cut what was not synced. Tests
// mount it by FUSE, which needs Linux, root and /dev/fuse; no block device is needed. (Neither
// dm-flakey nor dm-log-writes is on the machines that CI has.)
//
// # What survives a cut
//
// [FS.Cut] chooses the state that a disk could have, from strict to lucky:
//
//	                     [Nothing]                       [Some]
//	content of a file    as at its last fsync            each page of 4 KiB since then, or not; any length
//	names in a directory as at the last fsync of the     further changes of names up to a random one, in order
//	                     directory
//
// The fsync of a file saves the names on its path, too, as ext4, XFS and btrfs do. (POSIX does not ask for it.
// The NATS server counts on it: it does not sync the directory of a new block.)
//
// A rename of a file and what the file holds are independent: with Some the rename can survive while the
// content is lost, as on XFS, which a program has to expect. After a cut every operation fails with EIO, until the
// file system is mounted again.
//
// # What it omits
//
// Times, owners, extended attributes, special files. A write is atomic for a page. A file that is written
// over mmap would not be seen; licenseimport writes none.
package forgetfs

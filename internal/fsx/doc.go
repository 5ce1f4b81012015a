// Package fsx has what the os package lacks for durable files: a directory's fsync, a rename that
// survives a power cut, and the free space of a disk.
//
// A rename changes a directory. The change is durable only after an fsync of that directory; fsync
// of the file does not cover it. github.com/google/renameio writes a file atomically, but it leaves
// the directory's fsync out.
package fsx

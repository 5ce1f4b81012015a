//go:build !linux

package viewstore

import bolt "go.etcd.io/bbolt"

// DropResident does nothing on this system.
func (w *WriteTx) DropResident() {}

func dropResident(*bolt.DB, int64) {}

// readAhead does nothing on this system.
func readAhead(string, int64) {}

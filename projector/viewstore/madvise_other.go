//go:build !linux

package viewstore

// DropResident does nothing on this system.
func (w *WriteTx) DropResident() {}

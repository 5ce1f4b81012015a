//go:build !faulty

package failpoint

// The failpoints: none is active.
const (
	Fence           = false
	First           = false
	Position        = false
	Acknowledgement = false
)

//go:build !faulty

package failpoint

// The promises that are broken: none.
const (
	Fence           = false
	First           = false
	Position        = false
	Acknowledgement = false
)

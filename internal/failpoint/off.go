//go:build !faulty

package failpoint

// Variable is empty: no environment variable activates a failpoint.
const Variable = ""

// The failpoints: none is active.
const (
	Fence           = false
	First           = false
	Position        = false
	Acknowledgement = false
	Changed         = false
	Key             = false
	Retry           = false
	Barrier         = false
	Rewrites        = false
	Stage           = false
)

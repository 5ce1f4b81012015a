//go:build faulty

package failpoint

import (
	"os"
	"slices"
	"strings"
)

// Variable is the environment variable that names the active failpoints, separated by commas.
const Variable = "LICENSEIMPORT_FAULTS"

// The failpoints: true where [Variable] names one.
var (
	Fence           = active("fence")
	First           = active("first")
	Position        = active("position")
	Acknowledgement = active("acknowledgement")
	Changed         = active("changed")
	Key             = active("key")
	Retry           = active("retry")
	Barrier         = active("barrier")
	Rewrites        = active("rewrites")
	Stage           = active("stage")
)

func active(name string) bool {
	return slices.Contains(strings.Split(os.Getenv(Variable), ","), name)
}

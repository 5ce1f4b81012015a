//go:build faulty

package failpoint

import (
	"os"
	"slices"
	"strings"
)

// The failpoints: true where LICENSEIMPORT_FAULTS names one.
var (
	Fence           = active("fence")
	First           = active("first")
	Position        = active("position")
	Acknowledgement = active("acknowledgement")
)

func active(name string) bool {
	return slices.Contains(strings.Split(os.Getenv("LICENSEIMPORT_FAULTS"), ","), name)
}

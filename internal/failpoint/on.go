//go:build faulty

package failpoint

import (
	"os"
	"slices"
	"strings"
)

// The promises that are broken.
var (
	Fence           = broken("fence")
	First           = broken("first")
	Position        = broken("position")
	Acknowledgement = broken("acknowledgement")
)

func broken(promise string) bool {
	return slices.Contains(strings.Split(os.Getenv("LICENSEIMPORT_FAULTS"), ","), promise)
}

//go:build unix

package crashtest

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"licenseimport/internal/buildtest"
)

// program is the path of the binary under test.
var program string

// parallel is how many tests run at a time: most of a test's time goes by until the
// lease of a killed processor expires.
const parallel = "6"

// TestMain builds the program once. The test binary itself is the other service
// of the subscriber's test when it is started with that variable.
func TestMain(m *testing.M) {
	if url := os.Getenv(subscriberURL); url != "" {
		if err := subscribe(url, os.Getenv(subscriberFile)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	built, remove, err := buildtest.Build()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer remove()
	program = built
	defer func() {
		for _, remove := range removals {
			remove()
		}
	}()
	if err := flag.Set("test.parallel", parallel); err != nil { // what the command line says counts more
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

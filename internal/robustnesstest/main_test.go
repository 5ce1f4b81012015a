package robustnesstest

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"licenseimport/internal/buildtest"
)

// program is the built program.
var program string

// long asks for more of everything.
var long = os.Getenv("LICENSEIMPORT_LONG") != ""

// scaled is how much of something a test takes.
func scaled(short, longer int) int {
	if long {
		return longer
	}
	return short
}

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	built, remove, err := buildtest.Build()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer remove()
	program = built
	// Much of the time goes by in waiting for time-outs.
	if err := flag.Set("test.parallel", "4"); err != nil { // what the command line says counts more
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

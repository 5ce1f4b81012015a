package contracttest

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"licenseimport/internal/buildtest"
)

var update = flag.Bool("update", false, "rewrite the expectations of the sample files; read the diff before you commit it")

// program is the built program.
var program string

func TestMain(m *testing.M) {
	flag.Parse()
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
	return m.Run()
}

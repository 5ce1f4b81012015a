package hardtest

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
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
	folder, err := os.MkdirTemp("", "hardtest")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(folder)
	program = filepath.Join(folder, "licenseimport")
	if out, err := exec.Command("go", "build", "-o", program, "licenseimport/cmd/licenseimport").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the program: %v\n%s", err, out)
		return 1
	}
	// Much of the time goes by in waiting for time-outs.
	if err := flag.Set("test.parallel", "4"); err != nil { // what the command line says counts more
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

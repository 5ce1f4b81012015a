//go:build unix

package crashtest

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// program is the path of the binary under test.
var program string

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
	dir, err := os.MkdirTemp("", "crashtest-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "licenseimport")
	if out, err := exec.Command("go", "build", "-o", program, "licenseimport/cmd/licenseimport").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the program: %v\n%s", err, out)
		return 1
	}
	// Most of a test's time goes by until the claim of a killed processor runs out.
	if err := flag.Set("test.parallel", "4"); err != nil { // what the command line says counts more
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

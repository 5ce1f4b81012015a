package crashtest

import (
	"fmt"
	"os"
	"syscall"
)

// dieWithParent has the kernel kill the process should the tests be killed.
func dieWithParent(a *syscall.SysProcAttr) { a.Pdeathsig = syscall.SIGKILL }

// systemLoad is how many threads ran or waited for a core or the disk, on average of the last minute.
func systemLoad() (average float64) {
	text, err := os.ReadFile("/proc/loadavg")
	if err == nil {
		_, err = fmt.Sscan(string(text), &average)
	}
	if err != nil {
		return 0
	}
	return average
}

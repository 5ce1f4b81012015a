package crashtest

import "syscall"

// dieWithParent has the kernel kill the process should the tests be killed.
func dieWithParent(a *syscall.SysProcAttr) { a.Pdeathsig = syscall.SIGKILL }

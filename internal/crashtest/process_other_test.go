//go:build unix && !linux

package crashtest

import "syscall"

func dieWithParent(*syscall.SysProcAttr) {}

//go:build unix && !linux

package crashtest

import "syscall"

func dieWithParent(*syscall.SysProcAttr) {}

func systemLoad() float64 { return 0 }

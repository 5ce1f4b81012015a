package main

import (
	"context"
	"net"
	"os"
	"os/exec"
	"syscall"
	"time"
)

const adminKey = "benchmark"

// figures are what one run of one side took.
type figures struct {
	wall, cpu time.Duration
	peak      int64 // bytes of resident memory
}

// start runs one role with the benchmark's key.
func start(ctx context.Context, program string, args ...string) (*exec.Cmd, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(os.Environ(), "LICENSEIMPORT_ADMIN_KEY="+adminKey, "LICENSEIMPORT_LOG_LEVEL=warn")
	cmd.Stderr = os.Stderr
	return cmd, cmd.Start()
}

// stop ends a process in order and waits for it.
func stop(cmd *exec.Cmd) error {
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	timer := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	return cmd.Wait()
}

// usage is what a process that has ended took, with the wall time measured apart.
func usage(cmd *exec.Cmd, wall time.Duration) figures {
	f := figures{wall: wall, cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	if r, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		f.peak = r.Maxrss << 10
	}
	return f
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

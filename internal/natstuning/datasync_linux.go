package natstuning

import (
	"os"

	"golang.org/x/sys/unix"
)

// syncData makes a file's content durable, without its times.
func syncData(file *os.File) error {
	for {
		if err := unix.Fdatasync(int(file.Fd())); err != unix.EINTR { //nolint:errorlint // an errno
			return err
		}
	}
}

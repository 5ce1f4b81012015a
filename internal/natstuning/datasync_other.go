//go:build !linux

package natstuning

import "os"

func syncData(file *os.File) error { return file.Sync() }

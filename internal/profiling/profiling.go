// Package profiling writes Go's profiles of a process to a directory, for "make profile":
// of the CPU, of all allocations, and of one mutex contention in mutexFraction.
package profiling

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
)

const mutexFraction = 5

// Start begins to write cpu.pprof to a directory. stop ends it and writes allocs.pprof and
// mutex.pprof. If dir is "", both do nothing.
func Start(dir string) (stop func() error, err error) {
	if dir == "" {
		return func() error { return nil }, nil
	}
	cpu, err := os.Create(filepath.Join(dir, "cpu.pprof"))
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(cpu); err != nil {
		return nil, errors.Join(err, cpu.Close())
	}
	runtime.SetMutexProfileFraction(mutexFraction)
	return func() error {
		pprof.StopCPUProfile()
		runtime.GC() // the profile of allocations ends with the last collection
		return errors.Join(cpu.Close(), write(dir, "allocs"), write(dir, "mutex"))
	}, nil
}

func write(dir, name string) error {
	f, err := os.Create(filepath.Join(dir, name+".pprof"))
	if err != nil {
		return err
	}
	return errors.Join(pprof.Lookup(name).WriteTo(f, 0), f.Close())
}

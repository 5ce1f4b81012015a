package profiling_test

import (
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"licenseimport/internal/profiling"

	"github.com/google/pprof/profile"
)

func TestProfilesCanBeRead(t *testing.T) {
	dir := t.TempDir()
	stop, err := profiling.Start(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{"cpu.pprof": "cpu", "allocs.pprof": "alloc_space", "mutex.pprof": "delay"} {
		f, err := os.Open(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		p, err := profile.Parse(f)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		found := false
		for _, kind := range p.SampleType {
			found = found || kind.Type == want
		}
		if !found {
			t.Errorf("%s holds %v, not %s", file, p.SampleType, want)
		}
	}
}

// TestAllocationsSinceTheLastCollection: they are in the profile, too. Without collections
// Go's own count would stay at what was allocated before the first.
func TestAllocationsSinceTheLastCollection(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	dir := t.TempDir()
	stop, err := profiling.Start(dir)
	if err != nil {
		t.Fatal(err)
	}
	before := make([]byte, 64<<20) // with nothing before, all would be counted
	runtime.GC()
	kept := allocateMuch()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	runtime.KeepAlive([][]byte{before, kept})
	f, err := os.Open(filepath.Join(dir, "allocs.pprof"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p, err := profile.Parse(f)
	if err != nil {
		t.Fatal(err)
	}
	for _, sample := range p.Sample {
		for _, line := range sample.Location[0].Line {
			if strings.HasSuffix(line.Function.Name, "allocateMuch") && slices.Max(sample.Value) >= int64(len(kept)) {
				return
			}
		}
	}
	t.Error("the profile does not know of it")
}

//go:noinline
func allocateMuch() []byte { return make([]byte, 64<<20) }

func TestNoFolderNoProfile(t *testing.T) {
	stop, err := profiling.Start("")
	if err != nil {
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestFolderThatIsNotThere(t *testing.T) {
	if _, err := profiling.Start(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("no error")
	}
}

package profiling_test

import (
	"os"
	"path/filepath"
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

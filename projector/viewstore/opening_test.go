package viewstore

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestOpeningInTheBackground: a file that was found sound is open, and one that was written or replaced since is
// verified again.
func TestOpeningInTheBackground(t *testing.T) {
	for name, c := range map[string]struct {
		change    func(h *harness)
		unchanged bool
		want      error
	}{
		"the same":            {func(*harness) {}, true, nil},
		"damaged since":       {func(h *harness) { h.damage() }, false, ErrDamaged},
		"written since":       {func(h *harness) { h.touch() }, false, nil},
		"replaced by another": {func(h *harness) { h.replace() }, false, nil},
		"removed":             {func(h *harness) { check(h, os.Remove(h.path)) }, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t)
			h.write(func(m *Memtable) { m.PutNew(plain, []byte("key"), []byte("value")) })
			check(t, h.Store.Close())
			o := BeginOpen(h.path, testSchema)
			<-o.done
			if o.store.Load() == nil {
				t.Fatal("a sound file is not open")
			}
			c.change(h)
			if _, opened := o.opened(); opened != c.unchanged {
				t.Errorf("unchanged: %v", opened)
			}
			s, err := o.Finish()
			if !errors.Is(err, c.want) {
				t.Fatalf("%v, want %v", err, c.want)
			}
			if err != nil { // for the harness
				check(t, os.Remove(h.path))
				s, err = Open(h.path, testSchema)
				check(t, err)
			}
			h.Store, h.overlay = s, NewOverlay(s)
		})
	}
}

// TestOpeningOfADamagedFile: what was damaged before is found.
func TestOpeningOfADamagedFile(t *testing.T) {
	h := newHarness(t)
	h.write(func(m *Memtable) { m.PutNew(plain, []byte("key"), []byte("value")) })
	check(t, h.Store.Close())
	h.damage()
	if _, err := BeginOpen(h.path, testSchema).Finish(); !errors.Is(err, ErrDamaged) {
		t.Error(err)
	}
	check(t, os.Remove(h.path))
	h.open()
}

// TestOpeningLocks: while it is open, nobody else opens the file, its position can be read, and Close ends that.
func TestOpeningLocks(t *testing.T) {
	h := newHarness(t)
	h.write(func(m *Memtable) { m.PutNew(plain, []byte("key"), []byte("value")) })
	want := Position{Format: testSchema.Version, Seq: 7, Time: time.Unix(1, 0).UTC(), ID: "7"}
	check(t, h.Store.SavePosition(want))
	check(t, h.Store.Close())
	o := BeginOpen(h.path, testSchema)
	got, err := o.Position()
	check(t, err)
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if _, err := Open(h.path, testSchema); !errors.Is(err, ErrInUse) {
		t.Error(err)
	}
	o.Close()
	h.open()
	if got := h.Store.Position(); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// TestOpeningWithoutAFile creates none before Finish.
func TestOpeningWithoutAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "views")
	o := BeginOpen(path, testSchema)
	if _, err := o.Position(); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	s, err := o.Finish()
	check(t, err)
	check(t, s.Close())
	o.Close()
}

// touch is a write of another process at some time.
func (h *harness) touch() {
	h.Helper()
	at := time.Now().Add(time.Second)
	check(h, os.Chtimes(h.path, at, at))
}

// damage changes bytes of the entry that the tests write.
func (h *harness) damage() {
	h.Helper()
	data, err := os.ReadFile(h.path)
	check(h, err)
	for i := range data[:len(data)-5] {
		if string(data[i:i+5]) == "value" {
			data[i] = 'V'
		}
	}
	check(h, os.WriteFile(h.path, data, 0o600))
	h.touch()
}

func (h *harness) replace() {
	h.Helper()
	data, err := os.ReadFile(h.path)
	check(h, err)
	check(h, os.WriteFile(h.path+".other", data, 0o600))
	check(h, os.Rename(h.path+".other", h.path))
}

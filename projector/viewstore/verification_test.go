package viewstore

import (
	"errors"
	"os"
	"testing"
	"time"
)

// TestVerificationInTheBackground: a file that was verified is opened, and one that was written or replaced since
// is verified again.
func TestVerificationInTheBackground(t *testing.T) {
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
			v := Verify(h.path, testSchema)
			<-v.done
			if v.sound == nil {
				t.Fatal("a sound file is not")
			}
			c.change(h)
			if unchanged(h.path, v.sound) != c.unchanged {
				t.Errorf("unchanged: %v", !c.unchanged)
			}
			s, err := v.Open()
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

// TestVerificationOfADamagedFile: what was damaged before is found.
func TestVerificationOfADamagedFile(t *testing.T) {
	h := newHarness(t)
	h.write(func(m *Memtable) { m.PutNew(plain, []byte("key"), []byte("value")) })
	check(t, h.Store.Close())
	h.damage()
	if _, err := Verify(h.path, testSchema).Open(); !errors.Is(err, ErrDamaged) {
		t.Error(err)
	}
	check(t, os.Remove(h.path))
	h.open()
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

package access

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"licenseimport/internal/fsx"
)

func TestEnsureAdminKey(t *testing.T) {
	ctx := t.Context()
	ensure := func(t *testing.T, s *Store, path string) (string, bool) {
		t.Helper()
		key, created, err := EnsureAdminKey(ctx, s, path)
		if err != nil {
			t.Fatal(err)
		}
		return key, created
	}
	opens := func(s *Store, key string) bool {
		m, err := NewAuthenticator(Config{Store: s}).Authenticate(request("Api-Key " + key))
		return err == nil && m.Role == Admin && m.Name == "admin"
	}

	t.Run("first start makes one, the next finds it", func(t *testing.T) {
		path, s := filepath.Join(t.TempDir(), "admin.key"), NewStore(newBucket())
		key, created := ensure(t, s, path)
		if !created || !opens(s, key) {
			t.Fatalf("created %v, opens %v", created, opens(s, key))
		}
		if info, err := os.Lstat(path); err != nil || info.Mode() != 0o600 {
			t.Errorf("%v %v", info.Mode(), err)
		}
		if again, created := ensure(t, s, path); created || again != key {
			t.Error("the second start made another one")
		}
		if files, _ := os.ReadDir(filepath.Dir(path)); len(files) != 1 {
			t.Errorf("left behind: %v", files)
		}
	})
	t.Run("somebody can call already", func(t *testing.T) {
		path, s := filepath.Join(t.TempDir(), "admin.key"), NewStore(newBucket())
		create(t, s, "alice", "admin")
		if key, created := ensure(t, s, path); key != "" || created {
			t.Error("made a key that nobody needs")
		}
		if _, err := os.Stat(path); !os.IsNotExist(err) {
			t.Error("made a file")
		}
	})
	t.Run("NATS lost its data", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "admin.key")
		key, _ := ensure(t, NewStore(newBucket()), path)
		fresh := NewStore(newBucket())
		create(t, fresh, "alice", "viewer")
		if again, created := ensure(t, fresh, path); again != key || created || !opens(fresh, key) {
			t.Error("the file's key does not work any more")
		}
	})
	t.Run("a revoked key stays revoked", func(t *testing.T) {
		path, s := filepath.Join(t.TempDir(), "admin.key"), NewStore(newBucket())
		key, _ := ensure(t, s, path)
		create(t, s, "alice", "admin")
		if _, err := s.Revoke(ctx, "admin"); err != nil {
			t.Fatal(err)
		}
		if again, created := ensure(t, s, path); again != "" || created || opens(s, key) {
			t.Error("a revoked key came back")
		}
		if _, err := s.Revoke(ctx, "alice"); err != nil {
			t.Fatal(err)
		}
		if last, created := ensure(t, s, path); last == key || !created || !opens(s, last) || opens(s, key) {
			t.Error("no key works")
		}
	})
	t.Run("bucket fails after the file was written", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "admin.key")
		key, _ := newKey()
		if err := fsx.WritePrivate(path, []byte(key)); err != nil {
			t.Fatal(err)
		}
		s := NewStore(newBucket())
		if again, _ := ensure(t, s, path); again != key || !opens(s, key) {
			t.Error("the file's key was forgotten")
		}
	})
}

func TestAdminKeyFileMustBeSound(t *testing.T) {
	key, _ := newKey()
	for name, prepare := range map[string]func(path string) error{
		"symbolic link": func(path string) error {
			target := filepath.Join(filepath.Dir(path), "target")
			return errors.Join(os.WriteFile(target, []byte(key), 0o600), os.Symlink(target, path))
		},
		"dangling link": func(path string) error { return os.Symlink(path+"-none", path) },
		"directory":     func(path string) error { return os.Mkdir(path, 0o700) },
		"no key in it":  func(path string) error { return os.WriteFile(path, []byte("hello\n"), 0o600) },
		"empty":         func(path string) error { return os.WriteFile(path, nil, 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "admin.key")
			if err := prepare(path); err != nil {
				t.Fatal(err)
			}
			b := newBucket()
			if key, _, err := EnsureAdminKey(t.Context(), NewStore(b), path); err == nil || key != "" || len(b.values) != 0 {
				t.Errorf("accepted: %v", err)
			}
		})
	}
}

func TestAdminKeyFileIsMadePrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "admin.key")
	key, _ := newKey()
	if err := errors.Join(os.WriteFile(path, []byte(key), 0o600), os.Chmod(path, 0o644)); err != nil {
		t.Fatal(err)
	}
	got, err := ReadAdminKey(path)
	if err != nil || got != key {
		t.Fatal(err)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
}

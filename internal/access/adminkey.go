package access

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"licenseimport/internal/fsx"
)

// adminName is the manager of the two admin keys without a name: that of the environment
// and that of a first start.
const adminName = "admin"

// EnsureAdminKey makes an admin key where no key works, as at a first start. It stores the
// key in the file at path (mode 0600) and returns it with created true: print it then.
//
// It registers the file's key where the bucket does not know it, as after the loss of the
// NATS server's data. It never restores a revoked key: if no other key works, it makes a
// new one.
//
// Otherwise it returns the file's key if that works, else "".
//
// An event that cannot be stored at the moment does not stop a start: it follows later.
func EnsureAdminKey(ctx context.Context, s *Store, path string) (key string, created bool, err error) {
	s = s.As(adminName)
	key, err = ReadAdminKey(path)
	if err == nil {
		works, err := s.ensure(ctx, key)
		if err != nil || works {
			return key, false, err
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", false, err
	}
	keys, err := s.working(ctx)
	if err != nil || len(keys) > 0 {
		return "", false, err
	}
	return s.makeAdminKey(ctx, path)
}

// makeAdminKey writes the file first. After a crash in between, the next start registers
// the file's key.
func (s *Store) makeAdminKey(ctx context.Context, path string) (string, bool, error) {
	key, _ := newKey()
	if err := fsx.WritePrivate(path, []byte(key+"\n")); err != nil {
		return "", false, fmt.Errorf("write admin key: %w", err)
	}
	works, err := s.ensure(ctx, key)
	if err == nil && !works {
		err = errors.New("the new admin key's prefix is taken; start again")
	}
	return key, true, err
}

// ensure registers an admin key that the bucket does not know. False: the key is revoked,
// or another key has its prefix.
func (s *Store) ensure(ctx context.Context, key string) (works bool, err error) {
	prefix, _ := keyPrefix(key)
	created, err := s.register(ctx, s.newRecord(Manager{Name: adminName, Role: Admin}, key), prefix)
	if created {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	r, found, err := s.get(ctx, prefix)
	return found && r.opens(key), err
}

// ReadAdminKey reads the file of EnsureAdminKey, and sets its mode to 0600. Without a file
// the error is fs.ErrNotExist. It refuses a symbolic link.
func ReadAdminKey(path string) (string, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return "", fmt.Errorf("admin key: %w", err)
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("admin key %s: not a regular file", path)
	}
	if info.Mode().Perm()&0o077 != 0 {
		if err := os.Chmod(path, 0o600); err != nil {
			return "", fmt.Errorf("admin key: %w", err)
		}
	}
	key, err := parseAdminKey(path)
	if errors.Is(err, errNoKey) {
		err = fmt.Errorf("%w: put it back, or remove the file and make another by licenseimport keys create NAME --role admin", err)
	}
	return key, err
}

// CheckAdminKey reports whether a file holds a key. Other than [ReadAdminKey] it changes nothing.
func CheckAdminKey(path string) error {
	_, err := parseAdminKey(path)
	return err
}

var errNoKey = errors.New("holds no key")

func parseAdminKey(path string) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("admin key: %w", err)
	}
	key := strings.TrimSpace(string(data))
	if _, ok := keyPrefix(key); !ok {
		return "", fmt.Errorf("admin key %s: %w", path, errNoKey)
	}
	return key, nil
}

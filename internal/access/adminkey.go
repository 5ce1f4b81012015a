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

// adminName is the manager of the keys that no person named: the one from the
// environment and the one that a first start makes.
const adminName = "admin"

// EnsureAdminKey sees to it that a first start leaves somebody who may call.
// Where the bucket has no key that works, it makes an admin key, keeps it in
// the file at path (mode 0600) and returns it with created true: print it, this
// once. A file whose key the bucket does not know, because NATS was set up
// anew, is registered again. A key that was revoked never comes back; where it
// was the last one, a new one takes its place.
//
// Otherwise it returns the file's key while that works, else "".
func EnsureAdminKey(ctx context.Context, s *Store, path string) (key string, created bool, err error) {
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

// makeAdminKey writes the file first: a crash in between leaves a key that the
// next start registers, not one that nobody knows.
func (s *Store) makeAdminKey(ctx context.Context, path string) (string, bool, error) {
	key, _ := newKey()
	if err := fsx.WritePrivate(path, []byte(key+"\n")); err != nil {
		return "", false, fmt.Errorf("access: write admin key: %w", err)
	}
	works, err := s.ensure(ctx, key)
	if err == nil && !works {
		err = errors.New("access: the new admin key's prefix is taken; start again")
	}
	return key, true, err
}

// ensure registers an admin key that the bucket does not know; false: the
// bucket knows it as revoked, or knows another key of this prefix.
func (s *Store) ensure(ctx context.Context, key string) (works bool, err error) {
	prefix, _ := keyPrefix(key)
	created, err := s.register(ctx, Manager{Name: adminName, Role: Admin}, key, prefix)
	if err != nil || created {
		return created, err
	}
	r, found, err := s.get(ctx, prefix)
	return found && r.opens(key), err
}

// ReadAdminKey reads the file that EnsureAdminKey keeps, and takes from others
// the right to read it. The error is fs.ErrNotExist where there is none; a
// symbolic link is refused.
func ReadAdminKey(path string) (string, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return "", fmt.Errorf("access: admin key: %w", err)
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("access: admin key %s: not a regular file", path)
	}
	if info.Mode().Perm()&0o077 != 0 {
		if err := os.Chmod(path, 0o600); err != nil {
			return "", fmt.Errorf("access: admin key: %w", err)
		}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("access: admin key: %w", err)
	}
	key := strings.TrimSpace(string(data))
	if _, ok := keyPrefix(key); !ok {
		return "", fmt.Errorf("access: admin key %s: holds no key; delete it to have a new one made", path)
	}
	return key, nil
}

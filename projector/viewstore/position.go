package viewstore

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// ReadPosition reads the position of a file of any version. It changes nothing and verifies nothing
// else. Without a file the error is [os.ErrNotExist], and for a file that cannot be read
// [ErrDamaged].
func ReadPosition(path string) (p Position, err error) {
	if _, err := os.Stat(path); err != nil {
		return Position{}, err
	}
	defer catchDamage(&err)()
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: lockTimeout, ReadOnly: true})
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return Position{}, fmt.Errorf("%s: %w", path, ErrInUse)
	case errors.Is(err, os.ErrPermission):
		return Position{}, err
	case err != nil:
		return Position{}, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	defer func() { _ = db.Close() }()
	err = db.View(func(tx *bolt.Tx) error {
		if err := checkSize(tx); err != nil {
			return err
		}
		meta := tx.Bucket(metaBucket)
		if meta == nil {
			return nil // of a process that ended while it created the file
		}
		if err := json.Unmarshal(meta.Get(positionKey), &p); err != nil {
			return fmt.Errorf("%w: position: %w", ErrDamaged, err)
		}
		return nil
	})
	return p, err
}

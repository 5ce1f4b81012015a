package viewstore

import (
	"encoding/json"
	"fmt"
	"os"

	bolt "go.etcd.io/bbolt"
)

// ReadPosition reads the position of a file of any version. It changes nothing and verifies nothing
// else. Without a file the error is [os.ErrNotExist], and for a file that cannot be read
// [ErrDamaged].
func ReadPosition(path string) (p Position, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return Position{}, err
	}
	defer catchDamage(&err)()
	db, err := open(path, &bolt.Options{Timeout: lockTimeout, ReadOnly: true})
	if err != nil {
		return Position{}, err
	}
	defer func() { _ = db.Close() }()
	err = db.View(func(tx *bolt.Tx) error {
		if err := checkSize(tx, info); err != nil {
			return err
		}
		if fresh, err := isFresh(tx); fresh || err != nil {
			return err // fresh: of a process that ended while it created the file
		}
		meta := tx.Bucket(metaBucket)
		if err := json.Unmarshal(meta.Get(positionKey), &p); err != nil {
			return fmt.Errorf("%w: position: %w", ErrDamaged, err)
		}
		return nil
	})
	return p, err
}

package projector

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"time"

	"licenseimport/events"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// FileName is the name of the views' file in the data folder.
const FileName = "views.bolt"

// format is the version of what the views' file holds. A file of another one is
// folded anew: raise it with every change of the views or of what apply does.
const format = 5

// lockWait is how long another process that has the file is waited for.
const lockWait = time.Second

var (
	errDamaged = errors.New("the views' file is damaged")
	errInUse   = errors.New("the views' file is in use by another process")
)

// position says up to where a stream is folded.
type position struct {
	Format  int        `json:"format"`
	Created time.Time  `json:"created"` // when the stream was made: tells it from another
	Seq     events.Seq `json:"seq"`
	Time    time.Time  `json:"time"` // of the event at Seq
	ID      string     `json:"id"`   // of the event at Seq
}

// store is the views' file.
type store struct {
	db       *bolt.DB
	position position         // of the last commit; only whoever folds may look
	names    *names           // that folding looks up, likewise; nil: not read yet
	sums     [numViews]uint64 // the checksums; only whoever writes may look
}

var (
	metaBucket  = []byte("meta")
	positionKey = []byte("position")
	sumsKey     = []byte("sums")
)

// openStore opens or makes a file of views. Whatever is wrong with a file that
// is there, but for being in use, is an errDamaged.
func openStore(path string) (s *store, err error) {
	db, err := openFile(path)
	if err != nil {
		return nil, err
	}
	s = &store{db: db}
	if err := s.load(); err != nil {
		_ = db.Close()
		return nil, err
	}
	return s, nil
}

// openFile makes an error of the panics that bbolt has for damaged pages.
func openFile(path string) (db *bolt.DB, err error) {
	defer catchDamage(&err)()
	db, err = bolt.Open(path, 0o600, &bolt.Options{
		Timeout:         lockWait,
		FreelistType:    bolt.FreelistMapType,
		InitialMmapSize: 1 << 30, // address space only: growing it would have to wait for readers
		NoSync:          true,    // see load: a file that a power cut left half written is found, and folded anew
		NoGrowSync:      true,
		NoStatistics:    true,
	})
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return nil, fmt.Errorf("%s: %w", path, errInUse)
	case errors.Is(err, os.ErrPermission):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	return db, nil
}

// load makes the buckets of a new file, or reads and verifies those of an old one.
func (s *store) load() (err error) {
	defer catchDamage(&err)()
	var fresh bool
	if err := s.db.View(func(tx *bolt.Tx) error {
		fresh = tx.Bucket(metaBucket) == nil
		return checkSize(tx)
	}); err != nil {
		return err
	}
	if fresh {
		return s.db.Update(s.create)
	}
	if err := s.db.View(s.readMeta); err != nil {
		return err
	}
	return s.verify()
}

func (s *store) create(tx *bolt.Tx) error {
	for v := range viewTable {
		_, err := tx.CreateBucket([]byte(viewTable[v].name))
		if errors.Is(err, berrors.ErrBucketExists) {
			return fmt.Errorf("%w: views without a position", errDamaged)
		}
		if err != nil {
			return err
		}
	}
	if _, err := tx.CreateBucket(metaBucket); err != nil {
		return err
	}
	s.position = position{Format: format}
	return writeMeta(tx, s.position, &s.sums)
}

// checkSize finds a file that lost its end: reading there would kill the process.
func checkSize(tx *bolt.Tx) error {
	info, err := os.Stat(tx.DB().Path())
	if err != nil {
		return err
	}
	if info.Size() < tx.Size() {
		return fmt.Errorf("%w: it has %d of %d bytes", errDamaged, info.Size(), tx.Size())
	}
	return nil
}

func (s *store) readMeta(tx *bolt.Tx) error {
	meta := tx.Bucket(metaBucket)
	if err := json.Unmarshal(meta.Get(positionKey), &s.position); err != nil {
		return fmt.Errorf("%w: position: %w", errDamaged, err)
	}
	if s.position.Format != format {
		return nil
	}
	sums := meta.Get(sumsKey)
	if len(sums) != 8*len(s.sums) {
		return fmt.Errorf("%w: checksums", errDamaged)
	}
	for v := range s.sums {
		s.sums[v] = binary.BigEndian.Uint64(sums[8*v:])
	}
	return nil
}

func writeMeta(tx *bolt.Tx, p position, sums *[numViews]uint64) error {
	value, err := json.Marshal(p)
	if err != nil {
		return err
	}
	b := make([]byte, 0, 8*len(sums))
	for _, sum := range sums {
		b = binary.BigEndian.AppendUint64(b, sum)
	}
	meta := tx.Bucket(metaBucket)
	return errors.Join(meta.Put(positionKey, value), meta.Put(sumsKey, b))
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// entrySum is an entry's part in the checksum of its view. The sum of all is
// the same in whatever order they come, and a single changed entry changes it.
func entrySum(key, value []byte) uint64 {
	k := crc32.Update(0, castagnoli, key)
	return uint64(k)<<32 + uint64(crc32.Update(k+uint32(len(key)), castagnoli, value))
}

func (s *store) close() error { return s.db.Close() }

// setAside moves a file away that is not to be used. Only the last one is kept.
func setAside(path string) error {
	if err := os.Rename(path, path+".bad"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes a rename in the folder durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

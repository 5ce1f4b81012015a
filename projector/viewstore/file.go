package viewstore

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// lockTimeout is how long Open waits for another process that has the file open.
const lockTimeout = time.Second

// mapSize is the address space that is reserved for a file, but for tests.
var mapSize = 1 << 30

var (
	// ErrDamaged is a file whose bytes are not those that were written.
	ErrDamaged = errors.New("the views' file is damaged")
	// ErrInUse is a file that another process has open.
	ErrInUse = errors.New("the views' file is in use by another process")
)

// Position tells up to where a stream is folded into the file.
type Position struct {
	Format  int       `json:"format"`  // the version of the schema that the file was made with
	Created time.Time `json:"created"` // when the stream was created: tells it from another one
	Seq     uint64    `json:"seq"`
	Time    time.Time `json:"time"` // of the event at Seq
	ID      string    `json:"id"`   // of the event at Seq
}

// Store is an open file of views.
type Store struct {
	db       *bolt.DB
	file     *os.File // of db: its path may lead to another one (Retire)
	schema   Schema
	position Position
	filters  *bloomFilters // nil: not loaded yet
	searched *searchedPartitions
	sums     []uint64     // the views' checksums; they belong to the writing goroutine
	readers  sync.Pool    // of *Reader
	using    sync.RWMutex // held by what goes on, and for ever once it has ended after Retire

	failed   chan struct{} // closed by the first damage
	failOnce sync.Once
	cause    error // why the store failed; written before failed is closed
}

var (
	metaBucket  = []byte("meta")
	positionKey = []byte("position")
	sumsKey     = []byte("sums")
)

// Open opens or creates a file of views and verifies all of it, which takes some 0.2 s for each
// million entries. It locks the file against other processes. Any error but [ErrInUse] and a missing
// permission is an [ErrDamaged]. The entries of a file of another version are not verified.
func Open(path string, schema Schema) (*Store, error) {
	if err := verifyFile(path, schema, dropFreelist); err != nil {
		return nil, err
	}
	return openVerified(path, schema)
}

func openVerified(path string, schema Schema) (*Store, error) {
	s, err := openStore(path, schema)
	if err != nil {
		return nil, err
	}
	if err := s.load(); err != nil {
		_ = s.db.Close()
		return nil, err
	}
	s.dropResident()
	return s, nil
}

// dropResident gives the pages back that bbolt has read to find the free ones: all of the file.
func (s *Store) dropResident() {
	_ = s.db.View(func(tx *bolt.Tx) error { // it only reads the size
		dropResident(tx.DB(), tx.Size())
		return nil
	})
}

func openStore(path string, schema Schema) (*Store, error) {
	db, file, err := openFile(path)
	if err != nil {
		return nil, err
	}
	s := newStore(db, schema)
	s.file = file
	return s, nil
}

func newStore(db *bolt.DB, schema Schema) *Store {
	views := len(schema.Views)
	return &Store{
		db: db, schema: schema, sums: make([]uint64, views), searched: newSearchedPartitions(views),
		failed: make(chan struct{}),
	}
}

// Lock keeps other processes from opening a file until release is called. A file that cannot be
// opened needs no lock.
func Lock(path string) (release func(), err error) {
	db, _, err := openFile(path)
	if errors.Is(err, ErrDamaged) {
		return func() {}, nil
	}
	if err != nil {
		return nil, err
	}
	return func() { _ = db.Close() }, nil
}

// openFile opens the file to write it.
func openFile(path string) (db *bolt.DB, file *os.File, err error) {
	db, err = open(path, &bolt.Options{
		Timeout:         lockTimeout,
		FreelistType:    bolt.FreelistMapType,
		NoFreelistSync:  true,    // no checksum covers a stored list: see dropFreelist
		InitialMmapSize: mapSize, // address space only: remapping a growing file waits for readers
		NoSync:          true,    // Open detects a file that a power cut left half written; it is folded again
		NoGrowSync:      true,
		OpenFile: func(path string, flag int, mode os.FileMode) (_ *os.File, err error) {
			file, err = os.OpenFile(path, flag, mode)
			return file, err
		},
	})
	return db, file, err
}

// open opens the file. bbolt panics on damaged pages; open returns that as an error.
func open(path string, options *bolt.Options) (db *bolt.DB, err error) {
	defer catchDamage(&err)()
	db, err = bolt.Open(path, 0o600, options)
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return nil, fmt.Errorf("%s: %w", path, ErrInUse)
	case errors.Is(err, os.ErrPermission):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return db, nil
}

// load creates the buckets of a new file, or reads the position of an existing one.
func (s *Store) load() (err error) {
	defer catchDamage(&err)()
	var fresh bool
	if err := s.db.View(func(tx *bolt.Tx) error {
		fresh, err = isFresh(tx)
		return err
	}); err != nil {
		return err
	}
	if fresh {
		return s.db.Update(s.create)
	}
	if tx, err := s.db.Begin(true); err == nil {
		_ = tx.Rollback() // bbolt counts the free pages when a transaction ends: see Usage
	}
	return s.db.View(s.readMeta)
}

// isFresh tells whether nothing was ever written to the file. One that holds something, and not the
// views' position, has lost a page.
func isFresh(tx *bolt.Tx) (bool, error) {
	if tx.Bucket(metaBucket) != nil {
		return false, nil
	}
	if first, _ := tx.Cursor().First(); first != nil {
		return false, fmt.Errorf("%w: no position", ErrDamaged)
	}
	return true, nil
}

func (s *Store) create(tx *bolt.Tx) error {
	for _, spec := range s.schema.Views {
		if _, err := tx.CreateBucket([]byte(spec.Name)); err != nil {
			return err
		}
	}
	if _, err := tx.CreateBucket(metaBucket); err != nil {
		return err
	}
	s.position = Position{Format: s.schema.Version}
	return writeMeta(tx, s.position, s.sums)
}

func (s *Store) readMeta(tx *bolt.Tx) error {
	meta := tx.Bucket(metaBucket)
	p, sums, err := decodeMeta(meta.Get(positionKey), meta.Get(sumsKey), &s.schema)
	if err != nil {
		return err
	}
	s.position = p
	copy(s.sums, sums)
	return nil
}

// decodeMeta parses the values of the meta bucket. The checksums of a file of another version are
// not read.
func decodeMeta(position, sums []byte, schema *Schema) (p Position, parsed []uint64, err error) {
	if err := json.Unmarshal(position, &p); err != nil {
		return Position{}, nil, fmt.Errorf("%w: position: %w", ErrDamaged, err)
	}
	if p.Format != schema.Version {
		return p, nil, nil
	}
	if len(sums) != 8*len(schema.Views)+8 {
		return Position{}, nil, fmt.Errorf("%w: checksums", ErrDamaged)
	}
	if binary.BigEndian.Uint64(sums[len(sums)-8:]) != entrySum(positionKey, position) {
		return Position{}, nil, fmt.Errorf("%w: the position has another checksum", ErrDamaged)
	}
	for ; len(sums) > 8; sums = sums[8:] {
		parsed = append(parsed, binary.BigEndian.Uint64(sums))
	}
	return p, parsed, nil
}

func writeMeta(tx *bolt.Tx, p Position, sums []uint64) error {
	value, err := json.Marshal(p)
	if err != nil {
		return err
	}
	b := make([]byte, 0, 8*len(sums)+8)
	for _, sum := range sums {
		b = binary.BigEndian.AppendUint64(b, sum)
	}
	b = binary.BigEndian.AppendUint64(b, entrySum(positionKey, value))
	meta := tx.Bucket(metaBucket)
	return errors.Join(meta.Put(positionKey, value), meta.Put(sumsKey, b))
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// entrySum is an entry's share of its view's checksum. The sum over all entries does not depend on
// their order, and changes with any single entry.
func entrySum(key, value []byte) uint64 {
	k := crc32.Update(0, castagnoli, key)
	return uint64(k)<<32 + uint64(crc32.Update(k+uint32(len(key)), castagnoli, value))
}

// Sync makes all commits durable. No commit is durable by itself.
func (s *Store) Sync() error { return s.db.Sync() }

// Position is the position of the last commit. It and [Store.SetPosition] belong to the goroutine
// that fills memtables.
func (s *Store) Position() Position { return s.position }

// SetPosition records the position of a commit that succeeded.
func (s *Store) SetPosition(p Position) { s.position = p }

// SavePosition writes a position without any change of the views, and makes it durable.
func (s *Store) SavePosition(p Position) error {
	s.position = p
	err := s.attempt(0, func() error {
		return s.db.Update(func(tx *bolt.Tx) error { return writeMeta(tx, p, s.sums) })
	})
	if err != nil {
		return err
	}
	return s.db.Sync()
}

// Reload reads position and checksums again, after a transaction that failed. The stream's time of
// creation stays: the file does not have it before the first commit.
func (s *Store) Reload() error {
	created := s.position.Created
	if err := s.attempt(0, func() error { return s.db.View(s.readMeta) }); err != nil {
		return err
	}
	s.position.Created = created
	return nil
}

package access

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"licenseimport/events/eventlog"
)

// Bucket is this package's view of the KV bucket "managers", an [*eventlog.Bucket].
type Bucket interface {
	Get(ctx context.Context, key string) (eventlog.Entry, error)
	Create(ctx context.Context, key string, value []byte) (revision uint64, err error)
	Put(ctx context.Context, key string, value []byte) (revision uint64, err error)
	List(ctx context.Context) ([]eventlog.Entry, error)
}

// Store stores the managers' keys.
type Store struct {
	bucket Bucket
	by     string // the manager who makes the changes
}

// NewStore returns a store over a bucket.
func NewStore(b Bucket) *Store { return &Store{bucket: b} }

// As returns the store for changes by a manager: the events of the changes name it.
func (s *Store) As(manager string) *Store { return &Store{bucket: s.bucket, by: manager} }

// Key is the public part of a key.
type Key struct {
	Prefix  string // eight characters that name the key and do not authenticate
	Manager Manager
	Created time.Time // UTC
	// CreatedBy is the manager who made it; empty: not known, as for keys of earlier versions.
	CreatedBy string
}

// BeginsWith is what the key begins with, as lists show it: lik_ and its prefix.
func (k Key) BeginsWith() string { return keyStart + k.Prefix }

// ErrNoSuchKey: neither a prefix of a key that works nor the name of a manager with one.
var ErrNoSuchKey = errors.New("no such key")

// errUnreadable: this version cannot read the record. A retry would not help.
var errUnreadable = errors.New("unreadable record")

// record is the value in the bucket.
type record struct {
	Name     string     `json:"name"`
	Role     Role       `json:"role"`
	Products []string   `json:"products"`
	SHA256   string     `json:"sha256"` // hex, of the whole key
	Created  time.Time  `json:"created_at"`
	Revoked  *time.Time `json:"revoked_at,omitempty"`

	CreatedBy string `json:"created_by,omitempty"` // empty in records of earlier versions
	RevokedBy string `json:"revoked_by,omitempty"`
}

// key is the public part of the key with a prefix.
func (r record) key(prefix string) Key {
	return Key{Prefix: prefix, Manager: r.manager(), Created: r.Created, CreatedBy: r.CreatedBy}
}

// manager is the key's. Earlier versions stored a product as often as it was given.
func (r record) manager() Manager {
	return Manager{Name: r.Name, Role: r.Role, Products: distinct(r.Products)}
}

// opens reports whether the record is the key's, and not revoked.
func (r record) opens(key string) bool {
	d, ok := r.digest()
	return ok && d.equal(digestOf(key)) && r.Revoked == nil
}

// digest is that of the key.
func (r record) digest() (d digest, ok bool) {
	n, err := hex.Decode(d[:], []byte(r.SHA256))
	return d, err == nil && n == len(d)
}

// CheckManager returns what [Store.Create] would refuse.
func CheckManager(name, role string, products []string) error {
	_, err := newManager(name, role, products)
	return err
}

// Create makes a key for a manager and returns it. It cannot be read later. The name has 1
// to 100 printable characters. products limits the manager to these short codes; empty: no
// limit. A manager may have several keys. An [*eventlog.UnrecordedError] comes with the key, which works.
func (s *Store) Create(ctx context.Context, name, role string, products []string) (key string, err error) {
	key, _, err = s.Make(ctx, name, role, products)
	return key, err
}

// Make is Create that returns the key's public part, too.
func (s *Store) Make(ctx context.Context, name, role string, products []string) (key string, made Key, err error) {
	m, err := newManager(name, role, products)
	if err != nil {
		return "", Key{}, err
	}
	for {
		key, prefix := newKey()
		r := s.newRecord(m, key)
		created, err := s.register(ctx, r, prefix)
		switch {
		case created:
			return key, r.key(prefix), err
		case err != nil:
			return "", Key{}, err
		} // another key has this prefix: draw again
	}
}

func (s *Store) newRecord(m Manager, key string) record {
	d := digestOf(key)
	return record{
		Name: m.Name, Role: m.Role, Products: m.Products,
		SHA256: hex.EncodeToString(d[:]), Created: time.Now().UTC(), CreatedBy: s.by,
	}
}

// register stores a key's record; false without an error: the prefix is taken. True with an error: the record is
// stored, its event is not.
func (s *Store) register(ctx context.Context, r record, prefix string) (bool, error) {
	value, err := json.Marshal(r)
	if err != nil {
		return false, fmt.Errorf("encode a key's record: %w", err)
	}
	_, err = s.bucket.Create(ctx, prefix, value)
	if errors.Is(err, eventlog.ErrExists) {
		return false, nil
	}
	if err != nil {
		return isUnrecorded(err), fmt.Errorf("store a key: %w", err)
	}
	return true, nil
}

// isUnrecorded reports whether an error says that a change is made, and only its event is missing yet.
func isUnrecorded(err error) bool {
	_, ok := errors.AsType[*eventlog.UnrecordedError](err)
	return ok
}

// get reads the record of a prefix.
func (s *Store) get(ctx context.Context, prefix string) (r record, found bool, err error) {
	entry, err := s.bucket.Get(ctx, prefix)
	if errors.Is(err, eventlog.ErrNotFound) {
		return record{}, false, nil
	}
	if err != nil {
		return record{}, false, fmt.Errorf("look a key up: %w", err)
	}
	r, err = decode(prefix, entry.Value)
	return r, err == nil, err
}

func decode(prefix string, value []byte) (record, error) {
	var r record
	if err := json.Unmarshal(value, &r); err != nil {
		return record{}, fmt.Errorf("key %s: %w: %w", prefix, errUnreadable, err)
	}
	if _, err := ParseRole(string(r.Role)); err != nil {
		return record{}, fmt.Errorf("key %s: %w: %w", prefix, errUnreadable, err)
	}
	return r, nil
}

// working reads the records of all keys that are not revoked, by prefix.
func (s *Store) working(ctx context.Context) (map[string]record, error) {
	entries, err := s.bucket.List(ctx)
	if err != nil {
		return nil, fmt.Errorf("list keys: %w", err)
	}
	records := map[string]record{}
	for _, entry := range entries {
		r, err := decode(entry.Key, entry.Value)
		if err != nil {
			return nil, err
		}
		if r.Revoked == nil {
			records[entry.Key] = r
		}
	}
	return records, nil
}

// List returns the working keys, sorted by manager and age.
func (s *Store) List(ctx context.Context) ([]Key, error) {
	records, err := s.working(ctx)
	if err != nil {
		return nil, err
	}
	keys := make([]Key, 0, len(records))
	for prefix, r := range records {
		keys = append(keys, r.key(prefix))
	}
	slices.SortFunc(keys, func(a, b Key) int {
		return cmp.Or(cmp.Compare(a.Manager.Name, b.Manager.Name), a.Created.Compare(b.Created), cmp.Compare(a.Prefix, b.Prefix))
	})
	return keys, nil
}

// Revoke revokes one key, named by its prefix (abcdefgh or lik_abcdefgh) or the whole key;
// else all keys of the manager with that name. It returns the revoked keys; ErrNoSuchKey
// where there are none. An [*eventlog.UnrecordedError] comes with them: all are revoked.
func (s *Store) Revoke(ctx context.Context, which string) ([]Key, error) {
	keys, err := s.List(ctx)
	if err != nil {
		return nil, err
	}
	ended := choose(keys, which)
	var unrecorded error
	for _, key := range ended {
		err := s.revoke(ctx, key.Prefix)
		switch {
		case isUnrecorded(err):
			unrecorded = err
		case err != nil:
			return nil, err
		}
	}
	if len(ended) == 0 {
		return nil, ErrNoSuchKey // without which: it may be a whole key
	}
	return ended, unrecorded
}

func choose(keys []Key, which string) []Key {
	prefix, whole := keyPrefix(which)
	if !whole {
		prefix = strings.TrimPrefix(which, keyStart)
	}
	named := slices.Clone(keys)
	named = slices.DeleteFunc(named, func(k Key) bool { return k.Prefix != prefix })
	if len(named) > 0 {
		return named
	}
	return slices.DeleteFunc(slices.Clone(keys), func(k Key) bool { return k.Manager.Name != which })
}

// revoke marks one record. It is idempotent, also concurrently.
func (s *Store) revoke(ctx context.Context, prefix string) error {
	r, found, err := s.get(ctx, prefix)
	if err != nil || !found {
		return err
	}
	now := time.Now().UTC()
	r.Revoked, r.RevokedBy = &now, s.by
	value, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode a key's record: %w", err)
	}
	if _, err := s.bucket.Put(ctx, prefix, value); err != nil {
		return fmt.Errorf("revoke a key: %w", err)
	}
	return nil
}

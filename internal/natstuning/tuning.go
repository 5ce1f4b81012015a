package natstuning

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"sync"
	"time"
	"unsafe"

	"github.com/nats-io/nats-server/v2/server"
)

// TestedVersion is the only release of nats-server whose private fields this package touches.
const TestedVersion = "2.15.2"

// The lifetimes of what a stream caches, after the last use.
const (
	BlockLifetime   = 200 * time.Millisecond // of a block of messages: longer than an import waits for a small one
	SubjectLifetime = 500 * time.Millisecond // of a block's index of subjects: an import fills two blocks a second
)

var errDisabled = errors.New("it is switched off by --nats-tuning=false")

// A Tuner shortens the caches of one server's streams. One goroutine uses it.
type Tuner struct {
	disabled bool
	logged   bool // it has logged why it does nothing
}

// New returns a tuner; one that is disabled only logs so.
func New(disabled bool) *Tuner { return &Tuner{disabled: disabled} }

// Tune sets the lifetimes for all streams of the server. Streams that are created later need
// another call, which costs little while nothing changes.
func (t *Tuner) Tune(srv *server.Server) {
	err := t.check(server.VERSION)
	if err == nil {
		err = tune(srv)
	}
	if err == nil || t.logged {
		return
	}
	t.logged = true
	level := slog.LevelWarn
	if t.disabled {
		level = slog.LevelInfo
	}
	slog.Log(context.Background(), level, "the NATS server's caches have their default lifetimes", "reason", err)
}

// check reports why the tuner must not act on a release of the server.
func (t *Tuner) check(version string) error {
	switch {
	case t.disabled:
		return errDisabled
	case version != TestedVersion:
		return fmt.Errorf("nats-server is %s, and the tuning was tested with %s only", version, TestedVersion)
	}
	return nil
}

// CacheLifetime is the longest lifetime of a block among all streams of the server, for tests.
func CacheLifetime(srv *server.Server) (longest time.Duration, err error) {
	defer recoverReflection(&err)
	for _, store := range fileStoresOf(srv) {
		longest = max(longest, lifetimeOf(store))
	}
	return longest, nil
}

func tune(srv *server.Server) (err error) {
	defer recoverReflection(&err)
	for _, store := range fileStoresOf(srv) {
		tuneStore(store)
	}
	return nil
}

// recoverReflection turns reflection's panic into an error: a field is missing, or has another type.
func recoverReflection(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("this build of the server has other private fields: %v", r)
	}
}

// fileStoresOf lists the stores of the server's streams that are on the disk, each a pointer to a
// struct.
func fileStoresOf(srv *server.Server) (stores []reflect.Value) {
	for _, stream := range streamsOf(srv) {
		if store := storeOf(stream); isOnDisk(store) {
			stores = append(stores, store)
		}
	}
	return stores
}

// isOnDisk reports whether a stream's store, if it has one already, is on the disk.
func isOnDisk(store reflect.Value) bool {
	return store.IsValid() && store.Type().Elem().Name() == "fileStore"
}

// streamsOf lists the server's streams, each a pointer to a struct.
func streamsOf(srv *server.Server) (streams []reflect.Value) {
	jetStream := jetStreamOf(srv)
	if jetStream.IsNil() {
		return nil // it is off
	}
	defer rlock(jetStream)()
	for all := privateField(jetStream, "streams").MapRange(); all.Next(); {
		streams = append(streams, all.Value())
	}
	return streams
}

// jetStreamOf is a pointer; nil once the server has ended.
func jetStreamOf(srv *server.Server) reflect.Value {
	account := reflect.ValueOf(srv.GlobalAccount())
	defer rlock(account)()
	return reflect.ValueOf(privateField(account, "js").Interface()) // a copy: the field changes
}

// storeOf is a stream's store, a pointer to a struct; not valid while the stream is being created.
func storeOf(stream reflect.Value) reflect.Value {
	defer rlock(stream)()
	return privateField(stream, "store").Elem()
}

// tuneStore sets the lifetimes of the blocks that exist and of those that are created later.
func tuneStore(store reflect.Value) {
	lock := lockOf(store)
	lock.Lock()
	defer lock.Unlock()
	config := privateField(store, "fcfg").Addr().Interface().(*server.FileStoreConfig)
	if config.CacheExpire == BlockLifetime {
		return
	}
	blocks := privateField(store, "blks")
	for i := range blocks.Len() {
		tuneBlock(blocks.Index(i))
	}
	config.CacheExpire, config.SubjectStateExpire = BlockLifetime, SubjectLifetime
}

func tuneBlock(block reflect.Value) {
	lock := lockOf(block)
	lock.Lock()
	defer lock.Unlock()
	privateField(block, "cexp").SetInt(int64(BlockLifetime))
	privateField(block, "fexp").SetInt(int64(SubjectLifetime))
}

// lifetimeOf is the longest lifetime of a store's blocks, the next one included.
func lifetimeOf(store reflect.Value) time.Duration {
	defer rlock(store)()
	longest := privateField(store, "fcfg").Addr().Interface().(*server.FileStoreConfig).CacheExpire
	blocks := privateField(store, "blks")
	for i := range blocks.Len() {
		longest = max(longest, blockLifetime(blocks.Index(i)))
	}
	return longest
}

func blockLifetime(block reflect.Value) time.Duration {
	defer rlock(block)()
	return time.Duration(privateField(block, "cexp").Int())
}

// privateField gives a field of the struct behind a pointer as if it were exported.
func privateField(pointer reflect.Value, name string) reflect.Value {
	field := pointer.Elem().FieldByName(name)
	return reflect.NewAt(field.Type(), unsafe.Pointer(field.UnsafeAddr())).Elem()
}

// lockOf is the lock of a struct of the server: the field mu in all of them.
func lockOf(pointer reflect.Value) *sync.RWMutex {
	return privateField(pointer, "mu").Addr().Interface().(*sync.RWMutex)
}

// rlock takes a struct's lock for reading.
func rlock(pointer reflect.Value) (unlock func()) {
	lock := lockOf(pointer)
	lock.RLock()
	return lock.RUnlock
}

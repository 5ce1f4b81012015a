package eventlog

import (
	"fmt"
	"log/slog"
	"reflect"
	"sync"
	"time"
	"unsafe"

	"github.com/nats-io/nats-server/v2/server"
)

// JetStream keeps a block of a stream's files, 8 MB, in memory for 10 s after it was written or
// read last, and an index of its subjects for two minutes: half a gigabyte while 30,000
// rows a second go in and out. Its file store has settings for both, CacheExpire and
// SubjectStateExpire of [server.FileStoreConfig], but no option of the server leads to them
// (nats-server issue 5740). So they are set where the server keeps them, below names that may
// change with any release of it: then caches.trim says so, a test fails, and a server needs the memory
// that it needed before.
const (
	blockKept    = 500 * time.Millisecond
	subjectsKept = 5 * time.Second
)

// caches are those of the streams of one server.
type caches struct{ told bool }

// trim sees to it that no stream of the server, new ones included, keeps what it caches for long.
func (c *caches) trim(srv *server.Server) {
	if err := trimCaches(srv); err != nil && !c.told {
		c.told = true
		slog.Warn("the NATS server will need more memory than it has to", "reason", err)
	}
}

func trimCaches(srv *server.Server) (err error) {
	defer func() {
		if r := recover(); r != nil { // reflection's, where something is of another kind than expected
			err = fmt.Errorf("this release of it keeps its settings elsewhere: %v", r)
		}
	}()
	for _, stream := range streamsOf(srv) {
		if store := storeOf(stream); store.Type().Elem().Name() == "fileStore" {
			trimStore(store)
		}
	}
	return nil
}

// streamsOf lists the server's streams, each a pointer to a struct.
func streamsOf(srv *server.Server) (streams []reflect.Value) {
	account := reflect.ValueOf(srv.GlobalAccount())
	unlock := rlocked(account)
	jetStream := inside(account, "js")
	unlock()
	if jetStream.IsNil() {
		return nil // it is off
	}
	defer rlocked(jetStream)()
	for all := inside(jetStream, "streams").MapRange(); all.Next(); {
		streams = append(streams, all.Value())
	}
	return streams
}

// storeOf is a stream's store, a pointer to a struct.
func storeOf(stream reflect.Value) reflect.Value {
	defer rlocked(stream)()
	return inside(stream, "store").Elem()
}

// trimStore sets the times for the blocks that are made from now on, and those that there are.
func trimStore(store reflect.Value) {
	lock := lockOf(store)
	lock.Lock()
	defer lock.Unlock()
	config := inside(store, "fcfg").Addr().Interface().(*server.FileStoreConfig)
	if config.CacheExpire == blockKept {
		return
	}
	config.CacheExpire, config.SubjectStateExpire = blockKept, subjectsKept
	blocks := inside(store, "blks")
	for i := range blocks.Len() {
		trimBlock(blocks.Index(i))
	}
}

func trimBlock(block reflect.Value) {
	lock := lockOf(block)
	lock.Lock()
	defer lock.Unlock()
	inside(block, "cexp").SetInt(int64(blockKept))
	inside(block, "fexp").SetInt(int64(subjectsKept))
}

// inside gives a field of the struct behind a pointer as if it were exported.
func inside(pointer reflect.Value, name string) reflect.Value {
	field := pointer.Elem().FieldByName(name)
	return reflect.NewAt(field.Type(), unsafe.Pointer(field.UnsafeAddr())).Elem()
}

// lockOf is the lock of a struct of the server, all of which call it mu.
func lockOf(pointer reflect.Value) *sync.RWMutex {
	return inside(pointer, "mu").Addr().Interface().(*sync.RWMutex)
}

func rlocked(pointer reflect.Value) (unlock func()) {
	lock := lockOf(pointer)
	lock.RLock()
	return lock.RUnlock
}

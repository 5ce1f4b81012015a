package natstuning

import (
	"errors"
	"fmt"
	"reflect"
	"sync/atomic"

	"github.com/nats-io/nats-server/v2/server"
)

// ErrNoStream says that the server has no such stream.
var ErrNoStream = errors.New("there is no such stream")

// SyncRewrites makes the store of one stream sync each file that replaces another one before it does
// so: blocks that are compacted, the stream's settings and its state. A stream with persist mode
// async omits that (server.FileStoreConfig.SyncAlways is off for it), so a purge could replace
// messages that are on the disk by a file that is not. Appends stay as they are. No option of the
// server leads to the field, fileStore.syncOnFlush.
func SyncRewrites(srv *server.Server, stream string) (err error) {
	defer recoverReflection(&err)
	store, err := fileStoreOf(srv, stream)
	if err != nil {
		return err
	}
	privateField(store, "syncOnFlush").Addr().Interface().(*atomic.Bool).Store(true)
	return nil
}

// fileStoreOf is the store of one of the server's streams, which is on the disk: a pointer to a struct.
func fileStoreOf(srv *server.Server, stream string) (store reflect.Value, err error) {
	if err := checkVersion(); err != nil {
		return store, err
	}
	found := streamOf(srv, stream)
	if !found.IsValid() {
		return store, ErrNoStream
	}
	if store = storeOf(found); !isOnDisk(store) {
		return store, fmt.Errorf("stream %s has no files", stream)
	}
	return store, nil
}

// checkVersion returns an error unless the server is the release that this package was tested with.
func checkVersion() error {
	if server.VERSION != TestedVersion {
		return fmt.Errorf("nats-server is %s, and this was tested with %s only", server.VERSION, TestedVersion)
	}
	return nil
}

// streamOf is one of the server's streams, a pointer to a struct; not valid without such a stream.
func streamOf(srv *server.Server, name string) reflect.Value {
	jetStream := jetStreamOf(srv)
	if jetStream.IsNil() {
		return reflect.Value{}
	}
	defer rlock(jetStream)()
	return privateField(jetStream, "streams").MapIndex(reflect.ValueOf(name))
}

package eventlogtest

import (
	"reflect"
	"sync"
	"unsafe"
)

// LoseNext has a node that follows lose the next n messages of a stream, as NATS can when it catches up: it counts as
// many as failed, so it takes the next ones for some that it has. The stream has more than n messages.
func (c *Cluster) LoseNext(node int, stream string, n uint64) {
	c.t.Helper()
	account := reflect.ValueOf(c.servers[node].GlobalAccount())
	found := field(field(account, "js"), "streams").MapIndex(reflect.ValueOf(stream))
	if !found.IsValid() {
		c.t.Fatalf("node %d has no stream %s", node, stream)
	}
	lock := field(found, "clMu").Addr().Interface().(*sync.Mutex)
	lock.Lock()
	defer lock.Unlock()
	*field(found, "clfs").Addr().Interface().(*uint64) += n
}

// field is a field of a server's struct that is not exported.
func field(pointer reflect.Value, name string) reflect.Value {
	f := pointer.Elem().FieldByName(name)
	return reflect.NewAt(f.Type(), unsafe.Pointer(f.UnsafeAddr())).Elem()
}

package natstuning

import (
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"unsafe"

	"github.com/nats-io/nats-server/v2/server"
)

// Head is the sequence of the stream's last message.
func (s *Stream) Head() uint64 {
	var state server.StreamState
	s.store.FastState(&state)
	return state.LastSeq
}

// Compress compresses one file of the stream, as the server does with a stream whose setting is S2: it writes
// and syncs another file, and then replaces the first one by it. It takes the oldest full block after a number
// that is not compressed. No block up to the number upTo needs it any more. done: it has compressed that one.
// A read or purge of a block waits while it is compressed, some 50 ms, and so do appends that come after such a read.
func (s *Stream) Compress(after uint32) (upTo uint32, done bool, err error) {
	defer recoverReflection(&err)
	s.compressing.Lock()
	defer s.compressing.Unlock()
	store := reflect.ValueOf(s.store)
	if !isOnDisk(store) {
		return after, false, nil
	}
	upTo = after
	for _, block := range fullBlocksOf(store, after) {
		compressed, err := IsCompressed(pathOf(block))
		if errors.Is(err, fs.ErrNotExist) {
			continue // it was purged
		}
		if err == nil && !compressed {
			done, err = true, compress(store, block)
		}
		if err != nil {
			return upTo, false, err
		}
		if upTo = numberOf(block); done {
			break
		}
	}
	return upTo, done, nil
}

func numberOf(block reflect.Value) uint32 { return uint32(privateField(block, "index").Uint()) }

// fullBlocksOf lists a store's blocks after a number, in order and without the one that is appended to.
func fullBlocksOf(store reflect.Value, after uint32) (blocks []reflect.Value) {
	defer rlock(store)()
	all, last := privateField(store, "blks"), privateField(store, "lmb")
	for i := range all.Len() {
		block := reflect.ValueOf(all.Index(i).Interface()) // a copy: the server moves them
		if block.Pointer() != last.Pointer() && numberOf(block) > after {
			blocks = append(blocks, block)
		}
	}
	return blocks
}

func pathOf(block reflect.Value) string {
	defer rlock(block)()
	return privateField(block, "mfn").String()
}

// IsCompressed reports whether a block's file is compressed. Its errors are as those of [OpenBlock].
func IsCompressed(path string) (bool, error) {
	b, err := OpenBlock(path)
	if err != nil {
		return false, err
	}
	return b.Compressed(), b.Close()
}

// compress has the server compress a block. While it does, the setting of the store is S2.
func compress(store, block reflect.Value) error {
	setting := &privateField(store, "fcfg").Addr().Interface().(*server.FileStoreConfig).Compression
	change := func(from, to server.StoreCompression) (changed bool) {
		lock := lockOf(store)
		lock.Lock()
		defer lock.Unlock()
		if changed = *setting == from; changed {
			*setting = to
		}
		return changed
	}
	if change(server.NoCompression, server.S2Compression) {
		defer change(server.S2Compression, server.NoCompression)
	}
	lock := lockOf(block)
	lock.Lock()
	defer lock.Unlock()
	if err := recompress(block.UnsafePointer()); err != nil {
		return fmt.Errorf("compress a block of messages: %w", err)
	}
	return nil
}

// recompress is the server's own function, found by the linker as queueInbound is. The caller has the block's lock.
//
//go:linkname recompress github.com/nats-io/nats-server/v2/server.(*msgBlock).recompressOnDiskIfNeeded
func recompress(block unsafe.Pointer) error

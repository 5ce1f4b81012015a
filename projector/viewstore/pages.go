package viewstore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"unsafe"

	bolt "go.etcd.io/bbolt"
)

// bbolt trusts the pages of its file. A page write that a power cut lost leaves an old page, whose
// references may lead outside of the file, to pages of another kind, or around in a circle: bbolt
// then kills the process, also in its internal goroutines, whose panics cannot be recovered. So a file
// is verified page by page before bbolt follows a reference.

// The format of bbolt's pages, which are stored in the machine's byte order:
//
//	page     8 bytes id, 2 bytes flags, 2 bytes count, 4 bytes overflow (further pages), then elements
//	branch   4 bytes position of the key after this element's begin, 4 bytes its size, 8 bytes page
//	leaf     4 bytes flags, 4 bytes position, 4 bytes size of the key, 4 bytes size of the value
//	bucket   the value of a leaf element: 8 bytes root page, 8 bytes sequence; root 0: a page follows
//	meta     page header, then magic 4, version 4, page size 4, flags 4, root bucket 16, free list 8,
//	         pages 8, transaction 8, checksum 8: FNV-1a of all before it
const (
	pageHead      = 16
	elementSize   = 16
	bucketHead    = 16
	branchFlag    = 1
	leafFlag      = 2
	bucketElement = 1  // flag of a leaf element
	maxDepth      = 40 // of a tree; one of 2^40 pages has fewer levels

	metaFreelist = pageHead + 32
	metaSum      = pageHead + 56
	metaSize     = pageHead + 64
)

// noFreelist is the page of the free list in the meta page of a file that stores none.
const noFreelist = ^uint64(0)

// pageTree is the pages of a file that one transaction sees.
type pageTree struct {
	data []byte // of the file
	size int    // of a page
	seen []bool // pages that were reached
	drop func() // gives the file's mapped pages back
	left int    // bytes until the next drop
}

// verifyPages verifies that the buckets' pages form a tree within the file, so that bbolt can follow
// every reference.
func verifyPages(tx *bolt.Tx) error {
	_, err := usage(tx)
	return err
}

// usage is verifyPages, and counts the pages.
func usage(tx *bolt.Tx) (Usage, error) {
	info, err := os.Stat(tx.DB().Path())
	if err != nil {
		return Usage{}, err
	}
	if err := checkSize(tx, info); err != nil {
		return Usage{}, err
	}
	size := tx.DB().Info().PageSize
	t := &pageTree{
		data: mapped(tx.DB(), tx.Size()), size: size, seen: make([]bool, tx.Size()/int64(size)),
		drop: func() { dropResident(tx.DB(), tx.Size()) },
	}
	defer t.drop()
	if err := t.verify(uint64(tx.Cursor().Bucket().Root()), 1, nil, nil); err != nil {
		return Usage{}, err
	}
	u := Usage{Size: tx.Size()}
	for _, used := range t.seen[2:] { // after the meta pages
		if !used {
			u.Free += int64(size)
		}
	}
	return u, nil
}

// mapped is the file's content as far as a transaction uses it.
func mapped(db *bolt.DB, size int64) []byte {
	at := db.Info().Data
	return unsafe.Slice(*(**byte)(unsafe.Pointer(&at)), size)
}

// verify verifies a page and all below it. Its keys are not less than first, and less than end if
// that is not nil.
func (t *pageTree) verify(id uint64, depth int, first, end []byte) error {
	if id < 2 || id >= uint64(len(t.seen)) || depth > maxDepth {
		return fmt.Errorf("%w: a reference leads to page %d of %d", ErrDamaged, id, len(t.seen))
	}
	page := t.data[int(id)*t.size:]
	pages := 1 + uint64(binary.NativeEndian.Uint32(page[12:]))
	if own := binary.NativeEndian.Uint64(page); own != id || id+pages > uint64(len(t.seen)) {
		return fmt.Errorf("%w: page %d holds page %d, with %d pages", ErrDamaged, id, own, pages)
	}
	for i := id; i < id+pages; i++ {
		if t.seen[i] {
			return fmt.Errorf("%w: two references lead to page %d", ErrDamaged, i)
		}
		t.seen[i] = true
	}
	if t.left -= int(pages) * t.size; t.left < 0 {
		t.drop()
		t.left = maxMapped
	}
	if !t.verifyElements(page[:pages*uint64(t.size)], depth, first, end) {
		return fmt.Errorf("%w: page %d", ErrDamaged, id)
	}
	return nil
}

// verifyElements verifies the elements of a page and all below them. bbolt demands the same order of
// keys of a file whose free pages it looks for.
func (t *pageTree) verifyElements(page []byte, depth int, first, end []byte) bool {
	flags, count := binary.NativeEndian.Uint16(page[8:]), int(binary.NativeEndian.Uint16(page[10:]))
	if flags != leafFlag && (flags != branchFlag || count == 0) || pageHead+count*elementSize > len(page) {
		return false
	}
	last := pageElement{key: first}
	for i := range count {
		e, ok := elementAt(page, i, flags)
		if order := bytes.Compare(last.key, e.key); !ok || order > 0 || order == 0 && i > 0 {
			return false
		}
		if i > 0 && !t.verifyBelow(last, flags, depth, e.key) {
			return false
		}
		last = e
	}
	if count == 0 {
		return true
	}
	return (end == nil || bytes.Compare(last.key, end) < 0) && t.verifyBelow(last, flags, depth, end)
}

// verifyBelow verifies the page or bucket that an element leads to. The keys of the page are less than
// end.
func (t *pageTree) verifyBelow(e pageElement, pageFlags uint16, depth int, end []byte) bool {
	switch {
	case pageFlags == branchFlag:
		return t.verify(e.child, depth+1, e.key, end) == nil
	case e.flags == bucketElement:
		return t.verifyBucket(e.value, depth)
	}
	return true
}

// pageElement is an element of a page: of a branch with its child, or of a leaf with flags and value.
type pageElement struct {
	key, value []byte
	flags      uint32
	child      uint64
}

// elementAt is the element i of a page. It returns false if the element leads out of the page.
func elementAt(page []byte, i int, pageFlags uint16) (e pageElement, ok bool) {
	element := page[pageHead+i*elementSize:]
	word := func(w int) uint64 { return uint64(binary.NativeEndian.Uint32(element[4*w:])) }
	at, keySize, valueSize := word(0), word(1), uint64(0)
	if pageFlags == leafFlag {
		e.flags = uint32(word(0))
		at, keySize, valueSize = word(1), word(2), word(3)
	} else {
		e.child = binary.NativeEndian.Uint64(element[8:])
	}
	if at+keySize+valueSize > uint64(len(element)) {
		return e, false
	}
	e.key, e.value = element[at:at+keySize], element[at+keySize:at+keySize+valueSize]
	return e, true
}

// verifyBucket verifies the tree of a bucket, whose root may be a page inside of the bucket's value.
func (t *pageTree) verifyBucket(value []byte, depth int) bool {
	if len(value) < bucketHead {
		return false
	}
	if root := binary.NativeEndian.Uint64(value); root != 0 {
		return t.verify(root, depth+1, nil, nil) == nil
	}
	inline := value[bucketHead:]
	return len(inline) >= pageHead && binary.NativeEndian.Uint16(inline[8:]) == leafFlag &&
		t.verifyElements(inline, depth+1, nil, nil)
}

// dropFreelist removes the free list from the file's two meta pages. No checksum covers the list: one
// that is a commit old would have pages overwritten that are in use. bbolt finds the free pages of a
// file without a list by itself. This program stores no list; versions up to 0.1.0 did.
func dropFreelist(tx *bolt.Tx) error {
	size := tx.DB().Info().PageSize
	for at := 0; at <= size; at += size {
		meta := bytes.Clone(mapped(tx.DB(), int64(at+metaSize))[at:])
		sum := binary.NativeEndian.Uint64(meta[metaSum:])
		if sum != metaChecksum(meta) || binary.NativeEndian.Uint64(meta[metaFreelist:]) == noFreelist {
			continue
		}
		binary.NativeEndian.PutUint64(meta[metaFreelist:], noFreelist)
		binary.NativeEndian.PutUint64(meta[metaSum:], metaChecksum(meta))
		if err := overwrite(tx.DB().Path(), meta, int64(at)); err != nil {
			return err
		}
	}
	return nil
}

func metaChecksum(meta []byte) uint64 {
	sum := fnv.New64a()
	_, _ = sum.Write(meta[pageHead:metaSum]) // a hash never fails
	return sum.Sum64()
}

// overwrite writes a part of a file and makes it durable.
func overwrite(path string, content []byte, at int64) error {
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	if _, err = file.WriteAt(content, at); err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

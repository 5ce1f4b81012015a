package natstuning

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"unsafe"
)

// An Ordering is a pass through the server's tree of a stream's subjects, which copies it so that subjects which follow
// one another lie beside one another in memory. The server puts each new subject where there is space. The garbage
// collector then waits for memory at each of millions of them, several times as long. One goroutine uses an Ordering.
type Ordering struct {
	stream *Stream
	after  []byte // the subject that was copied last; nil: none was

	layouts [8]struct { // those that it has met
		itab unsafe.Pointer
		is   *nodeLayout
	}

	// The copies of leaves and their texts share memory: there is less to allocate, and to mark.
	leaves []treeLeaf
	texts  []byte
}

// Order begins a pass.
func (s *Stream) Order() *Ordering { return &Ordering{stream: s} }

// What leaves and texts of an Ordering share: 4 KiB each, which are sizes of Go's allocator.
const (
	sharedLeaves = 127 // and 8 bytes that Go puts before them
	sharedTexts  = 4 << 10
	mostShared   = 256 // bytes of a text
)

// Step copies about limit nodes of the tree, up to a leaf, and reports whether there are more. It holds the store's
// lock, so the server neither stores nor reads meanwhile: a thousand nodes take about a millisecond. The tree is whole
// after each node. A subject that is added before the last leaf is left out.
func (o *Ordering) Step(limit int) (more bool, err error) {
	defer recoverReflection(&err)
	store := reflect.ValueOf(o.stream.store)
	if !isOnDisk(store) {
		return false, nil
	}
	lock := lockOf(store)
	lock.Lock()
	defer lock.Unlock()
	root := privateField(privateField(store, "psim"), "root")
	return o.step(root, limit)
}

func (o *Ordering) step(root reflect.Value, limit int) (more bool, err error) {
	if root.IsNil() {
		return false, nil
	}
	w := &treeWalk{Ordering: o, node: root.Type(), left: limit}
	more = !w.subtree((*treeNode)(root.Addr().UnsafePointer()), 0, o.after != nil)
	o.after = w.last
	return more && w.err == nil, w.err
}

// copyText copies into shared memory.
func (o *Ordering) copyText(s string) string {
	if len(s) == 0 || len(s) > mostShared {
		return strings.Clone(s)
	}
	if len(o.texts)+len(s) > cap(o.texts) {
		o.texts = make([]byte, 0, sharedTexts)
	}
	begin := len(o.texts)
	o.texts = append(o.texts, s...)
	return unsafe.String(&o.texts[begin], len(s))
}

// copyLeaf copies into shared memory.
func (o *Ordering) copyLeaf(of *treeLeaf) *treeLeaf {
	if len(o.leaves) == cap(o.leaves) {
		o.leaves = make([]treeLeaf, 0, sharedLeaves)
	}
	o.leaves = append(o.leaves, treeLeaf{of.value, o.copyText(of.suffix)})
	return &o.leaves[len(o.leaves)-1]
}

// A treeNode is an interface value, which points to one of the server's nodes.
type treeNode struct{ itab, data unsafe.Pointer }

// A treeLeaf has the fields of the server's leaf, which is a subject's end.
type treeLeaf struct {
	value  subjectState
	suffix string
}

// A treeMeta has the fields that all other nodes of the server have, behind their children.
type treeMeta struct {
	prefix string // of all subjects below, after that of the nodes above
	size   uint16 // the number of children
}

// A nodeLayout tells where one of the server's types of nodes has what.
type nodeLayout struct {
	typ      reflect.Type
	leaf     bool
	children int
	meta     uintptr
	keys     uintptr
	numKeys  int // as many as children: the key of each; 256: of each key the child + 1; 0: the children are by key
}

// layoutOf finds out the layout of a type of nodes, which are values of the interface in.
func layoutOf(node, in reflect.Type) (*nodeLayout, error) {
	if strings.HasPrefix(node.Name(), "leaf[") && sameFields(node, reflect.TypeFor[treeLeaf]()) {
		return &nodeLayout{typ: node, leaf: true}, nil
	}
	children, has := node.FieldByName("child")
	meta, hasMeta := node.FieldByName("meta")
	if !has || !hasMeta || children.Offset != 0 || children.Type.Kind() != reflect.Array ||
		children.Type.Elem() != in || !sameFields(meta.Type, reflect.TypeFor[treeMeta]()) {
		return nil, fmt.Errorf("a node of the tree of subjects is a %s", node)
	}
	layout := &nodeLayout{typ: node, children: children.Type.Len(), meta: meta.Offset}
	if keys, has := node.FieldByName("key"); has && keys.Type.Elem().Kind() == reflect.Uint8 {
		layout.keys, layout.numKeys = keys.Offset, keys.Type.Len()
	}
	if layout.numKeys != layout.children && layout.numKeys != 256 && (layout.numKeys != 0 || layout.children != 256) {
		return nil, fmt.Errorf("a node of the tree of subjects has %d keys of %d children", layout.numKeys, layout.children)
	}
	return layout, nil
}

// A treeWalk copies nodes in the order of their subjects.
type treeWalk struct {
	*Ordering
	node reflect.Type // the server's interface
	left int          // nodes
	path []byte       // the beginning of the subject of the node
	last []byte       // the subject of the leaf that ended the walk
	err  error
}

// layout is that of a node.
func (w *treeWalk) layout(n *treeNode) *nodeLayout {
	for i := range w.layouts {
		switch known := &w.layouts[i]; known.itab {
		case n.itab:
			return known.is
		case nil:
			is, err := layoutOf(reflect.NewAt(w.node, unsafe.Pointer(n)).Elem().Elem().Type().Elem(), w.node)
			if err != nil {
				w.err = err
				return nil
			}
			known.itab, known.is = n.itab, is
			return is
		}
	}
	w.err = errors.New("there are too many types of nodes in the tree of subjects")
	return nil
}

// subtree copies the nodes of a subtree. The nodes above have the first depth bytes of its subjects. resume: the
// subject after begins with these bytes, and only what comes after it is copied. It returns false when the walk has to
// stop.
func (w *treeWalk) subtree(n *treeNode, depth int, resume bool) bool {
	layout := w.layout(n)
	switch {
	case layout == nil:
		return false
	case layout.leaf:
		return w.leaf(n, depth, resume)
	}
	meta := (*treeMeta)(unsafe.Add(n.data, layout.meta))
	if resume {
		rest := w.after[min(depth, len(w.after)):]
		switch bytes.Compare([]byte(meta.prefix), rest[:min(len(meta.prefix), len(rest))]) {
		case -1:
			return true // all of it is before
		case 1:
			resume = false
		}
	}
	if !resume {
		copied := reflect.New(layout.typ)
		copied.Elem().Set(reflect.NewAt(layout.typ, n.data).Elem())
		n.data = copied.UnsafePointer()
		meta = (*treeMeta)(unsafe.Add(n.data, layout.meta))
		meta.prefix = w.copyText(meta.prefix)
		w.left--
	}
	w.path = append(w.path[:depth], meta.prefix...)
	return w.children(n, layout, int(meta.size), depth+len(meta.prefix), resume)
}

// leaf copies a leaf, unless it is that of the subject after. Only a leaf ends a walk: it has a subject to resume at.
func (w *treeWalk) leaf(n *treeNode, depth int, resume bool) bool {
	before := (*treeLeaf)(n.data)
	if resume && before.suffix == string(w.after[min(depth, len(w.after)):]) {
		return true
	}
	n.data = unsafe.Pointer(w.copyLeaf(before))
	w.left--
	if w.left > 0 {
		return true
	}
	w.last = append(append(w.last, w.path[:depth]...), before.suffix...)
	return false
}

// children copies those of a node, in the order of their keys.
func (w *treeWalk) children(n *treeNode, layout *nodeLayout, size, depth int, resume bool) bool {
	first := 0
	if resume {
		first = keyAt(w.after, depth)
	}
	children := unsafe.Slice((*treeNode)(n.data), layout.children)
	keys := unsafe.Slice((*byte)(unsafe.Add(n.data, layout.keys)), layout.numKeys)
	for key := first; key < 256; key++ {
		child := key
		switch layout.numKeys {
		case 0:
		case 256:
			child = int(keys[key]) - 1
		default:
			if key = nextKey(keys[:size], key); key == 256 {
				return true
			}
			child = bytes.IndexByte(keys[:size], byte(key)) //nolint:gosec // less than 256
		}
		if child < 0 || children[child].data == nil {
			continue
		}
		if !w.subtree(&children[child], depth, resume && key == first) {
			return false
		}
	}
	return true
}

// nextKey is the least of some keys from one on; 256: there is none.
func nextKey(keys []byte, from int) int {
	next := 256
	for _, key := range keys {
		if int(key) >= from {
			next = min(next, int(key))
		}
	}
	return next
}

// endKey is the server's key for a subject that ends at a node, its noPivot. No subject has this byte.
const endKey = 127

// keyAt is the key of a subject below nodes that have its first depth bytes.
func keyAt(subject []byte, depth int) int {
	if depth >= len(subject) {
		return endKey
	}
	return int(subject[depth])
}

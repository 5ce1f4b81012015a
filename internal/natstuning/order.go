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

	// The copies of leaves and their texts share memory: there is less to allocate, and to mark.
	leaves []treeLeaf
	texts  []byte
}

// Order begins a pass.
func (s *Stream) Order() *Ordering { return &Ordering{stream: s} }

// What leaves and texts of an Ordering share: 4 KiB each, which are sizes of Go's allocator.
const (
	sharedLeaves = 127
	sharedTexts  = 4 << 10
	mostShared   = 256 // bytes of a text
)

// Step copies most nodes of the tree at most, and reports whether there are more. Nobody stores or reads meanwhile: a
// thousand nodes take about a millisecond. The tree is whole after each node. What is added behind the step is left out.
func (o *Ordering) Step(most int) (more bool, err error) {
	defer recoverReflection(&err)
	store := reflect.ValueOf(o.stream.store)
	if store.Type().Elem().Name() != "fileStore" {
		return false, nil
	}
	lock := lockOf(store)
	lock.Lock()
	defer lock.Unlock()
	root := privateField(privateField(store, "psim"), "root")
	return o.step(root, most)
}

func (o *Ordering) step(root reflect.Value, most int) (more bool, err error) {
	if root.IsNil() {
		return false, nil
	}
	w := &treeWalk{Ordering: o, node: root.Type(), left: most}
	more = !w.subtree((*treeNode)(root.Addr().UnsafePointer()), 0, o.after != nil)
	o.after = w.last
	return more && w.err == nil, w.err
}

// text is a copy.
func (o *Ordering) text(s string) string {
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

// leaf is a copy.
func (o *Ordering) leaf(of *treeLeaf) *treeLeaf {
	if len(o.leaves) == cap(o.leaves) {
		o.leaves = make([]treeLeaf, 0, sharedLeaves)
	}
	o.leaves = append(o.leaves, treeLeaf{of.value, o.text(of.suffix)})
	return &o.leaves[len(o.leaves)-1]
}

// A treeNode is an interface value: the server's node is behind the pointer data.
type treeNode struct{ kind, data unsafe.Pointer }

// A treeLeaf has the fields of the server's leaf, which is a subject's end.
type treeLeaf struct {
	value  subjectState
	suffix string
}

// A treeMeta has the fields that all other nodes of the server begin with, after their children.
type treeMeta struct {
	prefix string // of all subjects below, after that of the nodes above
	size   uint16 // the number of children
}

// A nodeKind tells where one of the server's types of nodes has what.
type nodeKind struct {
	typ      reflect.Type
	leaf     bool
	children int
	meta     uintptr
	keys     uintptr
	numKeys  int // as many as children: the key of each; 256: of each key the child + 1; 0: the children are by key
}

// kindOf finds out what a type of nodes is like that an interface holds.
func kindOf(node, in reflect.Type) (*nodeKind, error) {
	if strings.HasPrefix(node.Name(), "leaf[") && sameFields(node, reflect.TypeFor[treeLeaf]()) {
		return &nodeKind{typ: node, leaf: true}, nil
	}
	children, has := node.FieldByName("child")
	meta, hasMeta := node.FieldByName("meta")
	if !has || !hasMeta || children.Offset != 0 || children.Type.Kind() != reflect.Array ||
		children.Type.Elem() != in || !sameFields(meta.Type, reflect.TypeFor[treeMeta]()) {
		return nil, fmt.Errorf("a node of the tree of subjects is a %s", node)
	}
	kind := &nodeKind{typ: node, children: children.Type.Len(), meta: meta.Offset}
	if keys, has := node.FieldByName("key"); has && keys.Type.Elem().Kind() == reflect.Uint8 {
		kind.keys, kind.numKeys = keys.Offset, keys.Type.Len()
	}
	if kind.numKeys != kind.children && kind.numKeys != 256 && (kind.numKeys != 0 || kind.children != 256) {
		return nil, fmt.Errorf("a node of the tree of subjects has %d keys of %d children", kind.numKeys, kind.children)
	}
	return kind, nil
}

// A treeWalk copies nodes in the order of their subjects.
type treeWalk struct {
	*Ordering
	node  reflect.Type // the server's interface
	kinds [8]struct {
		kind unsafe.Pointer
		is   *nodeKind
	}
	left int    // nodes
	path []byte // the beginning of the subject of the node
	last []byte // valid when left is 0
	err  error
}

// kind is that of a node.
func (w *treeWalk) kind(n *treeNode) *nodeKind {
	for i := range w.kinds {
		switch known := &w.kinds[i]; known.kind {
		case n.kind:
			return known.is
		case nil:
			is, err := kindOf(reflect.NewAt(w.node, unsafe.Pointer(n)).Elem().Elem().Type().Elem(), w.node)
			if err != nil {
				w.err = err
				return nil
			}
			known.kind, known.is = n.kind, is
			return is
		}
	}
	w.err = errors.New("there are too many kinds of nodes in the tree of subjects")
	return nil
}

// subtree copies the nodes of a subtree whose subjects have at bytes above it. resume: only those after the subject
// after, which begins with the same bytes. It returns false when it has to stop.
func (w *treeWalk) subtree(n *treeNode, at int, resume bool) bool {
	kind := w.kind(n)
	switch {
	case kind == nil:
		return false
	case kind.leaf:
		return w.leafAt(n, at, resume)
	}
	meta := (*treeMeta)(unsafe.Add(n.data, kind.meta))
	if resume {
		rest := w.after[min(at, len(w.after)):]
		switch bytes.Compare([]byte(meta.prefix), rest[:min(len(meta.prefix), len(rest))]) {
		case -1:
			return true // all of it is before
		case 1:
			resume = false
		}
	}
	if !resume {
		copied := reflect.New(kind.typ)
		copied.Elem().Set(reflect.NewAt(kind.typ, n.data).Elem())
		n.data = copied.UnsafePointer()
		meta = (*treeMeta)(unsafe.Add(n.data, kind.meta))
		meta.prefix = w.text(meta.prefix)
		w.left--
	}
	w.path = append(w.path[:at], meta.prefix...)
	return w.children(n, kind, int(meta.size), at+len(meta.prefix), resume)
}

// leafAt copies a leaf, unless it is that of the subject after.
func (w *treeWalk) leafAt(n *treeNode, at int, resume bool) bool {
	before := (*treeLeaf)(n.data)
	if resume && before.suffix == string(w.after[min(at, len(w.after)):]) {
		return true
	}
	n.data = unsafe.Pointer(w.leaf(before))
	w.left--
	if w.left > 0 {
		return true
	}
	w.last = append(append(w.last, w.path[:at]...), before.suffix...)
	return false
}

// children copies those of a node, in the order of their keys.
func (w *treeWalk) children(n *treeNode, kind *nodeKind, size, at int, resume bool) bool {
	first := 0
	if resume {
		first = keyAt(w.after, at)
	}
	children := unsafe.Slice((*treeNode)(n.data), kind.children)
	keys := unsafe.Slice((*byte)(unsafe.Add(n.data, kind.keys)), kind.numKeys)
	for key := first; key < 256; key++ {
		child := key
		switch kind.numKeys {
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
		if !w.subtree(&children[child], at, resume && key == first) {
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

// endKey is the server's key for a subject that ends at a node.
const endKey = 127

// keyAt is the key of a subject below a node whose subjects have at bytes above its children.
func keyAt(subject []byte, at int) int {
	if at >= len(subject) {
		return endKey
	}
	return int(subject[at])
}

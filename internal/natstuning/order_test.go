package natstuning

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats-server/v2/server/stree"
	"github.com/nats-io/nats.go/jetstream"
)

// TestOrderSubjects: every node of the tree of subjects is another one afterwards, however many are copied at once, and
// the stream knows the same subjects.
func TestOrderSubjects(t *testing.T) {
	_, stream := openS(t, jetstream.StreamConfig{})
	if more, err := stream.Order().Step(10); more || err != nil {
		t.Errorf("an empty tree: %v, %v", more, err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	subjects := []string{"s.end", "s.end.of", "s.end.of.another", "s.ending"}
	for i := range 300 { // nodes with all numbers of children
		wide, deep := fmt.Sprintf("s.wide%d.%c", i%7, 'a'+i), "s.deep."+strings.Repeat("x", i+1)
		subjects = append(subjects, wide, deep)
	}
	for range 20_000 {
		subjects = append(subjects, fmt.Sprintf("s.random.%08X", random.Uint32()))
	}
	random.Shuffle(len(subjects), func(i, j int) { subjects[i], subjects[j] = subjects[j], subjects[i] })
	for _, subject := range subjects {
		if _, _, err := stream.store.StoreMsg(subject, nil, nil, 0); err != nil {
			t.Fatal(err)
		}
	}
	want := stream.store.SubjectsTotals(">")
	for _, most := range []int{1_000_000, 1000, 7, 1} {
		before := leavesOf(t, stream)
		calls, after := 0, ""
		for order := stream.Order(); ; {
			more, err := order.Step(most)
			if err != nil {
				t.Fatal(err)
			}
			if calls++; !more {
				break
			}
			if string(order.after) <= after && !strings.HasPrefix(after, string(order.after)) {
				t.Fatalf("%q was copied after %q", order.after, after)
			}
			after = string(order.after)
		}
		now := leavesOf(t, stream)
		for subject, address := range before {
			if now[subject] == address {
				t.Errorf("%s is where it was", subject)
			}
		}
		if got := stream.store.SubjectsTotals(">"); !maps.Equal(got, want) || len(now) != len(want) {
			t.Errorf("%d subjects, want %d", len(got), len(want))
		}
		if most < len(want) && calls < len(want)/most/2 {
			t.Errorf("%d calls of %d nodes", calls, most)
		}
		if was, is := distance(before), distance(now); is > was/4 && most > 1000 {
			t.Errorf("subjects are %d bytes apart, before it was %d", is, was)
		}
	}
	var state server.StreamState
	if stream.store.FastState(&state); state.NumSubjects != len(want) || state.Msgs != uint64(len(subjects)) {
		t.Errorf("%+v", state)
	}
}

// TestOrderSubjectsBesideAppends: what is stored meanwhile is counted, also at subjects that are new.
func TestOrderSubjectsBesideAppends(t *testing.T) {
	_, stream := openS(t, jetstream.StreamConfig{})
	want := map[string]uint64{}
	random := rand.New(rand.NewPCG(3, 4))
	var storing sync.WaitGroup
	ended := make(chan struct{})
	storing.Go(func() {
		defer close(ended)
		for range 30_000 {
			subject := fmt.Sprintf("s.%X", random.IntN(12_000))
			if _, _, err := stream.store.StoreMsg(subject, nil, nil, 0); err != nil {
				t.Error(err)
				return
			}
			want[subject]++
		}
	})
	passes := 0
	for stored := false; !stored || passes < 3; passes++ {
		select {
		case <-ended:
			stored = true
		default:
		}
		order := stream.Order()
		toEnd(t, func() (bool, error) { return order.Step(50) })
	}
	storing.Wait()
	if got := stream.store.SubjectsTotals(">"); !maps.Equal(got, want) {
		t.Errorf("after %d passes there are %d subjects, want %d, or other numbers of messages", passes, len(got), len(want))
	}
	for subject := range want {
		if _, err := stream.store.LoadLastMsg(subject, nil); err != nil {
			t.Fatalf("%s: %v", subject, err)
		}
	}
}

// TestOrderSubjectsOfOtherNodes: a node that is not as expected is an error.
func TestOrderSubjectsOfOtherNodes(t *testing.T) {
	type meta treeMeta
	for _, node := range []any{
		struct{ value subjectState }{},
		struct{ child []any }{},
		struct {
			child [4]any
			meta
			key [5]byte
		}{},
		struct {
			child [4]any
			meta
			key [4]int
		}{},
		struct {
			child [48]any
			meta
		}{},
		struct {
			child [256]string
			meta
		}{},
		struct {
			size  int
			child [4]any
			meta
			key [4]byte
		}{},
	} {
		if layout, err := layoutOf(reflect.TypeOf(node), reflect.TypeFor[any]()); err == nil {
			t.Errorf("%T is taken for %+v", node, layout)
		}
	}
	for _, node := range []any{
		struct {
			child [4]any
			meta
			key [4]byte
		}{},
		struct {
			child [48]any
			meta
			key [256]byte
		}{},
		struct {
			child [256]any
			meta
		}{},
	} {
		if _, err := layoutOf(reflect.TypeOf(node), reflect.TypeFor[any]()); err != nil {
			t.Error(err)
		}
	}
}

// toEnd goes on with a pass as long as there is more.
func toEnd(t testing.TB, step func() (more bool, err error)) {
	t.Helper()
	for more := true; more; {
		var err error
		if more, err = step(); err != nil {
			t.Fatal(err)
		}
	}
}

// leavesOf has the address of each subject's leaf.
func leavesOf(t *testing.T, stream *Stream) map[string]uintptr {
	t.Helper()
	root := privateField(privateField(reflect.ValueOf(stream.store), "psim"), "root")
	w := &treeWalk{Ordering: &Ordering{}, node: root.Type()}
	all := map[string]uintptr{}
	var walk func(n *treeNode, path string)
	walk = func(n *treeNode, path string) {
		layout := w.layout(n)
		if w.err != nil {
			t.Fatal(w.err)
		}
		if layout.leaf {
			all[path+(*treeLeaf)(n.data).suffix] = uintptr(n.data)
			return
		}
		path += (*treeMeta)(unsafe.Add(n.data, layout.meta)).prefix
		children := unsafe.Slice((*treeNode)(n.data), layout.children)
		for i := range children {
			if children[i].data != nil {
				walk(&children[i], path)
			}
		}
	}
	if !root.IsNil() {
		walk((*treeNode)(root.Addr().UnsafePointer()), "")
	}
	return all
}

// distance is how many bytes the leaves of subjects that follow one another are apart: the median.
func distance(leaves map[string]uintptr) int {
	var all []int
	before := uintptr(0)
	for _, subject := range slices.Sorted(maps.Keys(leaves)) {
		all = append(all, max(int(leaves[subject])-int(before), int(before)-int(leaves[subject])))
		before = leaves[subject]
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// BenchmarkOrdering orders subjects that came in no order, and measures a collection before and after it.
func BenchmarkOrdering(b *testing.B) {
	const subjects = 2_000_000
	collect := func() float64 {
		runtime.GC()
		began := time.Now()
		runtime.GC()
		return float64(time.Since(began).Milliseconds())
	}
	for b.Loop() {
		tree := stree.NewSubjectTree[subjectState]()
		random := rand.New(rand.NewPCG(1, 2))
		for range subjects {
			tree.Insert(fmt.Appendf(nil, "licenses.product.0001-%08X-%08X", random.Uint32(), random.Uint32()), subjectState{})
		}
		b.ReportMetric(collect(), "ms/collection-before")
		began := time.Now()
		order := &Ordering{}
		root := privateField(reflect.ValueOf(tree), "root")
		toEnd(b, func() (bool, error) { return order.step(root, 256) })
		b.ReportMetric(float64(time.Since(began).Nanoseconds())/subjects, "ns/subject")
		b.ReportMetric(collect(), "ms/collection-after")
		runtime.KeepAlive(tree)
	}
}

package viewstore

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestNumberSet compares sets over some partitions with sorted slices, in both directions.
func TestNumberSet(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	var empty NumberSet
	if _, ok := empty.Next(0, false); ok || empty.Has(0) {
		t.Error("the empty set has a member")
	}
	for range 50 {
		var set NumberSet
		var want SliceList
		for range random.IntN(40) {
			n := random.Uint64N(5 << partitionBits)
			if random.IntN(3) == 0 {
				n = n>>partitionBits<<partitionBits - random.Uint64N(2)
				n &= 5<<partitionBits - 1
			}
			set.Add(n)
			set.Add(n)
			want = append(want, n)
		}
		slices.Sort(want)
		want = slices.Compact(want)
		if set.Len() != len(want) {
			t.Fatalf("%d members, want %d", set.Len(), len(want))
		}
		for range 200 {
			from, desc := random.Uint64N(7<<partitionBits), random.IntN(2) == 0
			got, ok := set.Next(from, desc)
			expected, found := want.Next(from, desc)
			if got != expected || ok != found || ok && !set.Has(got) {
				t.Fatalf("Next(%d, %t) is %d %t, want %d %t", from, desc, got, ok, expected, found)
			}
		}
	}
}

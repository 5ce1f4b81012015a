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
		for range random.IntN(3) {
			chunk, places := random.Uint64N(5<<partitionBits)>>chunkBits, random.Uint64()&random.Uint64()
			before := set.Places(chunk)
			set.AddPlaces(chunk, places)
			if got := set.Places(chunk); got != before|places {
				t.Fatalf("chunk %d has %b, want %b", chunk, got, before|places)
			}
			for place := range uint64(chunkMask + 1) {
				if places>>place&1 != 0 {
					want = append(want, chunk<<chunkBits|place)
				}
			}
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

// TestNumberSetAlgebra compares unions, intersections and differences with maps.
func TestNumberSetAlgebra(t *testing.T) {
	random := rand.New(rand.NewPCG(6, 7))
	for range 100 {
		var sets [2]NumberSet
		var has [2]map[uint64]bool
		for i := range sets {
			has[i] = map[uint64]bool{}
			for range random.IntN(30) {
				n := random.Uint64N(3)<<partitionBits + random.Uint64N(70)
				sets[i].Add(n)
				has[i][n] = true
			}
		}
		var keeps func(a, b bool) bool
		switch random.IntN(3) {
		case 0:
			sets[0].AddAll(&sets[1])
			keeps = func(a, b bool) bool { return a || b }
		case 1:
			sets[0].Retain(&sets[1])
			keeps = func(a, b bool) bool { return a && b }
		default:
			sets[0].RemoveAll(&sets[1])
			keeps = func(a, b bool) bool { return a && !b }
		}
		size := 0
		for n := range uint64(3 << partitionBits) {
			if n&offsetMask >= 70 {
				continue
			}
			want := keeps(has[0][n], has[1][n])
			if want {
				size++
			}
			if sets[0].Has(n) != want {
				t.Fatalf("Has(%d) is %t", n, !want)
			}
		}
		if sets[0].Len() != size {
			t.Fatalf("%d members, want %d", sets[0].Len(), size)
		}
	}
}

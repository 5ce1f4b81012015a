package projector

import (
	"slices"
	"testing"
)

func TestSets(t *testing.T) {
	a, b := list{1, 3, 5, 7, 9}, list{3, 4, 5, 9, 11}
	tests := []struct {
		name string
		set  set
		want []uint64
	}{
		{"list", a, a}, {"empty", list{}, nil},
		{"both", both{a, b}, []uint64{3, 5, 9}}, {"both of one", both{a}, a}, {"both of nothing", both{a, list{}}, nil},
		{"either", either{a, b}, []uint64{1, 3, 4, 5, 7, 9, 11}},
		{"without", without{a, b}, []uint64{1, 7}}, {"without all", without{a, a}, nil},
		{"nested", both{either{a, b}, without{b, list{4}}, list{3, 4, 11}}, []uint64{3, 11}},
	}
	for _, test := range tests {
		for _, down := range []bool{false, true} {
			got := slices.Collect(ordered[uint64](test.set, down))
			if down {
				slices.Reverse(got)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("%s, down %v: %v, want %v", test.name, down, got, test.want)
			}
		}
	}
}

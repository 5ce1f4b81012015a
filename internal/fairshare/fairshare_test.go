package fairshare

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// take tries to take a place for each letter and returns the letters that got one.
func take(p *Places, parties string) string {
	var got strings.Builder
	for _, party := range parties {
		if p.TryTake(string(party)) {
			got.WriteRune(party)
		}
	}
	return got.String()
}

// TestShares: who gets a place, in the order in which they ask.
func TestShares(t *testing.T) {
	for _, tt := range []struct {
		places   int
		ask, got string
	}{
		{4, "aaaaa", "aaaa"},      // alone: all of them
		{4, "aaaaabbb", "aaaabb"}, // the others have their half, however many a holds
		{4, "aaaabcd", "aaaabc"},  // which they share
		{4, "aabbabc", "aabb"},    // everybody has half at most: the places are taken
		{4, "aaabb", "aaabb"},     // a holds one beyond its half
		{4, "aabacdb", "aabac"},   // a's third place does not keep c out
		{1, "aab", "a"},           // nothing to share
		{2, "aaabb", "aab"},       //
		{3, "aaaabbcc", "aaabc"},  // half is one
		{0, "aa", "a"},            // at least one
		{16, strings.Repeat("a", 20), strings.Repeat("a", 16)},
	} {
		if got := take(New(tt.places), tt.ask); got != tt.got {
			t.Errorf("%d places, %s: %s, want %s", tt.places, tt.ask, got, tt.got)
		}
	}
}

// TestNobodyIsKeptOutByOne: whatever one party does, a party that holds nothing gets a place, as long
// as the others hold less than half. The total stays bounded.
func TestNobodyIsKeptOutByOne(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for places := 2; places <= 17; places++ {
		p, held := New(places), map[string]int{}
		for range 20_000 {
			party := string("aaaaabcd"[random.IntN(8)])
			if held[party] > 0 && random.IntN(3) == 0 {
				p.Release(party)
				held[party]--
				continue
			}
			others := held["b"] + held["c"] + held["d"]
			got := p.TryTake(party)
			if got {
				held[party]++
			}
			if !got && party != "a" && held[party] == 0 && others < places-places/2 {
				t.Fatalf("%d places, %v: %s is refused", places, held, party)
			}
			if total := p.Status().Taken; total > places+(places+1)/2 {
				t.Fatalf("%d places, %v: %d are taken", places, held, total)
			}
		}
	}
}

func TestStatus(t *testing.T) {
	p := New(2)
	check := func(taken int, free, shared bool) {
		t.Helper()
		if s := p.Status(); s.Taken != taken || s.Free != free || s.Shared != shared {
			t.Errorf("%+v, want %d %v %v", s, taken, free, shared)
		}
	}
	check(0, true, false)
	take(p, "aa")
	check(2, false, true)
	take(p, "b")
	check(3, false, false)
	before := p.Status()
	p.Release("a")
	<-before.Change
	check(2, false, false)
	p.Release("a")
	check(1, true, false)
	p.Release("b")
	check(0, true, false)
	if len(p.held) != 0 {
		t.Errorf("it remembers %v", p.held)
	}
}

package projector

import (
	"fmt"
	"testing"

	"licenseimport/events"
)

// TestNames: what was added is never missed, also with as many names as an era can have, and few
// of the others seem to be there.
func TestNames(t *testing.T) {
	const n = 1 << eraBits
	known := new(names)
	for i := range n {
		known.add(orderByStore, fmt.Append(nil, "store-", i), events.Seq(3*n+i))
	}
	if parts := known.parts[orderByStore]; len(parts) != 4 || parts[0] != nil || parts[3] == nil {
		t.Fatalf("%d parts, want the fourth only", len(parts))
	}
	part, wrong := known.parts[orderByStore][3], 0
	for i := range n {
		if !part.Test(fmt.Append(nil, "store-", i)) {
			t.Fatalf("store-%d is missed", i)
		}
		if part.Test(fmt.Append(nil, "other-", i)) {
			wrong++
		}
	}
	if wrong > n/12 { // 4.9 % of them are expected
		t.Errorf("%d of %d that are not there seem to be", wrong, n)
	}
}

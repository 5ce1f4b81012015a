package projector

import "testing"

func TestContainsFold(t *testing.T) {
	for text, keys := range map[string][]string{"aBc": {"xABCx", "abc"}, "ÄÖ": {"xäöx", "ÄÖ"}, "-1": {"a-1"}, "k": {"\u212A"}} {
		for _, key := range keys {
			if !containsFold(text)([]byte(key)) {
				t.Errorf("%q is not found in %q", text, key)
			}
		}
	}
	if keyMatches("", "psc")([]byte("key\x00psc")) {
		t.Error("the product is no part of the key")
	}
}

package contracttest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var link = regexp.MustCompile(`\]\(([^)#]+)[^)]*\)|src="([^"]+)"`)

// TestLinks: what the pages point to is there.
func TestLinks(t *testing.T) {
	found := 0
	for _, pattern := range []string{"*.md", "docs/*.md", "deploy/*.md", "examples/*.md", "examples/*/*.md"} {
		pages, err := filepath.Glob(filepath.Join("../..", pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, page := range pages {
			text, err := os.ReadFile(page)
			if err != nil {
				t.Fatal(err)
			}
			for _, match := range link.FindAllStringSubmatch(string(text), -1) {
				target := match[1] + match[2]
				if strings.Contains(target, "://") {
					continue
				}
				found++
				if _, err := os.Stat(filepath.Join(filepath.Dir(page), target)); err != nil {
					t.Errorf("%s points to %s, which is not there", page, target)
				}
			}
		}
	}
	if found < 20 {
		t.Errorf("only %d links found", found)
	}
}

package robustnesstest

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// TestGoldenDirectoryChanges opens a data directory that the first version wrote, whose events know neither
// updates nor undos. Its licenses can be updated, and the updates and its own imports can be undone. A
// rebuild gives the same answers.
func TestGoldenDirectoryChanges(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	unpack(t, golden+".tar.gz", data)
	p := serveOn(t, data)
	c := p.admin()
	asImported := c.licenses(t)
	if len(asImported) != 4 {
		t.Fatalf("%d licenses in the golden directory, want 4: %v", len(asImported), asImported)
	}
	columns := strings.TrimSpace(header) + ",customer__email,order__store_id,license__max_activations,license__note\n"
	update := c.importsWith(t, "?existing=update", columns+
		"g-1,psc,ben@example.com,,7,#N/A\ng-2,psc,,,,\ng-3,other product,,,5,\ng-5,psc,,,2,\ng-7,psc,,,,\n")
	if r := update.Result; r == nil || r.Updated != 3 || r.Existed != 1 || r.Imported != 1 {
		t.Fatalf("update of the first version's licenses: %+v", r)
	}
	updated := c.licenses(t)
	if g1 := updated["g-1"]; !strings.Contains(g1, `"max_activations":7`) || !strings.Contains(g1, "ben@example.com") ||
		strings.Contains(g1, "Grüße") || updated["g-2"] != asImported["g-2"] {
		t.Errorf("after the update: %v", updated)
	}
	c.undo(t, update.ID, `{"revoked":1,"restored":3,"kept":0}`)
	for key, license := range c.licenses(t) {
		if license != asImported[key] {
			t.Errorf("%s after the undo of the update:\n got %s\nwant %s", key, license, asImported[key])
		}
	}
	again := c.importsWith(t, "?existing=update", columns+"g-1,psc,,,9,\n")
	c.undo(t, 1, `{"revoked":2,"restored":0,"kept":1}`) // made g-1, g-2 and g-3
	c.undo(t, 2, `{"revoked":1,"restored":0,"kept":0}`) // made g-5
	if left := c.licenses(t); len(left) != 1 || !strings.Contains(left["g-1"], `"max_activations":9`) {
		t.Errorf("after the undo of the first version's imports: %v", left)
	}
	c.get(t, 410, "/api/v1/licenses/15/")
	c.call(t, 409, "POST", resultsPath+"3/undo/", nil) // a dry run
	paths := append(goldenReads[:len(goldenReads):len(goldenReads)], "/api/v1/licenses/15/history/", "/api/v1/licenses/4/history/",
		resultsPath+"1/kept_rows/", fmt.Sprintf("%s%d/updated_rows/", resultsPath, again.ID), "/api/v1/licenses/export/")
	before := readPaths(t, p, paths)
	p.stop(t)
	digest(t, data)
	p = serveOn(t, data)
	compareAnswers(t, "rebuilt", before, readPaths(t, p, paths))
	if r := p.admin().imports(t, header+"g-2,psc\n"); r.Result.Imported != 1 {
		t.Errorf("a key of the first version, imported again after its undo: %+v", r.Result)
	}
}

// licenses is each license's key and JSON.
func (c *client) licenses(t *testing.T) map[string]string {
	t.Helper()
	var list struct{ Results []json.RawMessage }
	if err := json.Unmarshal(c.get(t, 200, "/api/v1/licenses/?limit=100").body, &list); err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, license := range list.Results {
		var l struct {
			Key string `json:"license_key"`
		}
		if err := json.Unmarshal(license, &l); err != nil {
			t.Fatal(err)
		}
		found[l.Key] = string(license)
	}
	return found
}

// undo compares what the preview says with what is wanted, undoes the import and waits for its end.
func (c *client) undo(t *testing.T, job int, want string) {
	t.Helper()
	path := fmt.Sprintf("%s%d/", resultsPath, job)
	if got := strings.TrimSpace(string(c.get(t, 200, path+"undo/").body)); got != want {
		t.Errorf("preview of the undo of import %d: %s, want %s", job, got, want)
	}
	c.call(t, 202, "POST", path+"undo/", nil)
	var counts string
	eventually(t, fmt.Sprintf("the undo of import %d", job), func() bool {
		var r struct {
			Undo struct {
				Status                  string
				Revoked, Restored, Kept int
			}
		}
		if err := json.Unmarshal(c.get(t, 200, path).body, &r); err != nil {
			t.Fatal(err)
		}
		counts = fmt.Sprintf(`{"revoked":%d,"restored":%d,"kept":%d}`, r.Undo.Revoked, r.Undo.Restored, r.Undo.Kept)
		return r.Undo.Status == "finished"
	})
	if counts != want {
		t.Errorf("undo of import %d: %s, want %s", job, counts, want)
	}
}

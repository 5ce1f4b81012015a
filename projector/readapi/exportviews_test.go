package readapi

import (
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"licenseimport/projector"
)

// TestExport: an admin gets the views' file, which is sound.
func TestExport(t *testing.T) {
	log := newMemLog(manyImports(5, 1, 50)...)
	r := newHarness(t, t.TempDir(), log)
	r.catchUp()
	digest, err := r.Digest()
	check(t, err)
	a, head := r.get(ExportPath), r.do(http.MethodHead, adminKey, ExportPath)
	if a.status != 200 || a.header.Get("Content-Type") != "application/octet-stream" ||
		a.header.Get("Content-Length") != strconv.Itoa(len(a.body)) {
		t.Fatalf("%d %v for %d bytes", a.status, a.header, len(a.body))
	}
	if head.status != 200 || head.header.Get("Content-Length") != a.header.Get("Content-Length") || head.body != "" {
		t.Errorf("HEAD: %d %v, %d bytes", head.status, head.header, len(head.body))
	}
	dir := t.TempDir()
	check(t, os.WriteFile(filepath.Join(dir, projector.FileName), []byte(a.body), 0o600))
	result, err := projector.CatchUp(t.Context(), log, dir)
	if err != nil || result.Digest != digest || result.Events != 0 {
		t.Errorf("%+v, %v, want %s", result, err, digest)
	}
}

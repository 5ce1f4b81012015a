package robustnesstest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// update writes the golden directory: only ever for a further one, beside those
// that earlier versions wrote, which have to be read for ever.
var update = flag.Bool("golden", false, "write testdata/v1.tar.gz, v1.txt and v1.digest: never once it is released")

const golden = "testdata/v1"

// goldenReads are the answers that have to stay what they are.
var goldenReads = []string{
	resultsPath, resultsPath + "1/", resultsPath + "2/", resultsPath + "3/", resultsPath + "1/invalid_rows/", resultsPath + "2/existed_rows/",
	resultsPath + "1/invalid_rows.csv", "/api/v1/licenses/?limit=100", "/api/v1/licenses/?license_key__startswith=g-1", "/api/v1/customers/", "/api/v1/orders/",
}

// TestGoldenDirectory opens a data directory that an earlier version wrote. It answers what
// it answered then, from the views as they are and from the events alone, and takes more.
func TestGoldenDirectory(t *testing.T) {
	t.Parallel()
	if *update {
		writeGolden(t)
	}
	want, err := os.ReadFile(golden + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(t.TempDir(), "data")
	unpack(t, golden+".tar.gz", data)
	p := serveOn(t, data)
	compareAnswers(t, "as it is", string(want), readAll(t, p))
	if strings.Contains(p.logs.String(), "folded again") {
		t.Logf("the views have another format by now, and were rebuilt")
	}
	p.stop(t)
	compareDigest(t, data)
	p = serveOn(t, data)
	compareAnswers(t, "rebuilt", string(want), readAll(t, p))
	if r := p.admin().imports(t, rows("g", 3)); r.Result.Imported != 1 || r.Result.Existed != 2 || r.ID <= 3 {
		t.Errorf("one more import: %+v %+v", r, r.Result)
	}
}

// compareDigest rebuilds the views and compares their digest. A change of their format
// on purpose writes the new digest there; the answers stay.
func compareDigest(t *testing.T, data string) {
	t.Helper()
	want, err := os.ReadFile(golden + ".digest")
	if err != nil {
		t.Fatal(err)
	}
	if got := digest(t, data); got != strings.TrimSpace(string(want)) {
		t.Errorf("the digest of the views is %s, and was %s", got, want)
	}
}

// digest is what the command rebuild prints.
func digest(t *testing.T, data string) string {
	t.Helper()
	_, printed, _ := strings.Cut(command(t, "rebuild", "--data", data), "Digest of the views: ")
	return strings.TrimSpace(printed)
}

// compareAnswers names the first line that differs. Objects may have further members: those of the
// earlier version are as they were.
func compareAnswers(t *testing.T, what, want, got string) {
	t.Helper()
	wanted, found := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(wanted), len(found)) {
		if wanted[i] != found[i] && !includes(parsed(found[i]), parsed(wanted[i])) {
			t.Errorf("%s, line %d:\n got %s\nwant %s", what, i+1, found[i], wanted[i])
			return
		}
	}
	if len(wanted) != len(found) {
		t.Errorf("%s: %d lines, want %d", what, len(found), len(wanted))
	}
}

// parsed is a JSON text; nil if it is none.
func parsed(text string) (v any) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	if decoder.Decode(&v) != nil {
		return nil
	}
	return v
}

// includes reports whether a JSON value is the wanted one, perhaps with more members in objects.
func includes(got, want any) bool {
	switch want := want.(type) {
	case nil:
		return false // not JSON: then the lines are compared as they are
	case map[string]any:
		got, ok := got.(map[string]any)
		for name, value := range want {
			member, present := got[name]
			ok = ok && present && (value == nil && member == nil || includes(member, value))
		}
		return ok
	case []any:
		got, ok := got.([]any)
		ok = ok && len(got) == len(want)
		for i := range want {
			ok = ok && (want[i] == nil && got[i] == nil || includes(got[i], want[i]))
		}
		return ok
	default:
		return got == want
	}
}

// readAll is all golden answers, without the server's address.
func readAll(t *testing.T, p *process) string {
	t.Helper()
	return readPaths(t, p, goldenReads)
}

// readPaths is the answers of some addresses, without the server's own.
func readPaths(t *testing.T, p *process, paths []string) string {
	t.Helper()
	eventually(t, "readiness", func() bool { a, err := p.admin().send("GET", "/readyz", nil); return err == nil && a.status == 200 })
	var all strings.Builder
	for _, path := range paths {
		body := strings.ReplaceAll(string(p.admin().get(t, 200, path).body), p.url, "")
		fmt.Fprintf(&all, "GET %s\n%s\n", path, strings.TrimSpace(body))
	}
	return all.String()
}

// writeGolden makes the directory: rows of every kind, a catalogue, a key, a dry run, a cancelled
// and an aborted import.
func writeGolden(t *testing.T) {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	p := serveOn(t, data)
	c := p.admin()
	const columns = "license__license_key,product__short_code,customer__email,order__store_id,license__validity_period,license__max_activations,license__note\n"
	c.imports(t, columns+"g-1,psc,ann@example.com,o-1,2030-01-01,3,Grüße\ng-2,psc,ANN@example.com,o-1,,,\"two\nlines\"\ng-3,other product,bob@example.com,,,,\n,psc,no address,,soon,many,\ng-1,psc,,,,,\ng-4,ps\"c\n")
	c.imports(t, columns+"g-1,psc,ann@example.com,o-2,,,\ng-5,psc,,o-1,,,\n")
	body, contentType := form(columns + "g-6,psc,,,,,\n")
	c.await(t, c.call(t, 200, "POST", uploadPath+"?dry_run=true", body, "Content-Type", contentType).decode(t).JobID)
	if err := os.WriteFile(golden+".txt", []byte(readAll(t, p)), 0o644); err != nil {
		t.Fatal(err)
	}
	p.stop(t)
	pack(t, data, golden+".tar.gz")
	if err := os.WriteFile(golden+".digest", []byte(digest(t, data)+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}

// left out of the packed directory: what belongs to one run.
var leftOut = regexp.MustCompile(`(^|/)(lock|\.lock|.*\.sock)$`)

func pack(t *testing.T, dir, file string) {
	t.Helper()
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(z)
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || leftOut.MatchString(path) {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if err := w.WriteHeader(&tar.Header{Name: filepath.ToSlash(name), Mode: 0o600, Size: int64(len(text))}); err != nil {
			return err
		}
		_, err = w.Write(text)
		return err
	})
	if err := errors.Join(err, w.Close(), z.Close(), os.WriteFile(file, b.Bytes(), 0o644)); err != nil {
		t.Fatal(err)
	}
}

func unpack(t *testing.T, file, dir string) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(z); ; {
		entry, err := r.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, filepath.FromSlash(entry.Name))
		text, err := io.ReadAll(r)
		if err := errors.Join(err, os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, text, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
}

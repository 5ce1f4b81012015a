package workbook

import (
	"archive/zip"
	"errors"
	"io"
	"path"
	"strings"

	"github.com/klauspost/compress/flate"
)

const (
	// maxDirectory bounds the archive's list of parts: every entry costs memory. A workbook of a hundred
	// sheets has 20 KiB.
	maxDirectory = 2 << 20
	maxSheets    = 10_000
)

// parts is the ZIP archive that a workbook is.
type parts struct {
	files map[string]*zip.File // by normalName
	left  int64                // bytes that may still be unpacked
	limit int64
}

// normalName is the form in which the names of parts are compared: without regard to case, as the
// format says. Some producers write backslashes.
func normalName(name string) string {
	return strings.ToLower(strings.TrimPrefix(path.Clean("/"+strings.ReplaceAll(name, `\`, "/")), "/"))
}

// errDirectory is why an archive with very many parts is not opened.
var errDirectory = errors.New("the archive has too many parts")

// boundedReaderAt fails after a number of bytes.
type boundedReaderAt struct {
	io.ReaderAt
	left int
}

func (r *boundedReaderAt) ReadAt(p []byte, at int64) (int, error) {
	n, err := r.ReaderAt.ReadAt(p, at)
	if r.left -= n; r.left < 0 {
		return 0, errDirectory
	}
	return n, err
}

// openParts reads the archive's directory.
func openParts(r io.ReaderAt, size, maxUnpacked int64) (*parts, error) {
	bounded := &boundedReaderAt{r, maxDirectory}
	archive, err := zip.NewReader(bounded, size)
	if err != nil {
		return nil, err
	}
	bounded.left = int(^uint(0) >> 1) // the parts are bounded by what they take unpacked
	archive.RegisterDecompressor(zip.Deflate, func(r io.Reader) io.ReadCloser { return flate.NewReader(r) })
	p := &parts{files: make(map[string]*zip.File, len(archive.File)), left: maxUnpacked, limit: maxUnpacked}
	for _, f := range archive.File {
		if name := normalName(f.Name); p.files[name] == nil {
			p.files[name] = f
		}
	}
	return p, nil
}

// encryptedFlag is the bit of a ZIP entry's flags that tells that a password protects it.
const encryptedFlag = 1

// open opens a part. It fails with a TooLargeError before anything is unpacked where the archive says
// that the part is larger than what may be unpacked.
func (p *parts) open(name string) (io.ReadCloser, error) {
	f := p.files[normalName(name)]
	if f == nil {
		return nil, errors.New("the part " + name + " is missing")
	}
	if f.Flags&encryptedFlag != 0 {
		return nil, errEncrypted
	}
	if f.UncompressedSize64 > uint64(p.left) {
		return nil, &TooLargeError{p.limit}
	}
	content, err := f.Open()
	if err != nil {
		return nil, err
	}
	return &part{content, p}, nil
}

// part is one file of the archive. What is read of it counts, whatever the archive says about its size.
type part struct {
	io.ReadCloser
	of *parts
}

func (r *part) Read(b []byte) (int, error) {
	n, err := r.ReadCloser.Read(b)
	if r.of.left -= int64(n); r.of.left < 0 {
		return 0, &TooLargeError{r.of.limit}
	}
	return n, err
}

// has reports whether the archive has a part.
func (p *parts) has(name string) bool { return p.files[normalName(name)] != nil }

// scan reads a small part from its beginning to its end. visit is called for each element that starts
// and returns an error to stop.
func (p *parts) scan(name string, visit func(s *scanner) error) error {
	content, err := p.open(name)
	if err != nil {
		return err
	}
	defer content.Close()
	s, err := newScanner(content)
	if err != nil {
		return err
	}
	for {
		kind, err := s.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if kind == startElement {
			if err := visit(s); err != nil {
				return err
			}
		}
	}
}

// relation is a relationship of a part: what another part is for it.
type relation struct {
	kind   string // the last element of its type: worksheet, sharedStrings, …
	target string // the other part
}

// relations reads the relationships of a part by their ids. A part without any has none.
func (p *parts) relations(of string) (map[string]relation, error) {
	dir, file := path.Split(of)
	name := dir + "_rels/" + file + ".rels"
	if !p.has(name) {
		return nil, nil
	}
	found := make(map[string]relation)
	err := p.scan(name, func(s *scanner) error {
		if string(s.name) != "Relationship" || string(s.attr("TargetMode")) == "External" {
			return nil
		}
		target := strings.ReplaceAll(string(s.attr("Target")), `\`, "/")
		if !strings.HasPrefix(target, "/") {
			target = path.Join(dir, target)
		}
		if len(found) == maxSheets {
			return errors.New("a part has too many relationships")
		}
		found[string(s.attr("Id"))] = relation{path.Base(string(s.attr("Type"))), target}
		return nil
	})
	return found, err
}

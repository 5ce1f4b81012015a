package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"time"

	"licenseimport/docs"
	"licenseimport/internal/httpx"
)

//go:embed static
var files embed.FS

// policy is the Content-Security-Policy: it allows what the page needs only.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"form-action 'none'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// types are the media types by extension. The operating system's table is not used:
// a browser does not run a script of the wrong type.
var types = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".json": "application/json",
	".svg":  "image/svg+xml",
	".md":   "text/markdown; charset=utf-8",
}

// Register adds GET /, the files below /static/ and the API reference below /reference/; they need no
// key. An error is a defect of the program: a file without a type.
func Register(router *httpx.Router) error {
	if err := registerReference(router); err != nil {
		return err
	}
	router.Handle(http.MethodGet, "/static/guide.md", serve(docs.Importing, types[".md"]), httpx.AnyQuery)
	return fs.WalkDir(files, "static", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		mime := types[path.Ext(name)]
		if mime == "" {
			return fmt.Errorf("web: %s: no type is known for such a file", name)
		}
		if name == "static/index.html" {
			router.Handle(http.MethodGet, "/", servePage(content, mime), httpx.AnyQuery)
			return nil
		}
		router.Handle(http.MethodGet, "/"+name, serve(content, mime), httpx.AnyQuery)
		return nil
	})
}

// relative matches the addresses of other files in a page.
var relative = regexp.MustCompile(`(href|src)="((?:static/|openapi|reference/)[^"]*)"`)

// below is a page whose addresses begin with a prefix and a slash.
func below(page []byte, prefix string) []byte {
	return relative.ReplaceAll(page, []byte(`$1="`+prefix+`/$2"`)) // a prefix has no $ and no quote
}

// servePage answers with the page. Below a proxy's prefix its addresses begin with that prefix: at
// /prefix, without a last slash, a browser would look for relative ones beside /prefix.
func servePage(content []byte, mime string) httpx.Handler {
	page := serve(content, mime)
	return func(w http.ResponseWriter, r *http.Request, p httpx.Params) error {
		prefix := httpx.Prefix(r)
		if prefix == "" {
			return page(w, r, p)
		}
		return serve(below(content, prefix), mime)(w, r, p)
	}
}

// serve answers with one file of the page, or 304 if the client has it.
func serve(content []byte, mime string) httpx.Handler { return serveUnder(policy, content, mime) }

// serveUnder answers with one file under a Content-Security-Policy.
func serveUnder(policy string, content []byte, mime string) httpx.Handler {
	sum := sha256.Sum256(content)
	tag := `"` + hex.EncodeToString(sum[:16]) + `"`
	return func(w http.ResponseWriter, r *http.Request, _ httpx.Params) error {
		h := w.Header()
		h.Set("Content-Type", mime)
		h.Set("Content-Security-Policy", policy)
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cache-Control", "no-cache")
		h.Set("ETag", tag)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
		return nil
	}
}

package web

import (
	"embed"
	"io/fs"
	"net/http"
	"path"

	"licenseimport/internal/httpx"
)

// reference is the API reference: the viewer Swagger UI as its npm package swagger-ui-dist has it, which
// `make reference` copies, and two small files of ours.
//
//go:embed reference
var reference embed.FS

// referencePolicy is the Content-Security-Policy of the reference. The viewer writes style elements and has
// its icons as data: addresses. Nothing may be loaded from, or sent to, another server.
const referencePolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; " +
	"form-action 'none'; frame-ancestors 'none'; base-uri 'none'"

// registerReference adds GET /reference/ and the viewer's files below it.
func registerReference(router *httpx.Router) error {
	return fs.WalkDir(reference, "reference", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := reference.ReadFile(name)
		if err != nil {
			return err
		}
		mime := types[path.Ext(name)]
		if name == "reference/index.html" {
			router.Handle(http.MethodGet, "/reference/", serveReference(content, mime), httpx.AnyQuery)
			return nil
		}
		router.Handle(http.MethodGet, "/"+name, serveUnder(referencePolicy, content, mime), httpx.AnyQuery)
		return nil
	})
}

// serveReference answers with the reference's page. Its addresses begin with a slash, or a proxy's prefix:
// the page is also served at /reference, where relative ones would be beside it.
func serveReference(content []byte, mime string) httpx.Handler {
	return func(w http.ResponseWriter, r *http.Request, p httpx.Params) error {
		return serveUnder(referencePolicy, below(content, httpx.Prefix(r)), mime)(w, r, p)
	}
}

package openapi

import (
	_ "embed"
	"net/http"
	"strconv"

	"licenseimport/internal/httpx"
)

// Path is where every role with HTTP serves the document, without a key.
const Path = "/openapi.yaml"

//go:embed openapi.yaml
var document []byte

// Document is a copy of the OpenAPI document, YAML in UTF-8.
func Document() []byte { return append([]byte(nil), document...) }

// Handler answers GET /openapi.yaml.
func Handler(w http.ResponseWriter, _ *http.Request, _ httpx.Params) error {
	h := w.Header()
	h.Set("Content-Type", "application/yaml") // RFC 9512
	h.Set("Content-Length", strconv.Itoa(len(document)))
	_, err := w.Write(document)
	return err
}

package openapi

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"

	"github.com/oasdiff/yaml3"

	"licenseimport/internal/httpx"
)

// Where every role with HTTP serves the document, without a key.
const (
	Path     = "/openapi.yaml"
	JSONPath = "/openapi.json"
)

//go:embed openapi.yaml
var document []byte

// Document is a copy of the OpenAPI document, YAML in UTF-8.
func Document() []byte { return append([]byte(nil), document...) }

// inJSON is the same document as JSON.
var inJSON = sync.OnceValues(func() ([]byte, error) {
	var tree map[string]any
	if err := yaml.Unmarshal(document, &tree); err != nil {
		return nil, fmt.Errorf("the OpenAPI document: %w", err)
	}
	return json.Marshal(tree)
})

// Handler answers GET /openapi.yaml.
func Handler(w http.ResponseWriter, _ *http.Request, _ httpx.Params) error {
	return write(w, "application/yaml", document) // RFC 9512
}

// JSONHandler answers GET /openapi.json.
func JSONHandler(w http.ResponseWriter, _ *http.Request, _ httpx.Params) error {
	body, err := inJSON()
	if err != nil {
		return err
	}
	return write(w, "application/json", body)
}

func write(w http.ResponseWriter, mime string, body []byte) error {
	h := w.Header()
	h.Set("Content-Type", mime)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, err := w.Write(body)
	return err
}

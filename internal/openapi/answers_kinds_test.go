package openapi_test

import (
	"strings"

	"licenseimport/events"
	"licenseimport/ingest"
)

// uploadsOf are all that may become of an upload of a kind.
func (s *system) uploadsOf(kind *events.Kind) {
	path, file := "/api/v1/"+kind.Upload, string(ingest.Template(kind))
	s.get(200, s.viewer, "/api/v1/"+kind.Template(".csv"))
	s.get(200, s.viewer, "/api/v1/"+kind.Template(".xlsx"))
	s.get(400, s.viewer, "/api/v1/"+kind.Template(".csv")+"?a=b")
	s.get(400, s.viewer, "/api/v1/"+kind.Template(".xlsx")+"?a=b")
	s.get(401, "", "/api/v1/"+kind.Template(".csv"))
	s.get(401, "", "/api/v1/"+kind.Template(".xlsx"))
	s.post(200, s.importer, path, file, "Idempotency-Key=of "+kind.Name)
	s.post(422, s.importer, path+"?dry_run=true", file, "Idempotency-Key=of "+kind.Name)
	s.post(400, s.importer, path, "colour\nred\n")
	s.post(401, "", path, file)
	s.post(403, s.viewer, path, file)
	s.post(413, s.importer, path, file+strings.Repeat("a,b\n", 20_000))
	s.post(415, s.importer, path, "PK\x03\x04 a workbook")
	s.post(200, s.importer, "/api/v1/imports/inspect/?kind="+kind.Name, file)
}

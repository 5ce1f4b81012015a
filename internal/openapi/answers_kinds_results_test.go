package openapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"licenseimport/events"
	"licenseimport/ingest"
)

// resultsOf are all that may become of requests about the imports of a kind.
func (s *system) resultsOf(kind *events.Kind) {
	list := "/api/v1/" + kind.Results
	header, _, _ := strings.Cut(string(ingest.Template(kind)), "\r\n")
	job := s.sendTo(kind, header+"\n"+strings.Repeat(",", strings.Count(header, ","))+"\n"+"x\n")
	one := fmt.Sprintf("%s%d/", list, job)
	s.get(200, s.importer, one+"events/")
	s.get(200, s.importer, list+"?limit=1")
	s.get(400, s.importer, list+"?limit=many")
	s.get(401, "", list)
	s.call(405, "", "PUT", list, nil, nil)
	for _, path := range []string{
		"", "invalid_rows/", "existed_rows/", "updated_rows/", "kept_rows/", "warnings/", "imported_rows.csv", "invalid_rows.csv", "invalid_rows.xlsx", "events/", "undo/",
	} {
		if path != "undo/" {
			s.get(200, s.importer, one+path)
			s.call(200, s.importer, "HEAD", one+path, nil, nil)
		}
		s.get(400, s.importer, one+path+"?page=2")
		s.get(401, "", one+path)
		s.get(404, s.importer, list+"999999/"+path)
		s.call(405, s.importer, "PUT", one+path, nil, nil)
	}
	for _, command := range []string{"cancel/", "undo/", "retry/"} {
		s.call(400, s.importer, "POST", one+command+"?now=true", nil, nil)
		s.call(401, "", "POST", one+command, nil, nil)
		s.call(403, s.viewer, "POST", one+command, nil, nil)
		s.call(404, s.importer, "POST", list+"999999/"+command, nil, nil)
	}
	s.call(409, s.importer, "POST", one+"cancel/", nil, nil)
	key := http.Header{"Idempotency-Key": {"retry of " + kind.Name}}
	s.call(200, s.importer, "POST", one+"retry/", key, nil)
	s.call(422, s.importer, "POST", one+"retry/?dry_run=true", key, nil)
	valid := s.sendTo(kind, map[*events.Kind]string{events.Features: "license_key,code,product__short_code\na-1,reports,psc\n", events.Customers: "email\na@example.com\n"}[kind])
	s.get(200, s.importer, fmt.Sprintf("%s%d/events/", list, valid))
	s.call(409, s.importer, "POST", fmt.Sprintf("%s%d/retry/", list, valid), nil, nil)
	s.cancelWhileUploading(kind)
	if kind.Undoable {
		s.get(200, s.importer, one+"undo/")
		s.call(202, s.importer, "POST", one+"undo/", nil, nil)
	}
	s.call(409, s.importer, "POST", one+"undo/", nil, nil)
	s.get(409, s.importer, one+"undo/")
}

// sendTo uploads a file of a kind.
func (s *system) sendTo(kind *events.Kind, file string) uint64 {
	s.Helper()
	var answer struct {
		JobID uint64 `json:"job_id"`
	}
	s.must(json.Unmarshal(s.post(200, s.importer, "/api/v1/"+kind.Upload, file), &answer))
	return answer.JobID
}

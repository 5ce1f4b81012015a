package openapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog/eventlogtest"
	"licenseimport/ingest"
	"licenseimport/internal/access"
	"licenseimport/internal/admin"
	"licenseimport/internal/httpx"
	"licenseimport/internal/openapi"
	"licenseimport/internal/openapi/openapitest"
	"licenseimport/processor"
	"licenseimport/projector"
	"licenseimport/projector/readapi"
)

const (
	upload  = "/api/v1/licenses/import_from_csv/"
	results = "/api/v1/licenses-import-results/"
)

// system is the whole pipeline behind one address, and who may call it.
type system struct {
	*testing.T
	coverage openapitest.Coverage
	client   *http.Client
	url      string
	admin    string // keys
	importer string
	viewer   string
	limited  string // to the product psc

	catalogue *processor.Catalogue
}

func newSystem(t *testing.T) *system {
	t.Helper()
	slog.SetDefault(slog.New(slog.DiscardHandler))
	log := eventlogtest.Start(t)
	keys := access.Open(log)
	s := &system{T: t, admin: "an admin's key", catalogue: processor.OpenCatalogue(log)}
	s.importer, s.viewer, s.limited = s.key(keys, "ada", "importer"), s.key(keys, "eve", "viewer"), s.key(keys, "bob", "importer", "psc")
	s.client = s.coverage.Client(t, nil)

	views, err := projector.Open(t.Context(), t.TempDir(), log)
	s.must(err)
	s.background(views.Run, views.Close)
	s.background(processor.New(log, processor.Config{}).Run, nil)

	router := httpx.NewRouter(httpx.Options{})
	auth := access.NewAuthenticator(access.Config{Store: keys, Sessions: access.OpenSessions(log), AdminKey: s.admin})
	ingest.New(log, ingest.Config{MaxFile: 64 << 10}).Register(router, auth)
	readapi.New(views, s.catalogue).Register(router, auth)
	admin.New(admin.Config{
		Audit: admin.NewAudit(log, access.Recorded(log), s.catalogue, ingest.RecordedMappings(log)), Keys: keys,
		Uses: access.OpenUses(log), CheckProduct: processor.CheckProduct,
		Catalogue: func(manager string) admin.Catalogue { return s.catalogue.As(manager) },
	}).Register(router, auth)
	auth.RegisterSessions(router, access.OpenSessions(log))
	router.Handle("GET", "/api/v1/me/", auth.Require(access.Identify, access.Me))
	router.Handle("GET", openapi.Path, openapi.Handler)
	router.Handle("GET", openapi.JSONPath, openapi.JSONHandler)
	handler, err := router.Handler()
	s.must(err)
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

func (s *system) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *system) key(keys *access.Store, name, role string, products ...string) string {
	s.Helper()
	key, err := keys.Create(s.Context(), name, role, products)
	s.must(err)
	return key
}

// background runs a stage until the test ends.
func (s *system) background(run func(context.Context) error, closing func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	s.Cleanup(func() {
		cancel()
		if err := <-done; err != nil && ctx.Err() == nil {
			s.Error(err)
		}
		if closing != nil {
			if err := closing(); err != nil {
				s.Error(err)
			}
		}
	})
}

// call sends a request and reads the answer, which must have the status.
func (s *system) call(status int, key, method, path string, header http.Header, body io.Reader) []byte {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), method, s.url+path, body)
	s.must(err)
	for name, values := range header {
		r.Header[name] = values
	}
	if key != "" {
		r.Header.Set("Authorization", "Api-Key "+key)
	}
	res, err := s.client.Do(r)
	s.must(err)
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	s.must(err)
	if res.StatusCode != status {
		s.Fatalf("%s %s: %d, want %d: %s", method, path, res.StatusCode, status, answer)
	}
	return answer
}

func (s *system) get(status int, key, path string) []byte {
	s.Helper()
	return s.call(status, key, "GET", path, nil, nil)
}

// send uploads a file; name=value pairs in more are further headers.
func (s *system) send(status int, key, query, file string, more ...string) (job uint64) {
	s.Helper()
	var answer struct {
		JobID uint64 `json:"job_id"`
	}
	s.must(json.Unmarshal(s.post(status, key, upload+query, file, more...), &answer))
	return answer.JobID
}

// post sends a file to a path.
func (s *system) post(status int, key, path, file string, more ...string) []byte {
	s.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	part, err := w.CreateFormFile("file", "licenses.csv")
	s.must(err)
	_, err = io.WriteString(part, file)
	s.must(err)
	s.must(w.Close())
	header := http.Header{"Content-Type": {w.FormDataContentType()}}
	for _, pair := range more {
		name, value, _ := strings.Cut(pair, "=")
		header.Set(name, value)
	}
	return s.call(status, key, "POST", path, header, &b)
}

// await reads an import's events until it has ended.
func (s *system) await(key string, job uint64) {
	s.Helper()
	stream := string(s.get(200, key, fmt.Sprintf("%s%d/events/", results, job)))
	if !strings.Contains(stream, "event: done\n") {
		s.Fatalf("import %d ended without done: %s", job, stream)
	}
}

// file has a row of each kind.
const file = "license__license_key,product__short_code,customer__email,order__store_id,license__validity_period,license__max_activations\n" +
	"a-1,psc,a@example.com,o-1,2030-01-01,3\n" +
	"a-2,psc,A@example.com,o-1,,\n" +
	"a-3,other,,,,\n" +
	"a-1,psc,,,,\n" +
	",psc,not an address,,soon,many\n" +
	"a-4,psc\n" +
	"a-5,ps\"c,,,,\n"

// TestAnswers drives the whole pipeline by the client that compares. Whatever
// the document describes and is in reach of a test must have been answered.
func TestAnswers(t *testing.T) {
	s := newSystem(t)
	s.must(s.catalogue.Set(t.Context(), events.Product{ShortCode: "psc", Name: "Photo Pro"}))
	s.must(s.catalogue.Set(t.Context(), events.Product{ShortCode: "other"}))
	job := s.send(200, s.importer, "", file)
	s.await(s.importer, job)
	s.uploads()
	s.reads(job)
	s.get(200, "", openapi.Path)
	s.get(200, "", openapi.JSONPath)

	unseen, err := s.coverage.Unseen()
	s.must(err)
	// Slow clients, uploads that meet, faults, overload and limits that were lowered are tested where they
	// can be made; the operator's addresses belong to the program.
	elsewhere := func(a openapitest.Answer) bool {
		if strings.HasPrefix(a.Path, "/api/v1/"+events.Customers.Results) && strings.HasSuffix(a.Path, "/undo/") &&
			a.Status < 300 {
			return true // described for each kind; an import of customers cannot be undone
		}
		return slices.Contains([]int{408, 429, 500, 503, 507}, a.Status) ||
			strings.HasSuffix(a.Path, "_from_csv/") && a.Status == 409 ||
			strings.HasSuffix(a.Path, "/retry/") && a.Status == 413 || strings.HasSuffix(a.Path, "/invalid_rows.xlsx") && a.Status == 422 ||
			slices.Contains([]string{"/healthz", "/readyz", "/metrics"}, a.Path)
	}
	for _, a := range slices.DeleteFunc(unseen, elsewhere) {
		t.Errorf("never answered: %s", a)
	}
}

// uploads are all that may become of an upload, and of a cancel.
func (s *system) uploads() {
	updates := s.send(200, s.admin, "?dry_run=true&existing=update", "license__license_key,product__short_code,license__max_activations,license__trial_days\na-1,psc,9,3\n")
	s.await(s.admin, updates)
	s.get(200, s.admin, fmt.Sprintf("%s%d/updated_rows/", results, updates))
	s.get(409, s.admin, fmt.Sprintf("%s%d/undo/", results, updates))
	s.await(s.admin, s.send(200, s.admin, "?dry_run=true&delimiter=comma&encoding=windows-1252&unknown_columns=ignore", file))
	s.await(s.admin, s.send(200, s.admin, "?mode=all_or_nothing", file))
	first := s.send(200, s.limited, "", file, "Idempotency-Key=one")
	if again := s.send(200, s.limited, "", file, "Idempotency-Key=one"); again != first {
		s.Errorf("jobs %d and %d", first, again)
	}
	s.await(s.limited, first)
	s.send(422, s.limited, "?dry_run=true", file, "Idempotency-Key=one")
	s.send(400, s.admin, "?dry_run=perhaps", file)
	s.send(400, s.admin, "", "license_key,product__short_code,product__short_code\n1,2,3\n")
	s.send(400, s.admin, "", "")
	s.send(401, "", "", file)
	s.send(403, s.viewer, "", file)
	s.send(413, s.admin, "", file+strings.Repeat("a,b,,,,\n", 10_000))
	s.send(415, s.admin, "", file, "Content-Type=text/csv")
	s.send(415, s.admin, "", "PK\x03\x04 a workbook")
	s.call(405, "", "GET", upload, nil, nil)

	s.cancelWhileUploading(events.Licenses)
	path := fmt.Sprintf("%s%d/cancel/", results, first)
	s.call(401, "", "POST", path, nil, nil)
	s.call(403, s.viewer, "POST", path, nil, nil)
	s.call(404, s.importer, "POST", path, nil, nil)
	s.call(409, s.limited, "POST", path, nil, nil)
	s.call(405, "", "DELETE", path, nil, nil)
	s.undos()
	s.retries()
	s.mappings()
	s.administers()
	s.signsIn()
	for _, kind := range events.Kinds[1:] {
		s.uploadsOf(kind)
		s.resultsOf(kind)
	}
}

// signsIn are all that may become of requests about sessions.
func (s *system) signsIn() {
	s.call(400, s.viewer, "POST", access.SessionPath+"?x=y", nil, nil)
	s.call(401, "", "POST", access.SessionPath, nil, nil)
	r, err := http.NewRequestWithContext(s.Context(), "POST", s.url+access.SessionPath, nil)
	s.must(err)
	r.Header.Set("Authorization", "Api-Key "+s.viewer)
	res, err := s.client.Do(r)
	s.must(err)
	res.Body.Close()
	if res.StatusCode != 201 || len(res.Cookies()) != 1 {
		s.Fatalf("sign-in: %d, %v", res.StatusCode, res.Cookies())
	}
	cookie := access.SessionCookie + "=" + res.Cookies()[0].Value
	by := func(more ...string) http.Header {
		header := http.Header{"Cookie": {cookie}}
		for _, name := range more {
			header.Set(name, "page")
		}
		return header
	}
	s.call(200, "", "GET", "/api/v1/me/", by(), nil)
	s.call(401, "", "POST", access.SessionPath, by("X-Requested-With"), nil) // a session begins no other one
	for _, method := range []string{"POST", "DELETE"} {
		s.call(403, "", method, access.SessionPath, by(), nil)
	}
	s.call(400, "", "DELETE", access.SessionPath+"?x=y", by("X-Requested-With"), nil)
	s.call(204, "", "DELETE", access.SessionPath, by("X-Requested-With"), nil)
	s.call(401, "", "DELETE", access.SessionPath, http.Header{}, nil)
}

// administers are all that may become of requests about keys, products and the audit log.
func (s *system) administers() {
	const keys, products = "/api/v1/manager-keys/", "/api/v1/products/"
	as := http.Header{"Content-Type": {"application/json"}}
	post := func(status int, key, path, body string) (answer []byte) {
		return s.call(status, key, "POST", path, as, strings.NewReader(body))
	}
	wanted := `{"manager":"Zoë","role":"admin","products":[]}`
	var made struct {
		Key        string `json:"key"`
		BeginsWith string `json:"begins_with"`
	}
	s.must(json.Unmarshal(post(201, s.admin, keys, wanted), &made))
	post(400, s.admin, keys, `{"manager":"Zoë","role":"queen"}`)
	post(400, s.admin, keys, `{"role":"admin"} {}`)
	post(401, "", keys, wanted)
	post(403, s.importer, keys, wanted)
	post(413, s.admin, keys, strings.Repeat(" ", 70<<10)+wanted)
	s.get(200, made.Key, keys+"?limit=2&offset=1")
	s.get(400, s.admin, keys+"?limit=none")
	s.get(401, "", keys)
	s.get(403, s.viewer, keys)
	s.call(400, s.admin, "DELETE", keys+made.BeginsWith+"/?x=y", nil, nil)
	s.call(401, "", "DELETE", keys+made.BeginsWith+"/", nil, nil)
	s.call(403, s.limited, "DELETE", keys+made.BeginsWith+"/", nil, nil)
	s.call(409, made.Key, "DELETE", keys+made.BeginsWith+"/", nil, nil)
	s.call(204, s.admin, "DELETE", keys+made.BeginsWith+"/", nil, nil)
	s.call(404, s.admin, "DELETE", keys+made.BeginsWith+"/", nil, nil)

	product := `{"short_code":"new","product_name":"New","license_type":"perpetual","max_activations":3}`
	var set struct {
		ID uint64 `json:"id"`
	}
	s.must(json.Unmarshal(post(200, s.admin, products, product), &set))
	one := fmt.Sprintf("%s%d/", products, set.ID)
	s.get(200, s.viewer, one)
	post(400, s.admin, products, `{"short_code":"new","license_type":"loan"}`)
	post(200, s.admin, products, `{"short_code":"null","product_name":null,"license_type":null,"features":null}`)
	post(401, "", products, product)
	post(403, s.importer, products, product)
	post(413, s.admin, products, strings.Repeat(" ", 70<<10)+product)
	s.call(400, s.admin, "DELETE", one+"?x=y", nil, nil)
	s.call(401, "", "DELETE", one, nil, nil)
	s.call(403, s.limited, "DELETE", one, nil, nil)
	s.call(204, s.admin, "DELETE", one, nil, nil)
	s.call(404, s.admin, "DELETE", one, nil, nil)

	s.get(200, s.admin, "/api/v1/audit-log/?limit=3")
	s.get(400, s.admin, "/api/v1/audit-log/?limit=none")
	s.get(401, "", "/api/v1/audit-log/")
	s.get(403, s.viewer, "/api/v1/audit-log/")
}

// mappings are all that may become of requests about saved mappings, and of uploads with a mapping.
func (s *system) mappings() {
	const all, one = "/api/v1/import-mappings/", "/api/v1/import-mappings/our%20vendor/"
	put := func(status int, key, path, body string) {
		s.call(status, key, "PUT", path, http.Header{"Content-Type": {"application/json"}}, strings.NewReader(body))
	}
	saved := `{"columns":{"Serial No.":"license__license_key","Notes 2":null},"set":{"product__short_code":"psc"},` +
		`"date_format":"MM/DD/YYYY","values":{"license__license_type":{"Lifetime":"perpetual"}}}`
	put(200, s.importer, one, saved)
	put(400, s.importer, one, `{"columns":{"a":"b"}}`)
	put(401, "", one, saved)
	put(403, s.viewer, one, saved)
	put(409, s.admin, all+"keygen/", saved)
	put(413, s.admin, one, strings.Repeat(" ", 300<<10)+saved)
	s.get(200, s.viewer, all+"?limit=2&offset=1")
	s.get(400, s.viewer, all+"?limit=many")
	s.get(401, "", all)
	s.get(200, s.viewer, one)
	s.get(200, s.viewer, all+"shopify/")
	s.get(400, s.viewer, one+"?a=b")
	s.get(401, "", one)
	s.get(404, s.viewer, all+"nobody/")
	s.call(405, "", "POST", all, nil, nil)

	foreign := "Serial No.,Notes 2,Expires\nm-1,x,12/31/2030\n,y,31/12/2030\n"
	s.await(s.admin, s.send(200, s.admin, "?mapping=our%20vendor&map=Expires:license__validity_period&set=license__enabled:no&ignore=Notes%202&date_format=MM/DD/YYYY", foreign))
	s.send(400, s.admin, "?mapping=our%20vendor&map=Expirse:license__validity_period", foreign)
	s.send(400, s.admin, "?mapping=nobody", foreign)

	const inspect = "/api/v1/imports/inspect/"
	s.post(200, s.importer, inspect+"?kind=licenses&delimiter=comma&encoding=utf-8&mapping=our%20vendor", foreign)
	s.post(400, s.admin, inspect+"?kind=cars", foreign)
	s.post(401, "", inspect, foreign)
	s.post(403, s.viewer, inspect, foreign)
	s.post(413, s.admin, inspect, file+strings.Repeat("a,b,,,,\n", 10_000))
	s.post(415, s.admin, inspect, "%PDF-1.7")
	s.call(405, "", "GET", inspect, nil, nil)

	s.call(400, s.admin, "DELETE", one+"?a=b", nil, nil)
	s.call(401, "", "DELETE", one, nil, nil)
	s.call(403, s.viewer, "DELETE", one, nil, nil)
	s.call(409, s.admin, "DELETE", all+"keygen/", nil, nil)
	s.call(204, s.importer, "DELETE", one, nil, nil)
	s.call(404, s.importer, "DELETE", one, nil, nil)
}

// undos are all that may become of a request to undo an import.
func (s *system) undos() {
	job := s.send(200, s.limited, "", "license__license_key,product__short_code\nundone-1,psc\n")
	s.await(s.limited, job)
	license := fmt.Sprintf("/api/v1/licenses/%d/", s.ids("/api/v1/licenses/?license_key=undone-1"))
	path := fmt.Sprintf("%s%d/undo/", results, job)
	s.call(200, s.limited, "GET", path, nil, nil)
	s.call(401, "", "POST", path, nil, nil)
	s.call(403, s.viewer, "POST", path, nil, nil)
	s.call(404, s.importer, "POST", path, nil, nil)
	s.call(400, s.limited, "POST", path+"?now=true", nil, nil)
	s.call(202, s.limited, "POST", path, nil, nil)
	s.call(409, s.limited, "POST", path, nil, nil)
	s.call(405, "", "DELETE", path, nil, nil)
	s.await(s.limited, job)
	s.get(409, s.limited, path)
	s.get(410, s.limited, license)
	s.get(410, s.limited, license+"event/")
	s.get(200, s.limited, license+"history/")
	s.get(200, s.limited, fmt.Sprintf("%s%d/", results, job))
	s.get(200, s.limited, fmt.Sprintf("%s%d/kept_rows/", results, job))
}

// retries are all that may become of a retry.
func (s *system) retries() {
	id := s.send(200, s.admin, "", file)
	s.await(s.admin, id)
	path := fmt.Sprintf("%s%d/retry/", results, id)
	key := http.Header{"Idempotency-Key": {"retry"}}
	s.call(200, s.admin, "POST", path+"?dry_run=true&mode=all_or_nothing", key, nil)
	s.call(422, s.admin, "POST", path, key, nil)
	s.call(400, s.admin, "POST", path+"?delimiter=comma", nil, nil)
	s.call(401, "", "POST", path, nil, nil)
	s.call(403, s.viewer, "POST", path, nil, nil)
	s.call(404, s.importer, "POST", path, nil, nil)
	s.call(405, "", "GET", path, nil, nil)
	valid := s.send(200, s.admin, "", "license__license_key,product__short_code\nno-fault,psc\n")
	s.await(s.admin, valid)
	s.call(409, s.admin, "POST", fmt.Sprintf("%s%d/retry/", results, valid), nil, nil)
}

// cancelWhileUploading cancels an import of a kind whose upload has no end, and then ends it.
func (s *system) cancelWhileUploading(kind *events.Kind) {
	list, header := "/api/v1/"+kind.Results, strings.Join(kind.ColumnNames()[:2], ",")
	body, in := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		r, err := http.NewRequestWithContext(s.Context(), "POST", s.url+"/api/v1/"+kind.Upload, body)
		if err != nil {
			ended <- 0
			return
		}
		r.Header.Set("Authorization", "Api-Key "+s.admin)
		r.Header.Set("Content-Type", "multipart/form-data; boundary=b")
		res, err := s.client.Do(r)
		if err != nil {
			ended <- 0
			return
		}
		res.Body.Close()
		ended <- res.StatusCode
	}()
	_, err := io.WriteString(in, "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f.csv\"\r\n\r\n"+
		header+"\n"+strings.Repeat("key,psc\n", 2_000))
	s.must(err)
	s.call(202, s.admin, "POST", fmt.Sprintf("%s%d/cancel/", list, s.uploading(list)), nil, nil)
	_, err = io.WriteString(in, "last,psc\n\r\n--b--\r\n")
	s.must(err)
	s.must(in.Close())
	if status := <-ended; status != 409 {
		s.Errorf("the upload was answered %d", status)
	}
}

// uploading waits until an import of a list is pending, and gives its id.
func (s *system) uploading(list string) uint64 {
	s.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		var page struct{ Results []struct{ ID uint64 } }
		s.must(json.Unmarshal(s.get(200, s.admin, list+"?status_iexact=pending"), &page))
		if len(page.Results) > 0 {
			return page.Results[0].ID
		}
	}
	s.Fatal("no import is pending")
	return 0
}

// reads asks for everything that can be read.
func (s *system) reads(job uint64) {
	one := fmt.Sprintf("%s%d/", results, job)
	s.get(200, s.viewer, "/api/v1/me")
	s.get(200, s.limited, "/api/v1/me/")
	s.get(200, s.viewer, "/api/v1/license-import-template.csv")
	s.get(200, s.viewer, "/api/v1/license-import-template.xlsx")
	s.get(200, s.admin, results+"?limit=1&offset=1&status__iexact=success")
	license := s.ids("/api/v1/licenses/?import_id=1&enabled=true&order_by=created_at&license_key__startswith=a&license_key__icontains=-")
	s.ids("/api/v1/licenses/?license_key=a-1&product__short_code=psc&customer_email=a@example.com&order__store_id=o-1")
	customer := s.ids("/api/v1/customers/?email__icontains=example&email=A@EXAMPLE.com")
	order := s.ids("/api/v1/orders/?order_by=-created_at&limit=500")
	s.ids("/api/v1/orders/?store_id=o-1&short_code=psc")
	s.ids("/api/v1/licenses/?id__in=1," + fmt.Sprint(license) + "&license_key__isnull=false&is_any_floating=false&customer_email__icontains=A@")
	s.ids("/api/v1/licenses/?validity_period__gte=2030-01-01&validity_period__lt=2030-01-02&product_name__icontains=photo&order__store_id__startswith=o")
	product := s.ids("/api/v1/products/?short_code=psc&limit=1")
	s.ids(fmt.Sprintf("/api/v1/licenses/?product_id=%d&customer_id=%d", product, customer))
	s.get(403, s.limited, "/api/v1/customers/")
	s.get(403, s.limited, "/api/v1/orders/")
	s.get(403, s.limited, fmt.Sprintf("/api/v1/customers/%d", customer))
	s.get(403, s.limited, fmt.Sprintf("/api/v1/orders/%d", order))

	for _, list := range []string{results, one + "invalid_rows/", one + "existed_rows/", "/api/v1/licenses/", "/api/v1/customers/", "/api/v1/orders/", "/api/v1/products/"} {
		s.get(200, s.admin, list)
		s.get(400, s.admin, list+"?limit=many")
		s.get(401, "", list)
	}
	s.get(200, s.admin, one+"invalid_rows/?code=invalid_int")
	s.get(200, s.admin, one+"warnings/?code=number_like&limit=1")
	s.get(200, s.admin, one+"invalid_rows.csv?raw=true")
	s.get(400, s.admin, one+"invalid_rows.csv?raw=perhaps")
	s.get(200, s.admin, one+"invalid_rows.xlsx")
	for _, path := range []string{
		results + "%d/updated_rows/", results + "%d/kept_rows/", results + "%d/warnings/", results + "%d/imported_rows.csv",
		results + "%d/undo/", "/api/v1/licenses/%d/history/",
		results + "%d/", results + "%d/invalid_rows/", results + "%d/existed_rows/", results + "%d/invalid_rows.csv", results + "%d/invalid_rows.xlsx", results + "%d/events/",
		"/api/v1/licenses/%d/", "/api/v1/licenses/%d/event/", "/api/v1/customers/%d/", "/api/v1/orders/%d/", "/api/v1/products/%d/",
	} {
		id := license
		switch {
		case strings.HasPrefix(path, results):
			id = job
		case strings.Contains(path, "products"):
			id = product
		}
		s.get(200, s.admin, fmt.Sprintf(path, id))
		s.get(401, "nobody's key", fmt.Sprintf(path, id))
		s.get(404, s.admin, fmt.Sprintf(path, 999_999))
		s.get(400, s.admin, fmt.Sprintf(path, id)+"?page=2")
		s.call(200, s.admin, "HEAD", fmt.Sprintf(path, id), nil, nil)
		s.call(405, s.admin, "PUT", fmt.Sprintf(path, id), nil, nil)
	}
	s.get(401, "", "/api/v1/me/")
	for _, path := range []string{"/api/v1/licenses/export/", "/api/v1/customers/export/", "/api/v1/orders/export/"} {
		s.get(200, s.admin, path)
		s.get(400, s.admin, path+"?limit=1")
		s.get(401, "", path)
		s.call(405, s.admin, "DELETE", path, nil, nil)
	}
	s.get(200, s.limited, "/api/v1/licenses/export/?license_key__icontains=a&enabled=true")
	s.get(403, s.limited, "/api/v1/customers/export/?email=a@example.com")
	s.get(403, s.limited, "/api/v1/orders/export/?range=last30")
	s.get(400, s.admin, "/api/v1/orders/export/?from=2020-01-01&to=yesterday")
	s.get(200, s.admin, "/api/v1/views/")
	s.get(403, s.viewer, "/api/v1/views/")
	s.get(401, "", "/api/v1/views/")
	s.call(200, s.admin, "POST", "/api/v1/views/rebuild/", nil, nil)
	s.call(403, s.viewer, "POST", "/api/v1/views/rebuild/", nil, nil)
	s.call(401, "", "POST", "/api/v1/views/rebuild/", nil, nil)
	s.call(400, s.admin, "POST", "/api/v1/views/rebuild/?now=true", nil, nil)
	s.get(401, "", "/api/v1/license-import-template.csv")
	s.get(401, "", "/api/v1/license-import-template.xlsx")
	for _, path := range []string{"/api/v1/me/", "/api/v1/views/", "/api/v1/license-import-template.csv", "/api/v1/license-import-template.xlsx", openapi.Path, openapi.JSONPath} {
		s.get(400, s.admin, path+"?page=2")
	}
	s.call(400, s.admin, "POST", one+"cancel/?now=true", nil, nil)
	s.call(204, "", "OPTIONS", "/api/v1/me/", nil, nil)
	s.get(404, s.admin, "/api/v1/nothing/")
}

// ids reads a list that must not be empty, and gives the id of its first element.
func (s *system) ids(path string) uint64 {
	s.Helper()
	var page struct{ Results []struct{ ID uint64 } }
	s.must(json.Unmarshal(s.get(200, s.admin, path), &page))
	if len(page.Results) == 0 {
		s.Fatalf("%s is empty", path)
	}
	return page.Results[0].ID
}

package admin_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/events/eventlog/eventlogtest"
	"licenseimport/ingest"
	"licenseimport/internal/access"
	"licenseimport/internal/admin"
	"licenseimport/internal/httpx"
	"licenseimport/processor"
)

// service is the API of admins on a new log.
type service struct {
	*testing.T
	log     *eventlog.Log
	handler http.Handler
	key     string // an admin's, of the manager root
}

func newService(t *testing.T) *service {
	t.Helper()
	log := eventlogtest.Start(t)
	s := &service{T: t, log: log}
	keys, catalogue := access.Open(log), processor.OpenCatalogue(log)
	var err error
	if s.key, err = keys.As("setup").Create(t.Context(), "root", "admin", nil); err != nil {
		t.Fatal(err)
	}
	router := httpx.NewRouter(httpx.Options{})
	auth := access.NewAuthenticator(access.Config{Store: keys, Uses: access.OpenUses(log)})
	admin.New(admin.Config{
		Audit: admin.NewAudit(log, access.Recorded(log), catalogue, ingest.RecordedMappings(log)), Keys: keys,
		Uses: access.OpenUses(log), CheckProduct: processor.CheckProduct,
		Catalogue: func(manager string) admin.Catalogue { return catalogue.As(manager) },
	}).Register(router, auth)
	ingest.New(log, ingest.Config{}).Register(router, auth)
	if s.handler, err = router.Handler(); err != nil {
		t.Fatal(err)
	}
	return s
}

// call sends a request of the admin and returns the body of the answer, which must have the status.
func (s *service) call(status int, method, path, body string) string {
	s.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(s.Context(), method, "/api/v1/"+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Api-Key "+s.key)
	s.handler.ServeHTTP(w, r)
	if w.Code != status {
		s.Fatalf("%s %s: %d, want %d: %s", method, path, w.Code, status, w.Body)
	}
	return w.Body.String()
}

// audit is the audit log, oldest first, a line for each entry.
func (s *service) audit() string {
	s.Helper()
	var page struct {
		Count   int
		Results []struct {
			ID, Type string
			Manager  *string
			Time     time.Time
		}
	}
	if err := json.Unmarshal([]byte(s.call(200, "GET", "audit-log/?limit=100", "")), &page); err != nil {
		s.Fatal(err)
	}
	text := ""
	for _, e := range page.Results {
		manager := "not known"
		if e.Manager != nil {
			manager = *e.Manager
		}
		if since := time.Since(e.Time); since < 0 || since > time.Minute {
			s.Errorf("%s was %v ago", e.ID, since)
		}
		text = fmt.Sprintf("%s by %s\n", e.ID, manager) + text
	}
	if page.Count != len(page.Results) {
		s.Errorf("%d of %d entries", len(page.Results), page.Count)
	}
	return text
}

func TestAuditLogSaysWhoChangedWhat(t *testing.T) {
	t.Parallel()
	s := newService(t)
	var made struct{ Key, BeginsWith string }
	answer := s.call(201, "POST", "manager-keys/", `{"manager":"shop","role":"importer","products":["psc"]}`)
	if err := json.Unmarshal([]byte(strings.Replace(answer, "begins_with", "BeginsWith", 1)), &made); err != nil ||
		!strings.HasPrefix(made.Key, made.BeginsWith+"_") {
		t.Fatalf("%s: %v", answer, err)
	}
	s.call(204, "DELETE", "manager-keys/"+made.BeginsWith+"/", "")
	s.call(200, "POST", "products/", `{"short_code":"ü/ö","max_activations":3}`)
	s.call(204, "DELETE", fmt.Sprintf("products/%d/", events.ProductID("ü/ö")), "")
	s.call(200, "PUT", "import-mappings/ours/", `{"set":{"product__short_code":"psc"}}`)
	s.call(204, "DELETE", "import-mappings/ours/", "")
	want := `manager_key_created/1 by setup
manager_key_created/2 by root
manager_key_revoked/3 by root
product_set/1 by root
product_removed/2 by root
mapping_saved/1 by root
mapping_removed/2 by root
`
	if got := s.audit(); got != want {
		t.Errorf("the audit log is\n%s\nwant\n%s", got, want)
	}
	whole := s.call(200, "GET", "audit-log/", "")
	if _, secret, _ := strings.Cut(made.Key[4:], "_"); strings.Contains(whole, secret) ||
		strings.Contains(whole, "sha256") {
		t.Errorf("the audit log holds a secret: %s", whole)
	}
	if page := s.call(200, "GET", "audit-log/?limit=1&offset=6", ""); !strings.Contains(page, `"count":7`) ||
		!strings.Contains(page, "manager_key_created/1") {
		t.Errorf("the last page: %s", page)
	}
}

// Changes of other programs, of earlier versions and before a crash have no event: the audit log appends it.
func TestAuditLogHasWhatWasChangedWithoutAnEvent(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.audit()
	if _, err := access.NewStore(s.log.Bucket(eventlog.Managers)).Create(t.Context(), "old", "viewer", nil); err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{`{"name":"Old"}`, `no JSON`} {
		if _, err := s.log.Bucket(eventlog.Products).Put(t.Context(), "old", []byte(value)); err != nil {
			t.Fatal(err)
		}
		s.audit()
	}
	if err := s.log.Bucket(eventlog.Products).Delete(t.Context(), "old"); err != nil {
		t.Fatal(err)
	}
	want := "manager_key_created/1 by setup\nmanager_key_created/2 by not known\nproduct_set/1 by not known\nproduct_removed/3 by not known\n"
	for range 2 {
		if got := s.audit(); got != want {
			t.Errorf("the audit log is\n%s\nwant\n%s", got, want)
		}
	}
}

// TestBodiesThatAreRefused: what is no UTF-8 would be stored as other text, and a product that nobody can name.
func TestBodiesThatAreRefused(t *testing.T) {
	s := newService(t)
	for _, path := range []string{"products/", "manager-keys/"} {
		for body, want := range map[string]string{
			"{\"manager\":\"Zo\xeb\"}":    "it is not UTF-8.",
			"{\"short_code\":\"Zo\xeb\"}": "it is not UTF-8.",
			`{"id":1}`:                    `there is no member \"id\".`,
		} {
			if answer := s.call(400, "POST", path, body); !strings.Contains(answer, "invalid_body") || !strings.Contains(answer, want) {
				t.Errorf("%s %q: %s", path, body, answer)
			}
		}
	}
	s.call(200, "POST", "products/", "\uFEFF{\"short_code\":\"psc\"}") // as some editors on Windows write it
}

func TestNobodyRevokesTheirOwnKey(t *testing.T) {
	t.Parallel()
	s := newService(t)
	if answer := s.call(409, "DELETE", "manager-keys/"+s.key[:12]+"/", ""); !strings.Contains(answer, "own_key") {
		t.Error(answer)
	}
	s.call(404, "DELETE", "manager-keys/root/", "") // a manager is no key
	s.call(200, "GET", "manager-keys/", "")
}

// A key's use is known soon, and written once for many requests.
func TestKeysSayWhenTheyWereUsed(t *testing.T) {
	t.Parallel()
	s := newService(t)
	for !strings.Contains(s.call(200, "GET", "manager-keys/", ""), `"last_used_at":"20`) {
		if s.Context().Err() != nil {
			t.Fatal("the use of the key is never shown")
		}
	}
	first, err := s.log.Bucket(eventlog.LastUsed).Get(t.Context(), s.key[4:12])
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		s.call(200, "GET", "manager-keys/", "")
	}
	if again, err := s.log.Bucket(eventlog.LastUsed).Get(t.Context(), s.key[4:12]); err != nil ||
		again.Revision != first.Revision {
		t.Errorf("revisions %d, %d: %v", first.Revision, again.Revision, err)
	}
}

package projector_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"licenseimport/events"
	"licenseimport/internal/access"
	"licenseimport/internal/httpx"
	"licenseimport/projector"
	"licenseimport/projector/readapi"
)

func init() { projector.SetAnswers(answers) }

// everyAddress is one GET of each kind and of many pages; five licenses follow.
func everyAddress() []string {
	paths := []string{
		"licenses-import-results/?limit=2", "licenses-import-results/?status_iexact=Error",
		"licenses/?limit=100", "licenses/?offset=300&order_by=created_at", "licenses/?product__short_code=ü", "licenses/?enabled=no",
		"licenses/?license_key__icontains=KEY-000", "licenses/?license_key__startswith=Key-01", "licenses/?import_id=2&enabled=true",
		"customers/", "customers/?email__icontains=ADA1", "orders/?limit=100&offset=50", "orders/?store_id=order-40",
	}
	for _, id := range []string{"1", "2", "3"} {
		for _, of := range []string{"", "invalid_rows/", "invalid_rows/?code=required", "existed_rows/", "invalid_rows.csv"} {
			paths = append(paths, "licenses-import-results/"+id+"/"+of)
		}
	}
	return paths
}

// answers are all of them in one text.
func answers(t testing.TB, p *projector.Projector) string {
	t.Helper()
	router := httpx.NewRouter(httpx.Options{})
	readapi.New(p, nil).Register(router, access.NewAuthenticator(access.Config{AdminKey: "k"}))
	handler, err := router.Handler()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	get := func(path string) {
		request := httptest.NewRequest(http.MethodGet, "/api/v1/"+path, nil)
		request.Header.Set("Authorization", "Api-Key k")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, request)
		if w.Code != http.StatusOK {
			t.Errorf("GET %s: %d %s", path, w.Code, w.Body)
		}
		b.WriteString(path + "\n" + w.Body.String() + "\n")
	}
	for _, path := range everyAddress() {
		get(path)
	}
	for _, id := range newest(t, p, 5) {
		get(fmt.Sprintf("licenses/%d/", id))
		get(fmt.Sprintf("licenses/%d/event/", id))
	}
	return b.String()
}

// newest are the newest licenses.
func newest(t testing.TB, p *projector.Projector, n int) (ids []events.Seq) {
	t.Helper()
	err := p.Read(t.Context(), func(views *projector.Reader) error {
		all, _, err := views.Licenses(&projector.LicenseQuery{}, true)
		for id := range all {
			if ids = append(ids, id); len(ids) == n {
				break
			}
		}
		return err
	})
	if err != nil || len(ids) != n {
		t.Fatalf("%d licenses, %v", len(ids), err)
	}
	return ids
}

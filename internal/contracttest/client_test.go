package contracttest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"licenseimport/internal/openapi/openapitest"
)

// management is a client of the Management API, written from its public description: it knows no other names than those. What is a
// pointer here may be null, all else must be there, which is told by the members it insists on.
type management struct {
	*testing.T
	base, key string
	http      *http.Client
	slash     string // at the end of every address: "/" or ""
}

type page[T any] struct {
	Count    int     `json:"count"`
	Next     *string `json:"next"`
	Previous *string `json:"previous"`
	Results  []T     `json:"results"`
}

type importResult struct {
	ID         int     `json:"id"`
	FileName   string  `json:"file_name"`
	Status     string  `json:"status"`
	CreatedAt  string  `json:"created_at"`
	StartedAt  *string `json:"started_at"`
	FinishedAt *string `json:"finished_at"`
	Result     *struct {
		TotalRows        int               `json:"total_row_count"`
		ValidRows        int               `json:"valid_row_count"`
		InvalidRows      []json.RawMessage `json:"invalid_rows"`
		CreatedCustomers int               `json:"created_customers_count"`
		ExistedCustomers int               `json:"existed_customers_count"`
		CreatedOrders    int               `json:"created_orders_count"`
		ExistedOrders    int               `json:"existed_orders_count"`
		CreatedLicenses  int               `json:"created_licenses_count"`
		ExistedLicenses  int               `json:"existed_licenses_count"`
	} `json:"result"`
}

// numbers are the counts in the order of the documentation.
func (r importResult) numbers() []int {
	c := r.Result
	if c == nil {
		return nil
	}
	return []int{c.TotalRows, c.ValidRows, len(c.InvalidRows), c.CreatedCustomers, c.ExistedCustomers,
		c.CreatedOrders, c.ExistedOrders, c.CreatedLicenses, c.ExistedLicenses}
}

type customer struct {
	ID        int     `json:"id"`
	Email     string  `json:"email"`
	FirstName *string `json:"first_name"`
}

type order struct {
	ID      int     `json:"id"`
	StoreID *string `json:"store_id"`
}

type license struct {
	ID             int    `json:"id"`
	Key            string `json:"license_key"`
	Enabled        bool   `json:"enabled"`
	MaxActivations int    `json:"max_activations"`
	LicenseType    string `json:"license_type"`
	Product        struct {
		ShortCode string `json:"short_code"`
	} `json:"product"`
	Customer *customer `json:"customer"`
	Order    order     `json:"order"`
}

// do sends a request and decodes the answer.
func (m *management) do(method, path, query string, body io.Reader, contentType string, into any) []byte {
	m.Helper()
	address := m.base + "/api/v1/" + path + m.slash
	if query != "" {
		address += "?" + query
	}
	r, err := http.NewRequestWithContext(m.Context(), method, address, body)
	if err != nil {
		m.Fatal(err)
	}
	r.Header.Set("Authorization", "Api-Key "+m.key)
	r.Header.Set("Accept", "application/json")
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	res, err := m.http.Do(r)
	if err != nil {
		m.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		m.Fatal(err)
	}
	if res.StatusCode != http.StatusOK {
		m.Fatalf("%s %s: %s: %s", method, address, res.Status, answer)
	}
	if err := json.Unmarshal(answer, into); err != nil {
		m.Fatalf("%s %s: %v: %s", method, address, err, answer)
	}
	return answer
}

// importFromCSV uploads a file in the way of the documentation.
func (m *management) importFromCSV(name string, file []byte) int {
	m.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	part, err := w.CreateFormFile("file", name)
	if err != nil {
		m.Fatal(err)
	}
	if _, err := part.Write(file); err != nil {
		m.Fatal(err)
	}
	if err := w.Close(); err != nil {
		m.Fatal(err)
	}
	var answer struct {
		JobID int `json:"job_id"`
	}
	m.do("POST", "licenses/import_from_csv", "", &b, w.FormDataContentType(), &answer)
	return answer.JobID
}

func list[T any](m *management, path, query string) page[T] {
	m.Helper()
	var p page[T]
	m.do("GET", path, query, nil, "", &p)
	return p
}

func retrieve[T any](m *management, path string, id int) T {
	m.Helper()
	var v T
	m.do("GET", fmt.Sprintf("%s/%d", path, id), "", nil, "", &v)
	return v
}

// finish asks for a result until the import has ended.
func (m *management) finish(id int) importResult {
	m.Helper()
	var r importResult
	eventually(m.T, fmt.Sprintf("the end of import %d", id), func() bool {
		r = retrieve[importResult](m, "licenses-import-results", id)
		return r.Status == "success" || r.Status == "error"
	})
	return r
}

var timestamp = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$`)

// TestManagementClient: with and without the last slash.
func TestManagementClient(t *testing.T) {
	t.Parallel()
	s := serve(t)
	file, err := os.ReadFile("../../examples/simple_licenses_example.csv")
	if err != nil {
		t.Fatal(err)
	}
	m := &management{T: t, base: s.url, key: s.admin, http: openapitest.Client(t, nil), slash: "/"}
	first := m.finish(m.importFromCSV("simple_licenses_example.csv", file))
	m.slash = ""
	second := m.finish(m.importFromCSV("simple_licenses_example.csv", file))
	checkDocumented(t, first, 1, []int{2, 2, 0, 1, 1, 1, 1, 2, 0})
	checkDocumented(t, second, 2, []int{2, 2, 0, 0, 2, 0, 2, 0, 2})
	for _, slash := range []string{"/", ""} {
		m.slash = slash
		m.readsAll(first)
	}
	m.membersOf(first.ID)
}

func checkDocumented(t *testing.T, r importResult, id int, numbers []int) {
	t.Helper()
	if r.ID != id || r.FileName != "simple_licenses_example.csv" || r.Status != "success" {
		t.Errorf("import %d of %s: %s", r.ID, r.FileName, r.Status)
	}
	if r.StartedAt == nil || r.FinishedAt == nil {
		t.Fatalf("times %v %v", r.StartedAt, r.FinishedAt)
	}
	for _, at := range []string{r.CreatedAt, *r.StartedAt, *r.FinishedAt} {
		if !timestamp.MatchString(at) {
			t.Errorf("the time %s", at)
		}
	}
	if r.CreatedAt > *r.StartedAt || *r.StartedAt > *r.FinishedAt {
		t.Errorf("the times %s %s %s", r.CreatedAt, *r.StartedAt, *r.FinishedAt)
	}
	if got := r.numbers(); fmt.Sprint(got) != fmt.Sprint(numbers) || r.Result.InvalidRows == nil {
		t.Errorf("import %d: the counts are %v, want %v", id, got, numbers)
	}
}

// readsAll lists and retrieves everything.
func (m *management) readsAll(first importResult) {
	m.Helper()
	results := list[importResult](m, "licenses-import-results", "status__iexact=Success&limit=1")
	if results.Count != 2 || len(results.Results) != 1 || results.Results[0].ID != 2 || results.Next == nil || results.Previous != nil {
		m.Errorf("the results: %+v", results)
	}
	if none := list[importResult](m, "licenses-import-results", "status__iexact=error"); none.Count != 0 || none.Results == nil {
		m.Errorf("the failed results: %+v", none)
	}
	licenses := list[license](m, "licenses", "order_by=created_at&limit=1&offset=1&license_key__icontains=RTOR")
	if licenses.Count != 2 || len(licenses.Results) != 1 || licenses.Results[0].Key != "impo-rtor-derk-ey01" || licenses.Next != nil || licenses.Previous == nil {
		m.Fatalf("the licenses: %+v", licenses)
	}
	l := retrieve[license](m, "licenses", licenses.Results[0].ID)
	if !l.Enabled || l.MaxActivations != 1 || l.LicenseType != "perpetual" || l.Product.ShortCode != "psc" || l.Customer == nil || l.Order.StoreID == nil {
		m.Fatalf("the license: %+v", l)
	}
	customers := list[customer](m, "customers", "email__icontains=EXAMPLE1")
	if customers.Count != 1 || customers.Results[0] != *l.Customer {
		m.Errorf("the customers: %+v", customers)
	}
	if c := retrieve[customer](m, "customers", l.Customer.ID); c.Email != "example1@email.com" {
		m.Errorf("the customer: %+v", c)
	}
	orders := list[order](m, "orders", "store_id=pn7XXkuCRdsadasdy9S2XSsCYQ")
	if orders.Count != 1 || orders.Results[0].ID != l.Order.ID {
		m.Errorf("the orders: %+v", orders)
	}
	if o := retrieve[order](m, "orders", l.Order.ID); o.StoreID == nil || *o.StoreID != "pn7XXkuCRdsadasdy9S2XSsCYQ" {
		m.Errorf("the order: %+v", o)
	}
	if again := retrieve[importResult](m, "licenses-import-results", first.ID); *again.FinishedAt != *first.FinishedAt {
		m.Errorf("the result: %+v, before %+v", again, first)
	}
}

// membersOf: each documented member is there, also those that Go would make up.
func (m *management) membersOf(id int) {
	m.Helper()
	var ignored any
	body := m.do("GET", fmt.Sprintf("licenses-import-results/%d", id), "", nil, "", &ignored)
	for _, name := range strings.Fields(`id file_name status created_at started_at finished_at result result.total_row_count result.valid_row_count
		result.invalid_rows result.created_customers_count result.existed_customers_count result.created_orders_count
		result.existed_orders_count result.created_licenses_count result.existed_licenses_count`) {
		if field(body, name) == "" {
			m.Errorf("the result has no %s", name)
		}
	}
}

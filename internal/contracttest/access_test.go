package contracttest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// people are the callers of the tests of access, by name.
type people map[string]*caller

func everybody(t *testing.T, s *system) people {
	t.Helper()
	return people{
		"nobody":   s.as(t, ""),
		"stranger": s.as(t, "lik_aaaaaaaa_"+strings.Repeat("A", 43)),
		"admin":    s.as(t, s.admin),
		"ada":      s.as(t, s.newKey(t, "Ada", "importer")),
		"bob":      s.as(t, s.newKey(t, "Bob", "importer")),
		"eve":      s.as(t, s.newKey(t, "Eve", "viewer")),
		"lim":      s.as(t, s.newKey(t, "Lim", "importer", "psc", "pro")),
		"lena":     s.as(t, s.newKey(t, "Lena", "viewer", "psc")),
	}
}

// TestWhoMay: who gets which answer.
func TestWhoMay(t *testing.T) {
	t.Parallel()
	s := serve(t)
	p := everybody(t, s)
	job := unquoted(p["ada"].imports("", header2+"a-1,psc\na-2,other\n,psc\n").field("id")) // of Ada
	licenses := decode[made](t, p["admin"].get(200, "/api/v1/licenses/?order_by=created_at"))
	psc, other := licenses[0].ID.String(), licenses[1].ID.String()
	fields{"product.short_code": `"psc"`}.check(t, "the first license", p["admin"].get(200, "/api/v1/licenses/"+psc+"/"))

	names := []string{"nobody", "stranger", "admin", "ada", "bob", "eve", "lim", "lena"}
	for _, test := range []struct {
		method, path string
		want         string // by names
	}{
		{"GET", "/healthz", "200 200 200 200 200 200 200 200"},
		{"GET", "/readyz", "200 200 200 200 200 200 200 200"},
		{"GET", "/api/v1/me/", "401 401 200 200 200 200 200 200"},
		{"GET", "/api/v1/license-import-template.csv", "401 401 200 200 200 200 200 200"},
		{"GET", "/api/v1/license-import-template.xlsx", "401 401 200 200 200 200 200 200"},
		{"POST", uploadPath, "401 401 415 415 415 403 415 403"}, // 415: it may, but this is no upload
		{"GET", resultsPath, "401 401 200 200 200 200 200 200"},
		{"GET", resultsPath + job + "/", "401 401 200 200 404 200 404 200"},
		{"GET", resultsPath + job + "/invalid_rows/", "401 401 200 200 404 200 404 200"},
		{"GET", resultsPath + job + "/existed_rows/", "401 401 200 200 404 200 404 200"},
		{"GET", resultsPath + job + "/invalid_rows.csv", "401 401 200 200 404 200 404 200"},
		{"GET", resultsPath + job + "/invalid_rows.xlsx", "401 401 200 200 404 200 404 200"},
		{"GET", resultsPath + job + "/events/", "401 401 200 200 404 200 404 200"},
		{"POST", resultsPath + job + "/cancel/", "401 401 409 409 404 403 404 403"},
		{"GET", resultsPath + "77/", "401 401 404 404 404 404 404 404"},
		{"GET", "/api/v1/licenses/", "401 401 200 200 200 200 200 200"},
		{"GET", "/api/v1/licenses/" + psc + "/", "401 401 200 200 200 200 200 200"},
		{"GET", "/api/v1/licenses/" + other + "/", "401 401 200 200 200 200 404 404"},
		{"GET", "/api/v1/licenses/" + other + "/event/", "401 401 200 200 200 200 404 404"},
		{"GET", "/api/v1/customers/", "401 401 200 200 200 200 403 403"},
		{"GET", "/api/v1/customers/1/", "401 401 404 404 404 404 403 403"},
		{"GET", "/api/v1/orders/", "401 401 200 200 200 200 403 403"},
		{"GET", "/api/v1/orders/" + psc + "/", "401 401 200 200 200 200 403 403"},
	} {
		for i, want := range strings.Fields(test.want) {
			t.Run(names[i]+" "+test.method+" "+test.path, func(t *testing.T) {
				c := *p[names[i]]
				c.T = t
				a := c.send(test.method, test.path, nil)
				if fmt.Sprint(a.status) != want {
					t.Fatalf("%d, want %s: %s", a.status, want, a.body)
				}
				if a.status == 401 && a.header.Get("WWW-Authenticate") != "Api-Key" {
					t.Errorf("401 without WWW-Authenticate: %v", a.header)
				}
				if a.status >= 400 && field(a.body, "status") != want {
					t.Errorf("no problem: %s", a.body)
				}
			})
		}
	}
	// Another's import is as if it did not exist: the answer is that to an id that nobody has.
	if a, b := p["bob"].get(404, resultsPath+job+"/"), p["bob"].get(404, resultsPath+"77/"); strings.ReplaceAll(string(a.body), job, "77") != string(b.body) {
		t.Errorf("the answers differ: %s %s", a.body, b.body)
	}
}

// made is whatever has an id.
type made struct{ ID json.Number }

// TestMe: who a key belongs to.
func TestMe(t *testing.T) {
	t.Parallel()
	s := serve(t)
	p := everybody(t, s)
	for name, want := range map[string]fields{
		"admin": {"role": `"admin"`, "products": "[]"},
		"ada":   {"manager": `"Ada"`, "role": `"importer"`, "products": "[]"},
		"eve":   {"manager": `"Eve"`, "role": `"viewer"`, "products": "[]"},
		"lim":   {"manager": `"Lim"`, "role": `"importer"`, "products": `["psc","pro"]`},
	} {
		want.check(t, name, p[name].get(200, "/api/v1/me/"))
		want.check(t, name, p[name].get(200, "/api/v1/me"))
	}
	c := p["nobody"]
	for name, value := range map[string]string{
		"another scheme": "Bearer " + s.admin, "no scheme": s.admin, "nothing": "Api-Key ", "cut": "Api-Key " + s.admin[:20],
		"longer": "Api-Key " + s.admin + "x",
	} {
		t.Run(name, func(t *testing.T) {
			inner := *c
			inner.T = t
			inner.call(401, "GET", "/api/v1/me/", nil, "Authorization", value)
		})
	}
}

// TestLimitedManager: rows for other products are rejected, licenses of others are not shown.
func TestLimitedManager(t *testing.T) {
	t.Parallel()
	s := serve(t)
	p := everybody(t, s)
	r := p["lim"].imports("", header2+"a-1,psc\na-2,other\na-3,PSC\na-4,pro\n")
	want := counts(4, 2, 2, 0, 0, 2, 0, 2, 0)
	for _, hidden := range []string{"created_customers_count", "existed_customers_count", "created_orders_count", "existed_orders_count"} {
		want["result."+hidden] = "null" // they would tell what other products know
	}
	want.check(t, "the import", r)
	fields{
		"manager": `"Lim"`, "status": `"success"`, "result.error_counts": `{"no_access":2}`,
		"result.invalid_rows.0.errors.0.code": `"no_access"`, "result.invalid_rows.0.errors.0.column": `"product__short_code"`,
		"result.invalid_rows.0.errors.0.value": `"other"`, "result.invalid_rows.1.row": "3",
	}.check(t, "the import", r)
	p["admin"].imports("", header2+"a-5,other\na-6,psc\n")
	for who, want := range map[string]string{"admin": "4", "ada": "4", "eve": "4", "lim": "3", "lena": "2"} {
		fields{"count": want}.check(t, who, p[who].get(200, "/api/v1/licenses/"))
		fields{"count": "1"}.check(t, who, p[who].get(200, "/api/v1/licenses/?license_key=a-1"))
	}
	fields{"count": "0", "results": "[]"}.check(t, "lim", p["lim"].get(200, "/api/v1/licenses/?product__short_code=other"))
	fields{"count": "0"}.check(t, "lim", p["lim"].get(200, "/api/v1/licenses/?license_key=a-5"))
	for who, want := range map[string]string{"admin": "2", "ada": "0", "eve": "2", "lim": "1", "lena": "2"} {
		fields{"count": want}.check(t, who, p[who].get(200, resultsPath))
	}
}

// TestKeys: how a key looks, where it is kept, and that a revoked one ends at once.
func TestKeys(t *testing.T) {
	t.Parallel()
	s := serve(t)
	info, err := os.Stat(filepath.Join(s.data, "admin.key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("admin.key: %v %v", info, err)
	}
	key := s.newKey(t, "Shop", "importer")
	if !regexp.MustCompile(`^lik_[a-z0-9]+_[A-Za-z0-9_-]{43,}$`).MatchString(key) {
		t.Errorf("the key %s: has it 32 random bytes behind a prefix?", key)
	}
	if listed := command(t, "keys", "list", "--data", s.data); strings.Contains(listed, key) || !strings.Contains(listed, "Shop") {
		t.Errorf("the list: %s", listed)
	}
	c := s.as(t, key)
	c.get(200, "/api/v1/me/")
	command(t, "keys", "revoke", "Shop", "--data", s.data)
	eventually(t, "the end of the key", func() bool { return c.send("GET", "/api/v1/me/", nil).status == http.StatusUnauthorized })
	s.stop(t)
	for _, secret := range []string{key, s.admin} {
		if strings.Contains(s.logs.String(), secret) {
			t.Error("the log holds a key")
		}
	}
}

// TestAdminKey: the environment's key is an admin key, taken as it is, and then none is made.
func TestAdminKey(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	s := serveOn(t, data, "--admin-key", "my own: key ü")
	c := s.as(t, "my own: key ü")
	fields{"role": `"admin"`}.check(t, "me", c.get(200, "/api/v1/me/"))
	if _, err := os.Stat(filepath.Join(data, "admin.key")); !os.IsNotExist(err) {
		t.Errorf("admin.key: %v", err)
	}
}

// TestWithoutKey: what is open to everybody.
func TestWithoutKey(t *testing.T) {
	t.Parallel()
	c := serve(t).as(t, "")
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/openapi.yaml", "/"} {
		if a := c.send("GET", path, io.Reader(nil)); a.status != 200 {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
}

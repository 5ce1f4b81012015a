package contracttest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"licenseimport/internal/buildtest"
)

// TestSameLicensesAtOnce: imports that run at the same time make each license once.
func TestSameLicensesAtOnce(t *testing.T) {
	t.Parallel()
	s := serve(t)
	const imports, rows = 4, 3_000
	var file strings.Builder
	file.WriteString("license__license_key,product__short_code,customer__email,order__store_id\n")
	for i := range rows {
		fmt.Fprintf(&file, "k-%d,psc,c%d@example.com,o-%d\n", i, i%100, i%50)
	}
	var all sync.WaitGroup
	results := make([]answer, imports)
	for i := range imports {
		all.Go(func() { results[i] = s.as(t, s.admin).imports("", file.String()) })
	}
	all.Wait()
	sum := map[string]int{}
	for _, r := range results {
		for _, name := range []string{"created_licenses_count", "existed_licenses_count", "created_customers_count", "existed_customers_count", "created_orders_count", "existed_orders_count"} {
			n, err := strconv.Atoi(r.field("result." + name))
			if err != nil {
				t.Fatalf("%s: %s", name, r.body)
			}
			sum[name] += n
		}
	}
	want := map[string]int{"created_licenses_count": rows, "existed_licenses_count": (imports - 1) * rows, "created_customers_count": 100,
		"existed_customers_count": imports*rows - 100, "created_orders_count": 50, "existed_orders_count": imports*rows - 50}
	if fmt.Sprint(sum) != fmt.Sprint(want) {
		t.Errorf("together they count %v, want %v", sum, want)
	}
	subjects := map[string]bool{}
	licenses := read(t, s.connect(t), "LICENSES", "licenses.>")
	for _, m := range licenses {
		subjects[m.subject] = true
	}
	if len(licenses) != rows || len(subjects) != rows {
		t.Errorf("%d events at %d subjects", len(licenses), len(subjects))
	}
}

// TestBuckets: the catalogue is readable by others, and of a key only its digest is kept.
func TestBuckets(t *testing.T) {
	t.Parallel()
	s := serve(t)
	command(t, "products", "set", "pro", "--name", "Photo Pro", "--license-type", "consumption", "--max-activations", "5", "--data", s.data)
	key := s.newKey(t, "Shop", "importer")
	js := s.connect(t)
	products, err := js.KeyValue(t.Context(), "products")
	if err != nil {
		t.Fatal(err)
	}
	entry, err := products.Get(t.Context(), "pro")
	if err != nil {
		t.Fatal(err)
	}
	fields{"name": `"Photo Pro"`, "license_type": `"consumption"`, "max_activations": "5"}.check(t, "the product", answer{body: entry.Value()})

	managers, err := js.KeyValue(t.Context(), "managers")
	if err != nil {
		t.Fatal(err)
	}
	names, err := managers.Keys(t.Context())
	if err != nil || len(names) < 2 {
		t.Fatalf("%q %v", names, err)
	}
	secret := key[strings.LastIndex(key, "_")+1:]
	for _, name := range names {
		entry, err := managers.Get(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(name+string(entry.Value()), secret) {
			t.Errorf("the bucket holds the key: %s", entry.Value())
		}
	}

	// A product that another program puts there counts as well.
	if _, err := products.Put(t.Context(), "lite", []byte(`{"name":"Photo Lite","license_type":"subscription"}`)); err != nil {
		t.Fatal(err)
	}
	c := s.as(t, s.admin)
	eventually(t, "the product", func() bool {
		return c.imports("", fmt.Sprintf("%sk-%s,lite\n", header2, t.Name())).field("result.valid_row_count") == "1"
	})
	fields{"results.0.license_type": `"subscription"`, "results.0.product.name": `"Photo Lite"`}.check(t, "the license", c.get(200, "/api/v1/licenses/"))
}

// TestLogs hold no key, no license key and no customer's data.
func TestLogs(t *testing.T) {
	t.Parallel()
	s := serve(t, "--log-level", "debug", "--max-file-size", "64KiB")
	c := s.as(t, s.admin)
	const file = "license__license_key,product__short_code,customer__email,customer__city\nSECRET-1,psc,secret@example.com,Secretville\n"
	c.imports("", file+"SECRET-1,psc,secret,Secret\x01ville\n\"SECRET-2\n")
	c.upload(400, "", "SECRET-3,product__short_code\nx,y\n")
	c.upload(413, "", file+strings.Repeat("SECRET-4,psc,secret@example.com,\n", 3000))
	c.get(200, "/api/v1/licenses/?license_key__icontains=SECRET&customer_email=secret@example.com")
	c.get(400, "/api/v1/licenses/?license_key=SECRET-1&limit=x")
	c.call(401, "GET", "/api/v1/me/", nil, "Authorization", "Api-Key lik_secretxx_SECRET")
	s.stop(t)
	for line := range strings.Lines(s.logs.String()) {
		if lower := strings.ToLower(line); strings.Contains(lower, "secret") || strings.Contains(line, s.admin) {
			t.Errorf("the log says %s", line)
		}
	}
	if !strings.Contains(s.logs.String(), "level=") {
		t.Errorf("nothing was logged: %s", s.logs)
	}
}

// TestRowOfManyBytes: a row whose event would be too large for a message is rejected alone.
func TestRowOfManyBytes(t *testing.T) {
	t.Parallel()
	s := serve(t, "--max-row-size", "4MiB")
	c := s.as(t, s.admin)
	wide := strings.Repeat("\u2028", 320<<10) // three bytes each
	r := c.imports("", "license__license_key,product__short_code,license__note\na,psc,x\nb,psc,"+wide+"\nc,psc,"+strings.Repeat("n", 20_000)+"\nd,psc,x\n")
	fields{"result.valid_row_count": "2", "result.error_counts": `{"row_too_large":1,"too_long":1}`}.check(t, "the import", r)
	rows := decode[invalidRow](t, c.get(200, resultsPath+r.field("id")+"/invalid_rows/"))
	if n := len([]rune(rows[0].Raw)); n != 4096 {
		t.Errorf("its raw text has %d characters", n)
	}
	if n := len(rows[1].Values["license__note"]); n != 20_000 {
		t.Errorf("the whole row has a note of %d", n)
	}
}

// role starts one role of the program; it is stopped when the test ends.
func role(t *testing.T, wait string, args ...string) string {
	t.Helper()
	logs := &buildtest.Output{}
	process := exec.Command(program, args...)
	process.Env = append(environment(), "LICENSEIMPORT_ADMIN_KEY=the-key")
	process.Stderr = logs
	out, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = process.Process.Signal(syscall.SIGTERM)
		if err := process.Wait(); err != nil {
			t.Errorf("%q ended with %v: %s", args, err, logs)
		}
	})
	address := ""
	lines := bufio.NewScanner(out)
	for address == "" && wait != "" && lines.Scan() {
		if fields := strings.Fields(lines.Text()); len(fields) == 2 && fields[0] == wait {
			address = fields[1]
		}
	}
	if address == "" && wait != "" {
		t.Fatalf("%q does not start: %s", args, logs)
	}
	go func() {
		for lines.Scan() {
		}
	}()
	return address
}

// TestRoles: four processes, and to a client they are one.
func TestRoles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	nats := role(t, "NATS", "nats", "--data", filepath.Join(dir, "nats"), "--nats-port", "-1")
	token := filepath.Join(dir, "nats", "nats.token")
	projector := role(t, "HTTP", "projector", "--nats-url", nats, "--nats-token-file", token, "--http", "127.0.0.1:0", "--data", filepath.Join(dir, "views"))
	ingest := role(t, "HTTP", "ingest", "--nats-url", nats, "--nats-token-file", token, "--http", "127.0.0.1:0", "--projector-url", projector)
	role(t, "", "processor", "--nats-url", nats, "--nats-token-file", token)

	s := &system{url: ingest, admin: "the-key"}
	c := s.as(t, s.admin)
	eventually(t, "the projector", func() bool { return c.send("GET", resultsPath, nil).status == http.StatusOK })
	for i := range 5 {
		id := c.upload(200, "", fmt.Sprintf("%sk-%d,psc\n,psc\n", header2, i)).field("job_id")
		fields{"id": id}.check(t, "at once", c.get(200, resultsPath+id))
		counts(2, 1, 1, 0, 0, 1, 0, 1, 0).check(t, "the import", c.await(id))
	}
	license := c.get(200, "/api/v1/licenses").field("results.0.id")
	for _, path := range []string{"/api/v1/me/", resultsPath + "1/invalid_rows/", resultsPath + "1/invalid_rows.csv/", resultsPath + "1/events/",
		"/api/v1/licenses/" + license + "/event/", "/api/v1/license-import-template.csv/", "/api/v1/orders/"} {
		if with, without := c.get(200, path), c.get(200, strings.TrimSuffix(path, "/")); string(with.body) != string(without.body) {
			t.Errorf("%s: %s without the slash, %s with it", path, without.body, with.body)
		}
	}
	if next := c.get(200, "/api/v1/licenses/?limit=2").field("next"); next != compact(ingest+"/api/v1/licenses/?limit=2&offset=2") {
		t.Errorf("next is %s", next)
	}
	for where, url := range map[string]string{"ingest": ingest, "projector": projector} {
		at := (&system{url: url}).as(t, "the-key")
		for _, slash := range []string{"", "/"} {
			a := at.call(405, "GET", strings.TrimSuffix(uploadPath, "/")+slash, nil).problem(t, "method_not_allowed")
			if a.header.Get("Allow") != "POST" {
				t.Errorf("%s: Allow is %q", where, a.header.Get("Allow"))
			}
			at.call(405, "POST", strings.TrimSuffix(resultsPath, "/")+slash, nil).problem(t, "method_not_allowed")
			at.call(405, "DELETE", resultsPath+"1"+slash, nil).problem(t, "method_not_allowed")
			at.get(404, "/api/v1/nothing"+slash).problem(t, "not_found")
			at.get(404, resultsPath+"99"+slash).problem(t, "not_found")
			for key, code := range map[string]string{"": "not_authenticated", "another key": "invalid_key"} {
				nobody := (&system{url: url}).as(t, key)
				nobody.get(401, "/api/v1/nothing"+slash).problem(t, code)
				nobody.call(401, "DELETE", resultsPath+"1"+slash, nil).problem(t, code)
				nobody.call(401, "OPTIONS", "/api/v1/licenses"+slash, nil).problem(t, code)
				nobody.call(401, "GET", strings.TrimSuffix(uploadPath, "/")+slash, nil).problem(t, code)
			}
		}
		at.get(200, "/healthz")
		at.get(200, "/readyz")
	}
	c.call(409, "POST", resultsPath+"1/cancel", nil).problem(t, "already_ended")
	if !json.Valid(c.get(200, resultsPath).body) {
		t.Error("the list is no JSON")
	}
}

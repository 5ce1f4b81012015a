package readapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"licenseimport/events"
	"licenseimport/internal/csvfile"
	"licenseimport/projector"
)

// records parses an export, whose first line must be these columns.
func (r *harness) records(a answer, columns []string) (rows [][]string) {
	r.Helper()
	if a.status != 200 || a.header.Get("Content-Type") != "text/csv; charset=utf-8" {
		r.Fatalf("%d %v: %.300s", a.status, a.header, a.body)
	}
	file := csvfile.NewReader(strings.NewReader(a.body), csvfile.Options{})
	header, err := file.Header()
	check(r, err)
	if !slices.Equal(header.Fields, columns) {
		r.Fatalf("the columns are %v, want %v", header.Fields, columns)
	}
	for {
		row, err := file.Read()
		if errors.Is(err, io.EOF) {
			return rows
		}
		check(r, err)
		if row.Err != nil {
			r.Fatalf("row %d: %v", row.Number, row.Err)
		}
		fields := make([]string, len(row.Fields))
		for i := range fields {
			fields[i] = string(row.Fields[i])
		}
		rows = append(rows, fields)
	}
}

// anyText is a text that a column may hold, with what makes files hard to read.
func anyText(random *rand.Rand) string {
	parts := []string{"a", "Ü", "0", "'", `"`, ",", ";", "\t", "=", "-", "+1", "@", "\r\n", "\n", "\n\n", " ", "日本", "\u200b", "e\u0301", "#N/A x", "😀"}
	var b strings.Builder
	for range 1 + random.IntN(8) {
		b.WriteString(parts[random.IntN(len(parts))])
	}
	return b.String()
}

// anyValue is a value that a row may give in a column; "" now and then.
func anyValue(random *rand.Rand, c *events.Column) string {
	pick := func(values ...string) string { return values[random.IntN(len(values))] }
	if !c.Required && random.IntN(3) == 0 {
		return ""
	}
	switch c.Type {
	case events.Email:
		return pick("ada", "Ada", "ö.k+1", `"a b"`) + pick("@example.com", "@bücher.example", "@EXAMPLE.com")
	case events.Bool:
		return pick("true", "FALSE", "yes", "0", "1", "No")
	case events.Int:
		return fmt.Sprint(pick("0", "00", ""), random.IntN(1<<31-1))
	case events.Date:
		return pick("2030-01-31", "1999-12-31", "2028-02-29T23:59:59Z", "2030-01-01 00:00:00")
	case events.Duration:
		return fmt.Sprint(1+random.IntN(36500), pick("d", "m", "y"))
	case events.Enum:
		return strings.ToUpper(c.Choices[random.IntN(len(c.Choices))])
	}
	if text := c.Clean(anyText(random)); text != "" {
		return text
	}
	return "x"
}

// TestWhatIsExportedSaysTheSame: for values of every kind in every column, an exported row says what the
// license says, and nothing else.
func TestWhatIsExportedSaysTheSame(t *testing.T) {
	random := rand.New(rand.NewPCG(11, 12))
	var want []*events.LicenseImported
	log := newMemLog(started(1, "anna"), sealed(1, 500), progressed(1, 0, 0, 0, 0))
	for row := events.Row(1); row <= 500; row++ {
		var r events.Record
		for _, i := range events.Licenses.Columns() {
			c := &events.Columns[i]
			if value := anyValue(random, c); value != "" {
				if code := c.Set(&r, value); code != "" {
					t.Fatalf("%s: %q is %s", c.Name, value, code)
				}
			}
		}
		r.License.Key += fmt.Sprint("/", row)
		e := &events.LicenseImported{JobID: 1, Row: row, License: r.License, Product: events.Product{ShortCode: r.Product, Name: "named"}, Order: r.Order}
		if r.Customer != (events.Customer{}) {
			e.Customer = &r.Customer
		}
		want = append(want, e)
		log.Add(e)
	}
	log.Add(finished(1, 500, 500, 0, 0))
	h := newHarness(t, t.TempDir(), log)
	h.catchUp()
	rows := h.records(h.get(prefix+"licenses/export/"), events.Licenses.ColumnNames())
	if len(rows) != len(want) {
		t.Fatalf("%d rows", len(rows))
	}
	given := 0
	for n, fields := range rows {
		var r events.Record
		var values events.Values
		copy(values[:], fields) // the columns of licenses come first
		for i, value := range fields {
			c := &events.Columns[i]
			if value = c.Clean(value); value == "" {
				continue
			}
			given++
			if code := c.Set(&r, value); code != "" {
				t.Errorf("row %d, %s: %q is %s", n+1, c.Name, value, code)
			}
		}
		if differs := r.Differs(&values, stateOf(want[n])); differs != nil {
			t.Errorf("row %d differs in %v: %q", n+1, differs, fields)
		}
		if again := recordOf(want[n]); r.License.Key != want[n].License.Key || !sameValues(&r, &again) {
			t.Errorf("row %d: %+v, want %+v", n+1, r, again)
		}
	}
	if given < 500*len(events.Licenses.Columns())/2 {
		t.Errorf("only %d values", given)
	}
}

func sameValues(a, b *events.Record) bool {
	for _, i := range events.Licenses.Columns() {
		if events.Columns[i].Value(a) != events.Columns[i].Value(b) {
			return false
		}
	}
	return true
}

// TestExportSelectsAsTheList: the filters of the lists select what is exported, for a manager who is limited
// too.
func TestExportSelectsAsTheList(t *testing.T) {
	r, limited := partiesHarness(t, changedParties(1, 400))
	for _, filter := range []string{"", "product__short_code=b", "license_key__icontains=y-1", "customer_company_name__icontains=acme",
		"order__store_id__startswith=eShop&enabled=true", "validity_period__lt=2030-06-30", "id__in=5,9,4", "product_id=" + fmt.Sprint(events.ProductID("a"))} {
		query, err := url.ParseQuery(filter)
		check(t, err)
		for _, key := range []string{adminKey, limited} {
			var keys, want []string
			for _, fields := range r.records(r.getAs(key, prefix+"licenses/export/?"+filter), events.Licenses.ColumnNames()) {
				keys = append(keys, fields[events.ColumnKey])
			}
			for _, l := range r.all(key, "licenses/", query) {
				want = append(want, l.text("license_key"))
			}
			if !slices.Equal(keys, want) {
				t.Errorf("%s: %v, want %v", filter, keys, want)
			}
		}
	}
	columns := []string{"email", "first_name", "last_name", "company_name", "phone", "reference", "address", "postcode", "state", "city", "country"}
	for _, filter := range []string{"", "company_name__icontains=acme", "email__startswith=bert"} {
		query, err := url.ParseQuery(filter)
		check(t, err)
		want := r.all(adminKey, "customers/", query)
		for n, fields := range r.records(r.get(prefix+"customers/export/?"+filter), columns) {
			for i, column := range columns {
				if n >= len(want) || fields[i] != want[n].text(column) {
					t.Errorf("%s: customer %d of %d: %v", filter, n, len(want), fields)
				}
			}
		}
	}
	for _, path := range []string{"customers/export/", "orders/export/"} {
		if a := r.getAs(limited, prefix+path); a.status != 403 {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
}

// TestExportOfOrders: the licenses of all orders that were created in a range of days.
func TestExportOfOrders(t *testing.T) {
	r, _ := partiesHarness(t, manyParties(1, 400))
	licenses := r.all(adminKey, "licenses/", nil)
	day := licenses[0].text("created_at")[:len(time.DateOnly)]
	before := func(date string) string {
		t, _ := time.Parse(time.DateOnly, date)
		return t.AddDate(0, 0, -1).Format(time.DateOnly)
	}(day)
	for query, want := range map[string]int{
		"": 400, "from=" + day: 400, "to=" + day: 400, "from=" + day + "&to=" + day: 400, "from=" + before + "&to=" + before: 0, "to=" + before: 0,
		"range=last30": 0, "from=2999-01-01": 0,
	} {
		if got := len(r.records(r.get(prefix+"orders/export/?"+query), events.Licenses.ColumnNames())); got != want {
			t.Errorf("%s: %d, want %d", query, got, want)
		}
	}
	for _, store := range []string{"Shop-12", "eShop-30"} {
		var want []string
		for _, l := range licenses {
			if l.text("order.store_id") == store {
				want = append(want, l.text("license_key"))
			}
		}
		var got []string
		for _, fields := range r.records(r.get(prefix+"orders/export/?store_id="+store), events.Licenses.ColumnNames()) {
			got = append(got, fields[events.ColumnKey])
		}
		if !slices.Equal(got, want) || len(want) == 0 {
			t.Errorf("%s: %v, want %v", store, got, want)
		}
	}
	for _, query := range []string{"range=last31", "range=last30&from=" + day, "from=yesterday", "from=+", "to=%09", "to=1", "from=2021-02-01&to=2021-01-01"} {
		if a := r.get(prefix + "orders/export/?" + query); a.status != 400 || !strings.Contains(a.body, `"invalid_parameter"`) {
			t.Errorf("%s: %d %s", query, a.status, a.body)
		}
	}
	first, last := licenses[0].text("created_at"), licenses[len(licenses)-1].text("created_at")
	for query, want := range map[string]int{"from=" + first + "&to=" + last: 400, "to=" + day + "T00:00:00Z": 0, "from=" + day + " 23:59:59": 0} {
		if got := len(r.records(r.get(prefix+"orders/export/?"+strings.ReplaceAll(query, " ", "%20")), events.Licenses.ColumnNames())); got != want {
			t.Errorf("%s: %d, want %d", query, got, want)
		}
	}
}

// TestOrderRange: a day is a whole one in UTC, and a time of day counts, to the microsecond that the API shows.
func TestOrderRange(t *testing.T) {
	now := time.Date(2021, 4, 30, 12, 0, 0, 0, time.UTC)
	for query, want := range map[string][2]string{
		"range=last30":                                      {"2021-03-31T12:00:00Z", "0001-01-01T00:00:00Z"},
		"from=2021-01-01&to=2021-01-01":                     {"2021-01-01T00:00:00Z", "2021-01-02T00:00:00Z"},
		"from=2021-01-01 23:59:58":                          {"2021-01-01T23:59:58Z", "0001-01-01T00:00:00Z"},
		"from=2021-01-01t01:00:00%2B02:00":                  {"2020-12-31T23:00:00Z", "0001-01-01T00:00:00Z"},
		"to=2021-01-01T23:59:58Z":                           {"0001-01-01T00:00:00Z", "2021-01-01T23:59:58.000001Z"},
		"to=2021-01-01T23:59:58.1234567z":                   {"0001-01-01T00:00:00Z", "2021-01-01T23:59:58.123457Z"},
		"from=2021-01-01T10:00:00Z&to=2021-01-01T10:00:00Z": {"2021-01-01T10:00:00Z", "2021-01-01T10:00:00.000001Z"},
		"from=2021-01-01T10:00:00Z&to=2021-01-01T09:00:00Z": {},
		"from=2021-01-02&to=2021-01-01":                     {},
		"from=2021-01-01T25:00:00Z":                         {},
		"to=2021-01-01T10:00":                               {},
	} {
		values, err := url.ParseQuery(query)
		check(t, err)
		var q projector.OrderQuery
		err = parseRange(values, now, &q)
		got := [2]string{q.From.UTC().Format(time.RFC3339Nano), q.To.UTC().Format(time.RFC3339Nano)}
		if refused := want == [2]string{}; refused != (err != nil) || !refused && got != want {
			t.Errorf("%s: %v, %v, want %v", query, got, err, want)
		}
	}
}

// slowClient takes the first piece of an answer only after proceed has returned.
type slowClient struct {
	*httptest.ResponseRecorder
	once    sync.Once
	proceed func()
}

func (c *slowClient) Write(b []byte) (int, error) {
	c.once.Do(c.proceed)
	return c.ResponseRecorder.Write(b)
}

// TestExportIsOfOneMoment: what is folded while a client reads an export is not in it, and is folded all the
// same.
func TestExportIsOfOneMoment(t *testing.T) {
	log := newMemLog(manyParties(2, 3000)...)
	r := newHarness(t, t.TempDir(), log)
	r.catchUp()
	client := &slowClient{ResponseRecorder: httptest.NewRecorder(), proceed: func() {
		log.Add(started(2, "anna"), sealed(2, 1), progressed(2, 0, 0, 0, 0), imported(2, 1, "a", "late", "", ""), finished(2, 1, 1, 0, 0))
		r.catchUp()
	}}
	request := httptest.NewRequest(http.MethodGet, prefix+"licenses/export/", nil)
	request.Header.Set("Authorization", "Api-Key "+adminKey)
	r.handler.ServeHTTP(client, request)
	if lines := strings.Count(client.Body.String(), "\r\n"); lines < 3001 || strings.Contains(client.Body.String(), "late") {
		t.Errorf("%d lines", lines)
	}
	if a := r.get(prefix + "licenses/?license_key=late"); !strings.Contains(a.body, `"count":1`) {
		t.Errorf("the license is not there: %s", a.body)
	}
}

// TestExportEndsWithTheRequest: a client that leaves after the first piece ends the reading, and gets no more.
func TestExportEndsWithTheRequest(t *testing.T) {
	r := newHarness(t, t.TempDir(), newMemLog(manyParties(3, 10_000)...))
	r.catchUp()
	whole := len(r.get(prefix + "licenses/export/").body)
	ctx, leave := context.WithCancel(t.Context())
	client := &slowClient{ResponseRecorder: httptest.NewRecorder(), proceed: leave}
	request := httptest.NewRequestWithContext(ctx, http.MethodGet, prefix+"licenses/export/", nil)
	request.Header.Set("Authorization", "Api-Key "+adminKey)
	defer func() {
		if p := recover(); p != nil && p != http.ErrAbortHandler {
			t.Error(p)
		}
		if sent := client.Body.Len(); sent == 0 || sent > whole/2 {
			t.Errorf("%d of %d bytes", sent, whole)
		}
	}()
	r.handler.ServeHTTP(client, request)
}

// TestLongAnswersAreWatched: an answer that says no length beforehand, or that gives its client more time
// than the server's default, ends when its key is revoked.
func TestLongAnswersAreWatched(t *testing.T) {
	all, ids := manyParties(1, 400), map[string]string{events.Licenses.Results: "1"}
	for i, k := range []*events.Kind{events.Features, events.Customers} {
		job := events.JobID(11 + i)
		start := started(job, "anna")
		start.Kind = k.Name
		all = append(all, start, sealed(job, 1), progressed(job, 0, 0, 0, 0), rejected(job, 1, events.Required),
			finished(job, 1, 0, 0, 1))
		ids[k.Results] = job.String()
	}
	r, _ := partiesHarness(t, all)
	for _, route := range New(r.Projector, catalogue).routes() {
		id := "4"
		if results, _, _ := strings.Cut(route.path, ":id/"); ids[results] != "" {
			id = ids[results]
		}
		if route.path == events.Customers.Results+":id/undo/" {
			continue // a 409: they cannot be undone
		}
		if strings.HasPrefix(route.path, "products") {
			id = fmt.Sprint(events.ProductID("a"))
		}
		w := &deadlineRecorder{ResponseRecorder: httptest.NewRecorder()}
		request := httptest.NewRequest(http.MethodGet, prefix+strings.Replace(route.path, ":id", id, 1), nil)
		request.Header.Set("Authorization", "Api-Key "+adminKey)
		r.handler.ServeHTTP(w, request)
		if w.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", route.path, w.Code, w.Body)
		}
		if long := w.Header().Get("Content-Length") == "" || w.longest > 45*time.Second; long != route.long {
			t.Errorf("%s: long in the table: %t; length %q, %s for a piece", route.path, route.long, w.Header().Get("Content-Length"), w.longest)
		}
	}
}

// deadlineRecorder notes how long a client has to take a piece.
type deadlineRecorder struct {
	*httptest.ResponseRecorder
	longest time.Duration
}

func (w *deadlineRecorder) SetWriteDeadline(t time.Time) error {
	w.longest = max(w.longest, time.Until(t))
	return nil
}

func stateOf(e events.Event) events.LicenseState {
	s, _ := events.StateAfter(e)
	return s
}

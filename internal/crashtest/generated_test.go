//go:build unix

package crashtest

import (
	"os"
	"strconv"
	"testing"
	"time"

	"licenseimport/events"
)

// number is a whole number from the environment.
func number(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	must(t, err)
	return n
}

// TestGenerated imports one large file, of SOAK_ROWS rows (20,000), in one process
// and in several: the counts are exact.
func TestGenerated(t *testing.T) {
	t.Parallel()
	rows := number(t, "SOAK_ROWS", 20000) / 100 * 100
	f := shape{name: "generated", rows: rows, seed: 1}.generate()
	t.Run("serve", func(t *testing.T) {
		s := newServer(t)
		importGenerated(t, s.nats, s.client, *f)
	})
	t.Run("processes", func(t *testing.T) {
		s := newSystem(t, time.Minute)
		importGenerated(t, s.url, s.client, *f)
	})
}

func importGenerated(t *testing.T, nats string, c *client, f file) {
	began := time.Now()
	must(t, c.send(t.Context(), &f, attempt{}))
	answered := time.Since(began)
	got, err := c.wait(f.Job)
	must(t, err)
	t.Logf("%d rows: answered after %.2f s, shown after %.2f s", len(f.Rows), answered.Seconds(), time.Since(began).Seconds())
	n := len(f.Rows)
	want := Result{
		Total: n, Valid: n - n/100, Invalid: n / 100, CreatedLicenses: n - n/50, ExistedLicenses: n / 100,
	}
	if got.Result == nil || got.Status != string(events.Success) {
		t.Fatalf("the result is %+v", got)
	}
	r := *got.Result
	r.CreatedCustomers, r.ExistedCustomers, r.CreatedOrders, r.ExistedOrders = 0, 0, 0, 0 // verify knows them
	if r != want {
		t.Errorf("got  %+v\nwant %+v", r, want)
	}
	verify(t, nats, c, &f)
}

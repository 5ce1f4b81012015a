package readapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/internal/access"
	"licenseimport/internal/httpx"
	"licenseimport/projector"
)

// leavingClient is a request's context that ends while the request is read: when it was asked
// several times.
type leavingClient struct {
	context.Context
	asked atomic.Int64
}

const asksBeforeLeaving = 8

func (c *leavingClient) Err() error {
	if c.asked.Add(1) > asksBeforeLeaving {
		return context.Canceled
	}
	return nil
}

// TestReadsEndWithTheRequest: a read that finds nothing of what a limited manager may see passes all
// that it may not see, and ends when the client leaves.
func TestReadsEndWithTheRequest(t *testing.T) {
	keys := access.NewStore(newStream(t).Bucket(eventlog.Managers))
	viewer, err := keys.Create(t.Context(), "vera", string(access.Viewer), []string{"none"})
	check(t, err)
	const n = 20_000 // steps of each read, of which each 1024th asks
	log := newMemLog(started(1, "anna"), sealed(1, 3*n), progressed(1, 0, 0, 0, 0))
	var all []events.Event
	for row := events.Row(1); row <= n; row++ {
		existed := &events.LicenseExisted{JobID: 1, Row: row + n, LicenseKey: "K", By: events.Origin{JobID: 1, Row: 1}}
		existed.Product.ShortCode = "other"
		bad := rejected(1, row+2*n, events.Required)
		bad.Values[events.ColumnProduct] = "other"
		license := imported(1, row, "other", fmt.Sprint("K-", row), fmt.Sprintf("ada%d@example.com", row), "")
		all = append(all, license, existed, bad)
	}
	log.Add(all...)
	log.Add(finished(1, 3*n, n, n, n))
	r := newHarnessWith(t, t.TempDir(), log, access.Config{Store: keys, AdminKey: adminKey})
	r.catchUp()
	get := func(key, path string) (status int, body string, asked int64) {
		client := &leavingClient{Context: t.Context()}
		request := httptest.NewRequest(http.MethodGet, prefix+path, nil).WithContext(client)
		request.Header.Set("Authorization", "Api-Key "+key)
		w := httptest.NewRecorder()
		r.handler.ServeHTTP(w, request)
		return w.Code, w.Body.String(), client.asked.Load()
	}
	for path, key := range map[string]string{
		"licenses-import-results/1/": viewer, "licenses-import-results/1/invalid_rows/": viewer,
		"licenses-import-results/1/invalid_rows/?code=required": viewer, "licenses-import-results/1/existed_rows/": viewer,
		"licenses/?license_key__icontains=x&limit=1": viewer, "licenses/?license_key__icontains=zzz": adminKey,
		"licenses/?import_id=1&enabled=true": adminKey, "customers/?email__icontains=zzz": adminKey,
		"licenses-import-results/1/existed_rows/?limit=1": adminKey,
		"licenses/?note__icontains=zzz":                   adminKey, "licenses/?validity_period__gt=2020-01-01": adminKey, "licenses/?customer_name__icontains=zzz": adminKey,
		"licenses/?customer_email__icontains=ada": adminKey, "customers/?phone__icontains=zzz": adminKey, "orders/?short_code=other": adminKey,
	} {
		status, body, asked := get(key, path)
		if status != http.StatusServiceUnavailable || !strings.Contains(body, `"interrupted"`) || asked > asksBeforeLeaving+5 {
			t.Errorf("%s: %d after %d questions: %.200s", path, status, asked, body)
		}
	}
}

// TestReadThatTakesTooLong: the answer says how to narrow it, and when to come back.
func TestReadThatTakesTooLong(t *testing.T) {
	var e *httpx.Error
	if !errors.As(unavailable(projector.ErrTooBroad), &e) {
		t.Fatal("not for a client")
	}
	if e.Status != 503 || e.Code != "search_too_broad" || e.RetryAfter == 0 || !strings.Contains(e.Detail, "Narrow it") {
		t.Errorf("%+v", e)
	}
}

package readapi

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"licenseimport/events"
	"licenseimport/internal/access"
	"licenseimport/internal/httpx"
	"licenseimport/projector"
	"licenseimport/projector/projectortest"
)

// Short names for what the tests of several packages share.
type memLog = projectortest.MemLog

var (
	newMemLog   = projectortest.NewMemLog
	newStream   = projectortest.NewStream
	started     = projectortest.Started
	imported    = projectortest.Imported
	rejected    = projectortest.Rejected
	progressed  = projectortest.Progressed
	sealed      = projectortest.Sealed
	finished    = projectortest.Finished
	manyImports = projectortest.ManyImports
)

const (
	adminKey    = "an admin's key"
	importsPath = prefix + "licenses-import-results/"
)

// catalogue is the catalogue of all harnesses.
var catalogue = listedCatalogue{{Product: events.Product{ShortCode: "a", Name: "Product A"}},
	{Product: events.Product{ShortCode: "b"}}}

type listedCatalogue []events.CatalogueProduct

func (c listedCatalogue) List(context.Context) ([]events.CatalogueProduct, error) {
	return slices.Clone(c), nil
}

// harness is a Projector that runs, and its API.
type harness struct {
	testing.TB
	*projector.Projector
	log     projector.Log
	handler http.Handler
	ended   chan error
	stop    func()
}

// newHarness runs a projector on a directory until the test ends or stop is called.
func newHarness(t testing.TB, dir string, log projector.Log) *harness {
	return newHarnessWith(t, dir, log, access.Config{AdminKey: adminKey})
}

func newHarnessWith(t testing.TB, dir string, log projector.Log, config access.Config) *harness {
	t.Helper()
	p, err := projector.Open(t.Context(), dir, log)
	check(t, err)
	r := &harness{TB: t, Projector: p, log: log, ended: make(chan error, 1)}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { r.ended <- p.Run(ctx) }()
	stopped := false
	r.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		<-r.ended
		check(t, p.Close())
	}
	t.Cleanup(r.stop)
	router := httpx.NewRouter(httpx.Options{Log: slog.New(slog.DiscardHandler)})
	New(p, catalogue).Register(router, access.NewAuthenticator(config))
	r.handler, err = router.Handler()
	check(t, err)
	return r
}

// catchUp waits until the views hold the whole stream.
func (r *harness) catchUp() {
	r.Helper()
	ctx, cancel := context.WithTimeout(r.Context(), 20*time.Second)
	defer cancel()
	state, err := r.log.State(ctx)
	check(r, err)
	check(r, r.WaitFor(ctx, state.Last))
}

// answer is a whole response.
type answer struct {
	status int
	header http.Header
	body   string
}

func (r *harness) get(path string) answer { return r.getAs(adminKey, path) }

func (r *harness) getAs(key, path string) answer { return r.do(http.MethodGet, key, path) }

func (r *harness) do(method, key, path string) answer {
	request := httptest.NewRequest(method, path, nil)
	request.Header.Set("Authorization", "Api-Key "+key)
	w := httptest.NewRecorder()
	r.handler.ServeHTTP(w, request)
	return answer{w.Code, w.Result().Header, w.Body.String()}
}

// into decodes an answer, which must be a 200.
func into[T any](r *harness, path string) T {
	r.Helper()
	a := r.get(path)
	if a.status != http.StatusOK {
		r.Fatalf("GET %s: %d %s", path, a.status, a.body)
	}
	var v T
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		r.Fatalf("GET %s: %v in %s", path, err, a.body)
	}
	return v
}

// listed is a page of any list whose elements have ids.
type listed struct {
	Count   int
	Next    *string
	Results []struct{ ID uint64 }
}

func (l listed) ids() []uint64 {
	ids := make([]uint64, len(l.Results))
	for i := range l.Results {
		ids[i] = l.Results[i].ID
	}
	return ids
}

// check ends the test on an error.
func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// shownResult is a result of a licenses' import as a client reads it.
type shownResult struct {
	result
	Result *shownCounts `json:"result"`
}

type shownCounts struct {
	TotalRows       events.Row             `json:"total_row_count"`
	InvalidRows     []invalidRow           `json:"invalid_rows"`
	CreatedLicenses uint64                 `json:"created_licenses_count"`
	ExistedLicenses uint64                 `json:"existed_licenses_count"`
	InvalidCount    events.Row             `json:"invalid_row_count"`
	ErrorCounts     map[events.Code]uint64 `json:"error_counts"`
}

package access

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"licenseimport/internal/httpx"
)

// bucket is a Bucket in memory, which counts what it is asked and can be made
// to not answer, as no real one can on demand.
type bucket struct {
	mu     sync.Mutex
	values map[string][]byte
	gets   int
	silent bool
}

func newBucket() *bucket { return &bucket{values: map[string][]byte{}} }

func (b *bucket) reach(ctx context.Context) error {
	if b.silent {
		<-ctx.Done()
		return ctx.Err()
	}
	return nil
}

func (b *bucket) Get(ctx context.Context, key string) ([]byte, bool, error) {
	b.mu.Lock()
	b.gets++
	value, found := b.values[key]
	b.mu.Unlock()
	return value, found, b.reach(ctx)
}

func (b *bucket) Create(ctx context.Context, key string, value []byte) (bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, taken := b.values[key]; taken {
		return false, nil
	}
	b.values[key] = value
	return true, b.reach(ctx)
}

func (b *bucket) Put(ctx context.Context, key string, value []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.values[key] = value
	return b.reach(ctx)
}

func (b *bucket) List(ctx context.Context) (map[string][]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.values), b.reach(ctx)
}

func create(t *testing.T, s *Store, name, role string, products ...string) string {
	t.Helper()
	key, err := s.Create(t.Context(), name, role, products)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func request(authorization ...string) *http.Request {
	r := httptest.NewRequest("GET", "/api/v1/me/", nil)
	r.Header["Authorization"] = authorization
	return r
}

// code is the code of a problem; "" for no error.
func code(t *testing.T, err error) string {
	t.Helper()
	var e *httpx.Error
	if err == nil {
		return ""
	}
	if !errors.As(err, &e) {
		t.Fatalf("not for a client: %v", err)
	}
	return e.Code
}

func TestRights(t *testing.T) {
	all := []Right{Identify, Import, Cancel, ReadImports, ReadAllImports, ReadLicenses, ReadCustomers, Manage}
	for _, c := range []struct {
		name    string
		manager Manager
		can     string // one letter for each of all: y or -
	}{
		{"admin", Manager{Role: Admin}, "yyyyyyyy"},
		{"importer", Manager{Role: Importer}, "yyyy-yy-"},
		{"viewer", Manager{Role: Viewer}, "y--yyyy-"},
		{"limited importer", Manager{Role: Importer, Products: []string{"psc"}}, "yyyy-y--"},
		{"limited viewer", Manager{Role: Viewer, Products: []string{"psc"}}, "y--yyy--"},
		{"nobody", Manager{}, "--------"},
		{"unknown role", Manager{Role: "Admin"}, "--------"},
	} {
		for i, right := range all {
			if got, want := c.manager.Can(right), c.can[i] == 'y'; got != want {
				t.Errorf("%s: may %s: %v", c.name, right, got)
			}
		}
	}
}

func TestProductsAndImportsOfOthers(t *testing.T) {
	free, limited := Manager{Name: "a", Role: Importer}, Manager{Name: "a", Role: Viewer, Products: []string{"psc"}}
	if free.Limited() || !free.Allowed("any") || !limited.Limited() || !limited.Allowed("psc") {
		t.Error("too little is allowed")
	}
	if limited.Allowed("PSC") || limited.Allowed("") || limited.Allowed("ps") {
		t.Error("a product is allowed that is not listed")
	}
	if !free.Sees("a") || free.Sees("b") || !limited.Sees("b") || (Manager{}).Sees("") {
		t.Error("imports: an importer sees its own, a viewer all, nobody none")
	}
}

func TestCreateChecksWhatWasTyped(t *testing.T) {
	for name, c := range map[string]struct {
		name, role string
		products   []string
		says       string
	}{
		"no name":         {"", "admin", nil, "1 to 100"},
		"long name":       {strings.Repeat("ä", 101), "admin", nil, "1 to 100"},
		"space around":    {" a", "admin", nil, "without space"},
		"control":         {"a\nb", "admin", nil, "printable"},
		"not UTF-8":       {"a\xff", "admin", nil, "printable"},
		"no role":         {"a", "", nil, "admin, importer, viewer"},
		"unknown role":    {"a", "Admin", nil, "admin, importer, viewer"},
		"empty product":   {"a", "admin", []string{"psc", ""}, "short code"},
		"too long a code": {"a", "admin", []string{strings.Repeat("x", 65)}, "1 to 64"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBucket()
			key, err := NewStore(b).Create(t.Context(), c.name, c.role, c.products)
			if err == nil || key != "" || !strings.Contains(err.Error(), c.says) || len(b.values) != 0 {
				t.Errorf("key %q, %v", key, err)
			}
		})
	}
	create(t, NewStore(newBucket()), strings.Repeat("ä", 100), "viewer", "a b", "größe")
}

func TestKeysAreStoredAsDigestsOnly(t *testing.T) {
	b := newBucket()
	key := create(t, NewStore(b), "alice", "importer", "psc")
	prefix, ok := keyPrefix(key)
	if !ok || len(key) != 56 || !strings.HasPrefix(key, "lik_"+prefix+"_") {
		t.Fatalf("key %q", key)
	}
	var value map[string]any
	if err := json.Unmarshal(b.values[prefix], &value); err != nil {
		t.Fatal(err)
	}
	if value["name"] != "alice" || value["role"] != "importer" || len(value["sha256"].(string)) != 64 || value["created_at"] == nil {
		t.Errorf("%s", b.values[prefix])
	}
	if strings.Contains(string(b.values[prefix]), key[len(key)-secretLen:]) {
		t.Error("the secret is stored")
	}
	if other := create(t, NewStore(b), "alice", "importer"); other == key {
		t.Error("the same key twice")
	}
}

func TestKeyPrefixRefusesWhatIsNoKey(t *testing.T) {
	key, _ := newKey()
	for _, bad := range []string{"", "lik_", key[1:], key + "A", key[:55], strings.ToUpper(key),
		strings.Replace(key, "_", "-", 1), key[:12] + "-" + key[13:], key[:55] + "=", "lik_*.>aaaaa" + key[12:], "lik_aaaa1aaa" + key[12:]} {
		if prefix, ok := keyPrefix(bad); ok {
			t.Errorf("%q has the prefix %q", bad, prefix)
		}
	}
}

func TestListAndRevoke(t *testing.T) {
	setUp := func() (s *Store, alice1, alice2, bob string) {
		s = NewStore(newBucket())
		return s, create(t, s, "alice", "admin"), create(t, s, "alice", "viewer"), create(t, s, "bob", "viewer", "psc")
	}
	for name, c := range map[string]struct {
		which func(alice1, alice2, bob string) string
		left  string
	}{
		"by name":            {func(_, _, _ string) string { return "alice" }, "bob"},
		"by prefix":          {func(a, _, _ string) string { return a[4:12] }, "alice bob"},
		"by prefix as shown": {func(_, _, b string) string { return b[:12] }, "alice alice"},
		"by the whole key":   {func(_, a, _ string) string { return a }, "alice bob"},
		"nobody":             {func(_, _, _ string) string { return "carol" }, "alice alice bob"},
		"nothing":            {func(_, _, _ string) string { return "" }, "alice alice bob"},
		"name as a prefix":   {func(_, _, _ string) string { return "lik_alice" }, "alice alice bob"},
	} {
		t.Run(name, func(t *testing.T) {
			s, alice1, alice2, bob := setUp()
			ended, err := s.Revoke(t.Context(), c.which(alice1, alice2, bob))
			keys, listErr := s.List(t.Context())
			if listErr != nil {
				t.Fatal(listErr)
			}
			if len(keys)+len(ended) != 3 || (len(ended) == 0) != errors.Is(err, ErrNoSuchKey) {
				t.Fatalf("ended %v, %v; left %v", ended, err, keys)
			}
			var names []string
			for _, key := range keys {
				names = append(names, key.Manager.Name)
			}
			if got := strings.Join(names, " "); got != c.left {
				t.Errorf("left %s, want %s", got, c.left)
			}
		})
	}
}

func TestAuthenticate(t *testing.T) {
	s := NewStore(newBucket())
	key := create(t, s, "alice", "importer", "psc")
	other := create(t, s, "bob", "viewer")
	a := NewAuthenticator(Config{Store: s, AdminKey: " a key, in any form! \n"})
	for name, c := range map[string]struct {
		headers []string
		manager string
		code    string
	}{
		"key":                     {[]string{"Api-Key " + key}, "alice", ""},
		"scheme in any case":      {[]string{"aPI-kEY " + key}, "alice", ""},
		"many spaces":             {[]string{"Api-Key    " + key + "  "}, "alice", ""},
		"admin key":               {[]string{"Api-Key a key, in any form!"}, "admin", ""},
		"no header":               {nil, "", "not_authenticated"},
		"empty header":            {[]string{""}, "", "not_authenticated"},
		"no key":                  {[]string{"Api-Key "}, "", "not_authenticated"},
		"no scheme":               {[]string{key}, "", "not_authenticated"},
		"another scheme":          {[]string{"Bearer " + key}, "", "not_authenticated"},
		"two headers":             {[]string{"Api-Key " + key, "Api-Key " + key}, "", "not_authenticated"},
		"nearly the admin key":    {[]string{"Api-Key a key, in any form"}, "", "invalid_key"},
		"a well-formed stranger":  {[]string{"Api-Key lik_aaaaaaaa" + key[12:]}, "", "invalid_key"},
		"prefix with other bytes": {[]string{"Api-Key " + key[:12] + other[12:]}, "", "invalid_key"},
		"prefix alone":            {[]string{"Api-Key " + key[:12]}, "", "invalid_key"},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := a.Authenticate(request(c.headers...))
			if m.Name != c.manager || code(t, err) != c.code {
				t.Errorf("%+v, %v", m, err)
			}
			var e *httpx.Error
			if errors.As(err, &e) && (e.Status != 401 || e.Header.Get("WWW-Authenticate") != "Api-Key") {
				t.Errorf("%d %v", e.Status, e.Header)
			}
		})
	}
}

func TestWithoutAdminKeyAnEmptyOneOpensNothing(t *testing.T) {
	for _, adminKey := range []string{"", "  \n"} {
		a := NewAuthenticator(Config{Store: NewStore(newBucket()), AdminKey: adminKey})
		for _, header := range []string{"Api-Key", "Api-Key ", "Api-Key  \t", "Api-Key -"} {
			if m, err := a.Authenticate(request(header)); err == nil {
				t.Errorf("%q is %+v", header, m)
			}
		}
	}
}

func TestRevokedKeyStopsWithinASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewStore(newBucket())
		key := create(t, s, "alice", "viewer")
		a := NewAuthenticator(Config{Store: s})
		if _, err := a.Authenticate(request("Api-Key " + key)); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Revoke(t.Context(), "alice"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second) // the test's own clock: no time passes
		if _, err := a.Authenticate(request("Api-Key " + key)); code(t, err) != "invalid_key" {
			t.Errorf("a revoked key: %v", err)
		}
	})
}

func TestManyRequestsAskTheBucketOnce(t *testing.T) {
	b := newBucket()
	s := NewStore(b)
	headers := []string{"Api-Key " + create(t, s, "alice", "viewer"), "Api-Key lik_aaaaaaaa_" + strings.Repeat("a", 43)}
	synctest.Test(t, func(t *testing.T) {
		a := NewAuthenticator(Config{Store: s})
		for round := 1; round <= 2; round++ {
			var group sync.WaitGroup
			for i := range 1000 {
				group.Go(func() { _, _ = a.Authenticate(request(headers[i%2])) })
			}
			group.Wait()
			if b.gets != 2*round {
				t.Errorf("round %d: the bucket was asked %d times for two keys", round, b.gets)
			}
			time.Sleep(believed)
		}
	})
}

func TestGuessingFillsNoMemoryAndPushesNoKeyOut(t *testing.T) {
	c := newCache(NewStore(newBucket()))
	c.remember("realreal", answer{found: true, asked: time.Now()})
	for range 3 * most {
		_, prefix := newKey()
		c.remember(prefix, answer{asked: time.Now()})
	}
	if len(c.unknown) > most {
		t.Errorf("%d guesses are kept", len(c.unknown))
	}
	if len(c.known) != 1 {
		t.Error("the real key was pushed out")
	}
}

func TestSilentBucketIsUnavailable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBucket()
		s := NewStore(b)
		key := create(t, s, "alice", "viewer")
		b.silent = true
		a := NewAuthenticator(Config{Store: s, AdminKey: "root"})
		began := time.Now()
		_, err := a.Authenticate(request("Api-Key " + key))
		var e *httpx.Error
		if !errors.As(err, &e) || e.Status != 503 || e.RetryAfter < time.Second || time.Since(began) > time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		if _, err := a.Authenticate(request("Api-Key root")); err != nil {
			t.Errorf("the admin key needs the bucket: %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := a.Authenticate(request("Api-Key " + key).WithContext(ctx)); !errors.Is(err, context.Canceled) {
			t.Errorf("a request that went away: %v", err)
		}
		time.Sleep(time.Second)
		b.silent = false
		if _, err := a.Authenticate(request("Api-Key " + key)); err != nil {
			t.Errorf("the bucket answers again: %v", err)
		}
	})
}

func TestRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewStore(newBucket())
		alice, bob := "Api-Key "+create(t, s, "alice", "viewer"), "Api-Key "+create(t, s, "bob", "viewer")
		a := NewAuthenticator(Config{Store: s, Rate: 2})
		for i, c := range []struct {
			header, code string
			wait         time.Duration
		}{{alice, "", 0}, {alice, "", 0}, {alice, "too_many_requests", 0}, {bob, "", 0}, {alice, "", time.Second}} {
			time.Sleep(c.wait)
			if _, err := a.Authenticate(request(c.header)); code(t, err) != c.code {
				t.Errorf("request %d: %v", i, err)
			}
		}
	})
}

// TestNoKeyInAnswersAndLogs goes through every refusal with its key, over a
// bucket that holds an unreadable record as well.
func TestNoKeyInAnswersAndLogs(t *testing.T) {
	b := newBucket()
	s := NewStore(b)
	viewer, revoked, broken := create(t, s, "alice", "viewer"), create(t, s, "gone", "viewer"), create(t, s, "broken", "viewer")
	if _, err := s.Revoke(t.Context(), "gone"); err != nil {
		t.Fatal(err)
	}
	b.values[broken[4:12]] = []byte("{")
	var log bytes.Buffer
	rt := httpx.NewRouter(httpx.Options{Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	a := NewAuthenticator(Config{Store: s, AdminKey: "root-key-of-the-environment"})
	rt.Handle("GET", "/api/v1/me/", a.Require(Identify, Me))
	rt.Handle("GET", "/import/", a.Require(Import, Me))
	h, err := rt.Handler()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path, key string
		status    int
		body      string
	}{
		{"/api/v1/me/", viewer, 200, `{"manager":"alice","role":"viewer","products":[]}`},
		{"/api/v1/me", "root-key-of-the-environment", 200, `{"manager":"admin","role":"admin","products":[]}`},
		{"/import/", viewer, 403, "permission_denied"},
		{"/api/v1/me/", revoked, 401, "invalid_key"},
		{"/api/v1/me/", broken, 500, "internal"},
		{"/api/v1/me/", "root-key-of-the-environmenT", 401, "invalid_key"},
	} {
		r := httptest.NewRequest("GET", c.path, nil)
		r.Header.Set("Authorization", "Api-Key "+c.key)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.body) {
			t.Errorf("%s %d: %d %s", c.path, c.status, w.Code, w.Body)
		}
		secret := c.key[max(0, len(c.key)-20):]
		if strings.Contains(w.Body.String()+log.String(), secret) {
			t.Errorf("%s %d shows the key: %s %s", c.path, c.status, w.Body, log.String())
		}
	}
	if !strings.Contains(log.String(), "route=/import/ status=403") {
		t.Errorf("nothing was logged: %s", log.String())
	}
}

func TestMeListsProducts(t *testing.T) {
	w := httptest.NewRecorder()
	if err := Me(w, nil, nil, Manager{Name: "a", Role: Viewer, Products: []string{"psc", "x"}}); err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(w.Body.String()); got != `{"manager":"a","role":"viewer","products":["psc","x"]}` {
		t.Error(got)
	}
}

// TestDigestsAreCompared proves that one wrong bit is enough, wherever it is.
func TestDigestsAreCompared(t *testing.T) {
	want := digestOf("key")
	for i := range want {
		d := want
		d[i] ^= 1
		if d.equal(want) {
			t.Fatalf("byte %d does not matter", i)
		}
	}
	if !want.equal(digestOf("key")) {
		t.Error("the same key differs from itself")
	}
}

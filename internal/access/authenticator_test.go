package access

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"licenseimport/internal/httpx"
)

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

// TestRevokedKeyEndsALongRequestWithinASecond: whenever in the interval of the checks the key is
// revoked. A request whose key works goes on, also while the bucket does not respond.
func TestRevokedKeyEndsALongRequestWithinASecond(t *testing.T) {
	for offset := time.Duration(0); offset < time.Second; offset += 50 * time.Millisecond {
		synctest.Test(t, func(t *testing.T) {
			b := newBucket()
			s := NewStore(b)
			key, other := create(t, s, "alice", "importer"), create(t, s, "bob", "importer")
			a := NewAuthenticator(Config{Store: s, Rate: 1, AdminKey: "an admin's key"})
			watch := func(key string) context.Context {
				ctx, stop := a.Watch(t.Context(), request("Api-Key "+key), Import)
				t.Cleanup(stop)
				return ctx
			}
			revoked, working, admin := watch(key), watch(other), watch("an admin's key")
			time.Sleep(5*time.Second + offset) // the test's own clock: no time passes
			if err := context.Cause(revoked); err != nil {
				t.Fatalf("ended before the key was revoked: %v", err)
			}
			if _, err := s.Revoke(t.Context(), "alice"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			if err := context.Cause(revoked); code(t, err) != "invalid_key" {
				t.Errorf("a second after the key was revoked: %v", err)
			}
			b.silent.Store(true)
			time.Sleep(time.Minute)
			b.silent.Store(false)
			if working.Err() != nil || admin.Err() != nil {
				t.Errorf("a key that works: %v; an admin's: %v", context.Cause(working), context.Cause(admin))
			}
			time.Sleep(lookupTimeout) // a look-up under way ends
		})
	}
}

// TestRecheckAsksForTheRight: a key that works and lacks the right is refused.
func TestRecheckAsksForTheRight(t *testing.T) {
	s := NewStore(newBucket())
	a := NewAuthenticator(Config{Store: s})
	r := request("Api-Key " + create(t, s, "vera", "viewer"))
	if err := a.Recheck(t.Context(), r, ReadImports); err != nil {
		t.Error(err)
	}
	if err := a.Recheck(t.Context(), r, Import); code(t, err) != "permission_denied" {
		t.Errorf("%v", err)
	}
	if err := a.Recheck(t.Context(), request(), ReadImports); code(t, err) != "invalid_key" {
		t.Errorf("without a key: %v", err)
	}
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
			time.Sleep(ttl)
		}
	})
}

func TestGuessingFillsNoMemoryAndPushesNoKeyOut(t *testing.T) {
	c := newCache(NewStore(newBucket()).get)
	c.put("realreal", answer[record]{found: true, fetchedAt: time.Now()})
	for range 3 * maxEntries {
		_, prefix := newKey()
		c.put(prefix, answer[record]{fetchedAt: time.Now()})
	}
	if c.unknown.Len() > maxEntries {
		t.Errorf("%d guesses are kept", c.unknown.Len())
	}
	if c.known.Len() != 1 {
		t.Error("the real key was pushed out")
	}
}

func TestSilentBucketIsUnavailable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBucket()
		s := NewStore(b)
		key := create(t, s, "alice", "viewer")
		b.silent.Store(true)
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
		b.silent.Store(false)
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

// TestNoKeyInAnswersAndLogs tries every refusal; the bucket holds an unreadable record, too.
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

// TestForbiddenSaysWhy: where the role has the right, it is the limit to some products that takes it.
func TestForbiddenSaysWhy(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		role     Role
		products []string
		right    Right
		want     string
	}{
		{Admin, []string{"psc"}, Manage, "This key is limited to some products and may not manage keys, products and backups."},
		{Viewer, []string{"psc"}, ReadCustomers, "This key is limited to some products and may not read customers and orders."},
		{Viewer, []string{"psc"}, Manage, "A key with the role viewer may not manage keys, products and backups."},
		{Viewer, nil, Import, "A key with the role viewer may not import licenses."},
	} {
		m := Manager{Name: "alice", Role: c.role, Products: c.products}
		refused, ok := errors.AsType[*httpx.Error](forbidden(m, c.right))
		if m.Can(c.right) || !ok || refused.Detail != c.want {
			t.Errorf("%+v: %+v", m, refused)
		}
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

// TestDigestsAreCompared: one wrong bit anywhere makes two digests differ.
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

package access

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"licenseimport/events/eventlog"
	"licenseimport/events/eventlog/eventlogtest"
	"licenseimport/internal/httpx"
)

// process is one process that answers clients, with an admin key of its environment.
type process struct {
	auth    *Authenticator
	handler http.Handler
}

func newProcess(t *testing.T, log *eventlog.Log, adminKey string) process {
	t.Helper()
	sessions := OpenSessions(log)
	a := NewAuthenticator(Config{Store: Open(log), Sessions: sessions, AdminKey: adminKey})
	router := httpx.NewRouter(httpx.Options{})
	a.RegisterSessions(router, sessions)
	router.Handle(http.MethodGet, "/api/v1/me/", a.Require(Identify, Me))
	router.Handle(http.MethodPost, "/api/v1/change/",
		a.Require(Import, func(w http.ResponseWriter, _ *http.Request, _ httpx.Params, _ Manager) error {
			w.WriteHeader(http.StatusNoContent)
			return nil
		}))
	handler, err := router.Handler()
	if err != nil {
		t.Fatal(err)
	}
	return process{a, handler}
}

// send sends a request with headers, name and value in turn.
func (p process) send(t *testing.T, method, path string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	p.handler.ServeHTTP(w, r)
	return w
}

// signIn signs in by a key and returns the cookie.
func (p process) signIn(t *testing.T, key string) *http.Cookie {
	t.Helper()
	w := p.send(t, "POST", SessionPath, "Authorization", "Api-Key "+key)
	cookies := w.Result().Cookies()
	if w.Code != 201 || len(cookies) != 1 {
		t.Fatalf("%d, %d cookies: %s", w.Code, len(cookies), w.Body)
	}
	return cookies[0]
}

// me asks who the cookie is, and returns status and code.
func (p process) me(t *testing.T, cookie *http.Cookie) string {
	t.Helper()
	w := p.send(t, "GET", "/api/v1/me/", "Cookie", cookie.Name+"="+cookie.Value)
	var answer struct{ Manager, Code string }
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatal(err)
	}
	return answer.Manager + answer.Code
}

// endsWithinASecond waits for the end of a session.
func (p process) endsWithinASecond(t *testing.T, cookie *http.Cookie) {
	t.Helper()
	for began := time.Now(); p.me(t, cookie) != "session_ended"; {
		if time.Since(began) > time.Second {
			t.Fatal("the session goes on for more than a second")
		}
	}
}

func TestSessionWorksInEveryProcessAndEndsWithItsKeyOrSignOut(t *testing.T) {
	t.Parallel()
	server := eventlogtest.StartServer(t)
	log := eventlogtest.Open(t, server)
	keys := Open(log)
	here, there := newProcess(t, log, "root of the environment"), newProcess(t, eventlogtest.Open(t, server),
		"root of the environment")
	alice := create(t, keys, "alice", "importer")
	first, second := here.signIn(t, alice), here.signIn(t, alice)
	root := here.signIn(t, "root of the environment")
	if !first.HttpOnly || first.SameSite != http.SameSiteStrictMode || first.Secure || first.Path != "/api/" ||
		first.MaxAge != 12*60*60 {
		t.Errorf("the cookie is %+v", first)
	}
	for _, p := range []process{here, there} {
		if p.me(t, first) != "alice" || p.me(t, second) != "alice" || p.me(t, root) != "admin" {
			t.Errorf("the sessions are %s, %s, %s", p.me(t, first), p.me(t, second), p.me(t, root))
		}
	}
	if other := newProcess(t, log, "another root of the environment"); other.me(t, root) != "session_ended" {
		t.Error("a session outlives the admin key that it was begun with")
	}
	w := there.send(t, "DELETE", SessionPath, "Cookie", first.Name+"="+first.Value, "X-Requested-With", "page")
	if cookies := w.Result().Cookies(); w.Code != 204 || len(cookies) != 1 || cookies[0].MaxAge >= 0 ||
		cookies[0].Value != "" {
		t.Errorf("sign-out: %d, %v", w.Code, cookies)
	}
	here.endsWithinASecond(t, first)
	if here.me(t, second) != "alice" {
		t.Error("a sign-out ends another session")
	}

	// A request that goes on ends, too.
	r := httptest.NewRequestWithContext(t.Context(), "GET", "/api/v1/me/", nil)
	r.AddCookie(second)
	long, stop := here.auth.Watch(t.Context(), r, ReadImports)
	defer stop()
	if _, err := keys.Revoke(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	here.endsWithinASecond(t, second)
	select {
	case <-long.Done():
		if cause := context.Cause(long); code(t, cause) != "session_ended" {
			t.Errorf("the long request ended by %v", cause)
		}
	case <-time.After(10 * time.Second):
		t.Error("the long request goes on")
	}
}

func TestSessionChangesNothingForOtherSites(t *testing.T) {
	t.Parallel()
	log := eventlogtest.Start(t)
	p := newProcess(t, log, "root of the environment")
	cookie := p.signIn(t, "root of the environment")
	as := "licenseimport_session=" + cookie.Value
	for name, c := range map[string]struct {
		headers []string
		want    int
	}{
		"the page":                    {[]string{"X-Requested-With", "page", "Sec-Fetch-Site", "same-origin"}, 204},
		"an old browser":              {[]string{"X-Requested-With", "page"}, 204},
		"a form":                      {[]string{"Sec-Fetch-Site", "same-origin"}, 403},
		"another site":                {[]string{"Sec-Fetch-Site", "cross-site"}, 403},
		"a site of the same domain":   {[]string{"X-Requested-With", "page", "Sec-Fetch-Site", "same-site"}, 403},
		"another key beside it":       {[]string{"Authorization", "Api-Key wrong", "X-Requested-With", "page"}, 401},
		"no scheme":                   {[]string{"Authorization", "", "X-Requested-With", "page"}, 401},
		"the key itself, from a form": {[]string{"Authorization", "Api-Key root of the environment", "Sec-Fetch-Site", "cross-site"}, 204},
	} {
		if w := p.send(t, "POST", "/api/v1/change/", append(c.headers, "Cookie", as)...); w.Code != c.want {
			t.Errorf("%s: %d, want %d: %s", name, w.Code, c.want, w.Body)
		}
	}
	if w := p.send(t, "POST", SessionPath, "Cookie", as, "X-Requested-With", "page"); w.Code != 401 {
		t.Errorf("a session begins another one: %d", w.Code)
	}
	if w := p.send(t, "GET", "/api/v1/me/", "Cookie", "licenseimport_session=guessed"); w.Code != 401 {
		t.Errorf("a guessed cookie: %d", w.Code)
	}
}

// A reader of the bucket has neither the cookie nor the key nor its digest.
func TestSessionsAreStoredAsDigests(t *testing.T) {
	t.Parallel()
	log := eventlogtest.Start(t)
	p := newProcess(t, log, "")
	alice := create(t, Open(log), "alice", "viewer")
	cookie := p.signIn(t, alice)
	entries, err := log.Bucket(eventlog.Sessions).List(t.Context())
	if err != nil || len(entries) != 1 {
		t.Fatalf("%d sessions, %v", len(entries), err)
	}
	d := digestOf(alice)
	r := record{}
	if stored, found, err := Open(log).get(t.Context(), alice[4:12]); err == nil && found {
		r = stored
	}
	text := entries[0].Key + string(entries[0].Value)
	for _, secret := range []string{cookie.Value, alice[13:], string(d[:]), r.SHA256} {
		if secret == "" || strings.Contains(text, secret) {
			t.Errorf("the bucket holds %q: %s", secret, text)
		}
	}
}

// Over HTTPS the cookie is sent over HTTPS only, and below a proxy's prefix to that only.
func TestSessionCookieOverHTTPS(t *testing.T) {
	t.Parallel()
	log := eventlogtest.Start(t)
	router := httpx.NewRouter(httpx.Options{External: httpx.External{URL: "https://licenses.example/prefix"}})
	sessions := OpenSessions(log)
	a := NewAuthenticator(Config{Store: Open(log), Sessions: sessions, AdminKey: "root of the environment"})
	a.RegisterSessions(router, sessions)
	handler, err := router.Handler()
	if err != nil {
		t.Fatal(err)
	}
	if cookie := (process{a, handler}).signIn(t, "root of the environment"); !cookie.Secure ||
		cookie.Path != "/prefix/api/" {
		t.Errorf("the cookie is %+v", cookie)
	}
}

// An entry that the bucket has not deleted yet opens nothing.
func TestSessionEndsAfterTwelveHours(t *testing.T) {
	t.Parallel()
	s := NewStore(newBucket())
	key := create(t, s, "alice", "viewer")
	old := sessionRecord{Key: key[4:12], Proof: proofOf("token", digestOf(key))}
	value, err := json.Marshal(old)
	if err != nil {
		t.Fatal(err)
	}
	for age, want := range map[time.Duration]string{11 * time.Hour: "", 13 * time.Hour: "session_ended"} {
		a := NewAuthenticator(Config{Store: s, Sessions: &Sessions{bucket: aged{value, age}}})
		r := httptest.NewRequest("GET", "/api/v1/me/", nil)
		r.AddCookie(&http.Cookie{Name: SessionCookie, Value: "token"})
		if _, err := a.Authenticate(r); code(t, err) != want {
			t.Errorf("after %v: %v", age, err)
		}
	}
}

// aged is a bucket with one session of an age.
type aged struct {
	value []byte
	age   time.Duration
}

func (a aged) Get(context.Context, string) (eventlog.Entry, error) {
	return eventlog.Entry{Value: a.value, Created: time.Now().Add(-a.age)}, nil
}
func (a aged) Create(context.Context, string, []byte) (uint64, error) {
	return 0, errors.ErrUnsupported
}
func (a aged) Delete(context.Context, string) error { return errors.ErrUnsupported }

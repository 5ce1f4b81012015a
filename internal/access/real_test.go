package access

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"licenseimport/events/eventlog"
	"licenseimport/events/eventlog/eventlogtest"
	"licenseimport/internal/httpx"
)

// TestOverNATS uses a real server: a key is made, used and revoked, stops in another process
// within a second, and cannot be checked once NATS is down.
func TestOverNATS(t *testing.T) {
	server := eventlogtest.StartServer(t)
	here := NewStore(eventlogtest.Open(t, server).Bucket(eventlog.Managers))
	there := NewAuthenticator(Config{Store: NewStore(eventlogtest.Open(t, server).Bucket(eventlog.Managers)), AdminKey: "root"})

	alice, bob := create(t, here, "alice", "importer", "psc", "größe"), create(t, here, "bob", "viewer")
	m, err := there.Authenticate(request("Api-Key " + alice))
	if err != nil || m.Name != "alice" || m.Role != Importer || !m.Allowed("größe") || m.Allowed("x") {
		t.Fatalf("%+v, %v", m, err)
	}
	if _, err := there.Authenticate(request("Api-Key lik_aaaaaaaa" + alice[12:])); code(t, err) != "invalid_key" {
		t.Errorf("a stranger: %v", err)
	}
	if ended, err := here.Revoke(t.Context(), "alice"); err != nil || len(ended) != 1 {
		t.Fatalf("%v, %v", ended, err)
	}
	revoked := time.Now()
	for {
		_, err := there.Authenticate(request("Api-Key " + alice))
		if time.Since(revoked) > time.Second {
			t.Fatalf("a second later: %v", err)
		}
		if code(t, err) == "invalid_key" {
			break
		}
		time.Sleep(10 * time.Millisecond) // between polls, as a client would
	}
	if keys, err := here.List(t.Context()); err != nil || len(keys) != 1 || keys[0].Manager.Name != "bob" {
		t.Errorf("%v, %v", keys, err)
	}

	server.Shutdown()
	asked := time.Now()
	_, err = there.Authenticate(request("Api-Key " + bob))
	var e *httpx.Error
	if !errors.As(err, &e) || e.Status != 503 || e.RetryAfter == 0 || time.Since(asked) > 2*time.Second {
		t.Errorf("without NATS, after %v: %v", time.Since(asked), err)
	}
	if _, err := there.Authenticate(request("Api-Key root")); err != nil {
		t.Errorf("the admin key needs NATS: %v", err)
	}
}

func TestAdminKeyOverNATS(t *testing.T) {
	path := filepath.Join(t.TempDir(), "admin.key")
	var first string
	for start := range 3 { // a new server each time, as after the loss of its directory
		s := NewStore(eventlogtest.Start(t).Bucket(eventlog.Managers))
		key, created, err := EnsureAdminKey(t.Context(), s, path)
		if err != nil || created != (start == 0) {
			t.Fatalf("start %d: created %v, %v", start, created, err)
		}
		if start == 0 {
			first = key
		}
		m, err := NewAuthenticator(Config{Store: s}).Authenticate(request("Api-Key " + first))
		if err != nil || m.Role != Admin || key != first {
			t.Errorf("start %d: %+v, %v", start, m, err)
		}
	}
}

// BenchmarkAuthenticate measures the authentication of one request.
func BenchmarkAuthenticate(b *testing.B) {
	s := NewStore(eventlogtest.Start(b).Bucket(eventlog.Managers))
	key, err := s.Create(b.Context(), "alice", "viewer", nil)
	if err != nil {
		b.Fatal(err)
	}
	a := NewAuthenticator(Config{Store: s, AdminKey: "root"})
	r := request("Api-Key " + key)
	for b.Loop() {
		if _, err := a.Authenticate(r); err != nil {
			b.Fatal(err)
		}
	}
}

package access

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/internal/httpx"
)

// bucket is a Bucket in memory. It counts lookups, can be silent, and works with a fake
// clock. real_test.go tests a real bucket.
type bucket struct {
	mu     sync.Mutex
	values map[string][]byte
	gets   int
	silent atomic.Bool
	full   bool // the bucket takes a write, the stream not its event
}

func newBucket() *bucket { return &bucket{values: map[string][]byte{}} }

func (b *bucket) reach(ctx context.Context) error {
	if b.silent.Load() {
		<-ctx.Done()
		return ctx.Err()
	}
	return nil
}

func (b *bucket) Get(ctx context.Context, key string) (eventlog.Entry, error) {
	if err := b.reach(ctx); err != nil {
		return eventlog.Entry{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.gets++
	value, found := b.values[key]
	if !found {
		return eventlog.Entry{}, eventlog.ErrNotFound
	}
	return eventlog.Entry{Key: key, Value: value}, nil
}

func (b *bucket) Create(ctx context.Context, key string, value []byte) (uint64, error) {
	b.mu.Lock()
	_, taken := b.values[key]
	b.mu.Unlock()
	if taken {
		return 0, eventlog.ErrExists
	}
	return b.Put(ctx, key, value)
}

func (b *bucket) Put(ctx context.Context, key string, value []byte) (uint64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.values[key] = value
	if b.full {
		return 1, &eventlog.UnrecordedError{Cause: errors.New("the disk is full")}
	}
	return 1, b.reach(ctx)
}

func (b *bucket) List(ctx context.Context) ([]eventlog.Entry, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var entries []eventlog.Entry
	for key, value := range b.values {
		entries = append(entries, eventlog.Entry{Key: key, Value: value})
	}
	return entries, b.reach(ctx)
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
		{"limited admin", Manager{Role: Admin, Products: []string{"psc"}}, "yyyyyy--"},
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
	for _, kind := range events.Kinds {
		if !free.Sees("a", kind) || free.Sees("b", kind) || (Manager{}).Sees("", kind) {
			t.Errorf("imports of %s: an importer sees its own, nobody none", kind.Name)
		}
		if !limited.Sees("a", kind) || limited.Sees("b", kind) != kind.OfProducts() {
			t.Errorf("imports of %s: a limited viewer sees its own, and those of others whose rows are of products", kind.Name)
		}
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

// TestProductGivenTwice: a manager has each product once, also one whose key an earlier version stored.
func TestProductGivenTwice(t *testing.T) {
	given, want := []string{"psc", "Psc", "psc", "other", "psc"}, []string{"psc", "Psc", "other"}
	b := newBucket()
	create(t, NewStore(b), "alice", "viewer", given...)
	for prefix, value := range b.values {
		r, err := decode(prefix, value)
		if err != nil || !slices.Equal(r.Products, want) {
			t.Errorf("stored: %q, %v", r.Products, err)
		}
	}
	if got := (record{Products: given}).manager().Products; !slices.Equal(got, want) {
		t.Errorf("read: %q", got)
	}
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

// A change that is made without its event is made: the new key is known, and no key of a manager goes on.
func TestChangesWithoutTheirEventAreWhole(t *testing.T) {
	b := newBucket()
	s := NewStore(b)
	first := create(t, s, "alice", "viewer")
	b.full = true
	second, made, err := s.Make(t.Context(), "alice", "viewer", nil)
	if _, unrecorded := errors.AsType[*eventlog.UnrecordedError](err); !unrecorded || made.Manager.Name != "alice" {
		t.Fatalf("made %v, %v", made, err)
	}
	a := NewAuthenticator(Config{Store: s})
	for _, key := range []string{first, second} {
		if _, err := a.Authenticate(request("Api-Key " + key)); err != nil {
			t.Errorf("the key %q: %v", key, err)
		}
	}
	ended, err := s.Revoke(t.Context(), "alice")
	if _, unrecorded := errors.AsType[*eventlog.UnrecordedError](err); !unrecorded || len(ended) != 2 {
		t.Errorf("ended %v, %v", ended, err)
	}
	if left, err := s.List(t.Context()); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

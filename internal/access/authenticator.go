package access

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"licenseimport/internal/httpx"
)

// Config of an Authenticator.
type Config struct {
	Store *Store

	// AdminKey, unless "", is a further admin key, in any form, which works without the
	// bucket. Spaces around it are ignored, since no header can carry them.
	AdminKey string

	// Sessions, unless nil, are the sign-ins that last.
	Sessions *Sessions

	// Uses, unless nil, is told of each use of a key.
	Uses *Uses

	// Rate bounds the requests/s of each key, with a burst of one second; 0: no bound.
	Rate float64
}

// Authenticator finds the manager who sent a request, by its key.
type Authenticator struct {
	cache    *cache[record]
	sessions *cache[sessionRecord] // nil: there are none
	limits   *limits
	uses     *Uses // nil: nobody asks
	admin    digest
	hasAdmin bool
}

// NewAuthenticator returns an Authenticator. A process needs only one.
func NewAuthenticator(c Config) *Authenticator {
	adminKey := strings.TrimSpace(c.AdminKey)
	a := &Authenticator{
		cache: newCache(c.Store.get), limits: newLimits(c.Rate), uses: c.Uses,
		admin: digestOf(adminKey), hasAdmin: adminKey != "",
	}
	if c.Sessions != nil {
		a.sessions = newCache(c.Sessions.get)
	}
	return a
}

// Authenticate finds the manager whose key the request carries as "Authorization: Api-Key <key>",
// or whose session its cookie names ([Sessions]). Its errors are answers: 401 without a working
// key, 429 above the rate, 503 where the bucket does not answer.
func (a *Authenticator) Authenticate(r *http.Request) (Manager, error) {
	m, id, err := a.identifyRequest(r.Context(), r)
	if err != nil {
		return Manager{}, err
	}
	return m, a.limits.take(id)
}

// identifyRequest finds the manager who sent a request, and an id of the key that is no secret.
func (a *Authenticator) identifyRequest(ctx context.Context, r *http.Request) (m Manager, id string, err error) {
	if key, ok := requestKey(r); ok {
		return a.identify(ctx, key)
	}
	if token := sessionToken(r); token != "" {
		return a.identifySession(ctx, r, token)
	}
	return Manager{}, "", httpx.Unauthorized("not_authenticated",
		"Send your key in the header Authorization: Api-Key <key>.")
}

// identify finds the manager, and an id of the key that is no secret.
func (a *Authenticator) identify(ctx context.Context, key string) (m Manager, id string, err error) {
	if a.hasAdmin && a.admin.equal(digestOf(key)) {
		return Manager{Name: adminName, Role: Admin}, "", nil
	}
	prefix, ok := keyPrefix(key)
	if !ok {
		return Manager{}, "", errInvalidKey()
	}
	record, found, err := a.cache.get(ctx, prefix)
	if err != nil {
		return Manager{}, "", unavailable(ctx, err)
	}
	if !found || !record.opens(key) {
		return Manager{}, "", errInvalidKey()
	}
	return a.managerOf(record, prefix), prefix, nil
}

// managerOf is the manager of a key that is used now.
func (a *Authenticator) managerOf(r record, prefix string) Manager {
	m := r.manager()
	m.Key = prefix
	if a.uses != nil {
		a.uses.note(prefix)
	}
	return m
}

func errInvalidKey() error {
	return httpx.Unauthorized("invalid_key", "The key is not known, or was revoked.")
}

// unavailable is a 503, unless the client has gone or the record is unreadable.
func unavailable(ctx context.Context, err error) error {
	if errors.Is(err, errUnreadable) || errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return err
	}
	return httpx.Unavailable(time.Second, "unavailable", "Keys cannot be checked at the moment. Try again shortly.").Because(err)
}

// requestKey reads the one Authorization header. It ignores the scheme's case and the
// number of spaces after it.
func requestKey(r *http.Request) (string, bool) {
	headers := r.Header.Values("Authorization")
	if len(headers) != 1 {
		return "", false
	}
	scheme, key, _ := strings.Cut(strings.TrimSpace(headers[0]), " ")
	key = strings.TrimSpace(key)
	return key, strings.EqualFold(scheme, "Api-Key") && key != ""
}

// Guard accepts every working key, for paths without a route.
func (a *Authenticator) Guard(r *http.Request) error {
	_, err := a.Authenticate(r)
	return err
}

// Handler is a httpx.Handler that gets the caller.
type Handler func(w http.ResponseWriter, r *http.Request, p httpx.Params, m Manager) error

// Require calls h for managers with the right. Other requests are answered 401, 403, 429 or
// 503.
func (a *Authenticator) Require(right Right, h Handler) httpx.Handler {
	return func(w http.ResponseWriter, r *http.Request, p httpx.Params) error {
		m, err := a.Authenticate(r)
		if err != nil {
			return err
		}
		if !m.Can(right) {
			return forbidden(m, right)
		}
		return h(w, r, p, m)
	}
}

// Recheck authenticates a request that goes on: nil while its key works and has the right. Its
// errors are those of [Authenticator.Require], but it counts no request against the key's rate.
func (a *Authenticator) Recheck(ctx context.Context, r *http.Request, right Right) error {
	m, _, err := a.identifyRequest(ctx, r)
	if refused, ok := errors.AsType[*httpx.Error](err); ok && refused.Code == "not_authenticated" {
		err = errInvalidKey() // a request that was accepted once had a key
	}
	if err == nil && !m.Can(right) {
		err = forbidden(m, right)
	}
	return err
}

// Watch rechecks a request that goes on for long, until stop is called. Within a second after the
// key was revoked the returned context ends, with the answer for the client (401 or 403) as its
// cause. While the bucket does not respond the request goes on: nobody can have been told that the
// key was revoked, and the first response decides.
func (a *Authenticator) Watch(ctx context.Context, r *http.Request, right Right) (_ context.Context, stop func()) {
	ctx, end := context.WithCancelCause(ctx)
	go func() {
		ticker := time.NewTicker(recheckEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			if err := a.Recheck(ctx, r, right); isRefusal(err) {
				end(err)
			}
		}
	}()
	return ctx, func() { end(context.Canceled) }
}

// isRefusal reports whether an answer means that the key does not give the right.
func isRefusal(err error) bool {
	known, ok := errors.AsType[*httpx.Error](err)
	return ok && (known.Status == http.StatusUnauthorized || known.Status == http.StatusForbidden)
}

func forbidden(m Manager, right Right) error {
	if slices.Contains(rights[m.Role], right) { // so the limit takes it
		return httpx.Forbidden("This key is limited to some products and may not %s.", right)
	}
	return httpx.Forbidden("A key with the role %s may not %s.", m.Role, right)
}

// Me is the handler of GET /api/v1/me/: who the caller is.
func Me(w http.ResponseWriter, _ *http.Request, _ httpx.Params, m Manager) error {
	products := m.Products
	if products == nil {
		products = []string{}
	}
	return httpx.WriteJSON(w, http.StatusOK, struct {
		Manager  string   `json:"manager"`
		Role     Role     `json:"role"`
		Products []string `json:"products"`
	}{m.Name, m.Role, products})
}

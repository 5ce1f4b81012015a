package access

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"licenseimport/events/eventlog"
	"licenseimport/internal/httpx"
)

// SessionCookie is the name of the cookie of a person who stays signed in.
const SessionCookie = "licenseimport_session"

// SessionPath is where a person signs in for a working day, and out.
const SessionPath = "/api/v1/session/"

// sessionHeader is what a request by the cookie needs to change anything. A page of another origin
// cannot send it without a permission that this server gives nobody.
const sessionHeader = "X-Requested-With"

// SessionBucket is this package's view of the bucket "sessions", an [*eventlog.Bucket].
type SessionBucket interface {
	Get(ctx context.Context, key string) (eventlog.Entry, error)
	Create(ctx context.Context, key string, value []byte) (revision uint64, err error)
	Delete(ctx context.Context, key string) error
}

// Sessions are the sign-ins that last: at most [eventlog.SessionTTL], and no longer than their key.
//
// The cookie holds 32 random bytes, the token. The bucket has, under the token's SHA-256 digest, the
// prefix of the key and an HMAC of the key's digest by the token. So a reader of the bucket has
// neither token nor key, and any process that reaches NATS can check a session.
type Sessions struct{ bucket SessionBucket }

// OpenSessions opens the sessions of a log. It makes no request.
func OpenSessions(log *eventlog.Log) *Sessions {
	return &Sessions{bucket: log.Bucket(eventlog.Sessions)}
}

// sessionRecord is a value in the bucket.
type sessionRecord struct {
	Key   string `json:"key,omitempty"` // the prefix of the key; empty: the admin key of the environment
	Proof string `json:"proof"`         // hex: the HMAC-SHA256 of the key's digest by the token

	created time.Time
}

// proves reports whether the session was begun with the key of a digest.
func (s sessionRecord) proves(token string, key digest) bool {
	return hmac.Equal([]byte(s.Proof), []byte(proofOf(token, key)))
}

func proofOf(token string, key digest) string {
	mac := hmac.New(sha256.New, []byte(token))
	mac.Write(key[:])
	return hex.EncodeToString(mac.Sum(nil))
}

// idOf is the key of a token in the bucket.
func idOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// begin stores a session of a key and returns its token.
func (s *Sessions) begin(ctx context.Context, prefix string, key digest) (token string, err error) {
	var secret [32]byte
	_, _ = rand.Read(secret[:]) // it cannot fail: crypto/rand ends the program instead
	token = base64.RawURLEncoding.EncodeToString(secret[:])
	value, err := json.Marshal(sessionRecord{Key: prefix, Proof: proofOf(token, key)})
	if err != nil {
		return "", err
	}
	_, err = s.bucket.Create(ctx, idOf(token), value)
	return token, err
}

// get reads the session of a token's id.
func (s *Sessions) get(ctx context.Context, id string) (r sessionRecord, found bool, err error) {
	entry, err := s.bucket.Get(ctx, id)
	if errors.Is(err, eventlog.ErrNotFound) {
		return sessionRecord{}, false, nil
	}
	if err != nil {
		return sessionRecord{}, false, fmt.Errorf("look a session up: %w", err)
	}
	if err := json.Unmarshal(entry.Value, &r); err != nil {
		return sessionRecord{}, false, fmt.Errorf("session: %w: %w", errUnreadable, err)
	}
	r.created = entry.Created
	return r, true, nil
}

// sessionToken is the token of a request by the cookie; "" for another request. A request with an
// Authorization header is one by that key.
func sessionToken(r *http.Request) string {
	if len(r.Header.Values("Authorization")) > 0 {
		return ""
	}
	cookie, err := r.Cookie(SessionCookie)
	if err != nil {
		return ""
	}
	return cookie.Value
}

// checkOrigin refuses a request by the cookie that changes something and may come from another
// site's page. SameSite=Strict stops most of these in the browser; sites of the same domain it does
// not.
func checkOrigin(r *http.Request) error {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return nil
	}
	site := r.Header.Get("Sec-Fetch-Site")
	if r.Header.Get(sessionHeader) == "" || site != "" && site != "same-origin" {
		return httpx.New(http.StatusForbidden, "cross_site",
			"A request by the session's cookie must come from this server's own page, with the header %s.", sessionHeader)
	}
	return nil
}

// identifySession finds the manager of a session, and an id of its key that is no secret.
func (a *Authenticator) identifySession(ctx context.Context, r *http.Request,
	token string) (m Manager, id string, err error) {
	if err := checkOrigin(r); err != nil {
		return Manager{}, "", err
	}
	if a.sessions == nil {
		return Manager{}, "", errSessionEnded()
	}
	s, found, err := a.sessions.get(ctx, idOf(token))
	switch {
	case err != nil:
		return Manager{}, "", unavailable(ctx, err)
	case !found || time.Since(s.created) >= eventlog.SessionTTL:
		return Manager{}, "", errSessionEnded()
	case s.Key == "" && a.hasAdmin && s.proves(token, a.admin):
		return Manager{Name: adminName, Role: Admin}, "", nil
	case s.Key == "":
		return Manager{}, "", errSessionEnded()
	}
	record, found, err := a.cache.get(ctx, s.Key)
	if err != nil {
		return Manager{}, "", unavailable(ctx, err)
	}
	key, ok := record.digest()
	if !found || !ok || record.Revoked != nil || !s.proves(token, key) {
		return Manager{}, "", errSessionEnded()
	}
	return a.managerOf(record, s.Key), s.Key, nil
}

func errSessionEnded() error {
	return httpx.Unauthorized("session_ended",
		"You are signed out: the sign-in has ended, or its key was revoked. Sign in again.")
}

// RegisterSessions adds the routes of signing in for a working day, and out.
func (a *Authenticator) RegisterSessions(router *httpx.Router, s *Sessions) {
	router.Handle(http.MethodPost, SessionPath, a.Require(Identify, s.signIn))
	router.Handle(http.MethodDelete, SessionPath, a.Require(Identify, s.signOut))
}

// signIn begins a session of the request's key. A session begins no other one: it would never end.
func (s *Sessions) signIn(w http.ResponseWriter, r *http.Request, _ httpx.Params, m Manager) error {
	key, ok := requestKey(r)
	if !ok {
		return httpx.Unauthorized("not_authenticated",
			"A sign-in needs your key, in the header Authorization: Api-Key <key>.")
	}
	ctx, cancel := context.WithTimeout(r.Context(), lookupTimeout)
	defer cancel()
	token, err := s.begin(ctx, m.Key, digestOf(key))
	if err != nil {
		return httpx.Unavailable(time.Second, "unavailable",
			"The sign-in cannot be stored at the moment. Try again shortly.").Because(err)
	}
	setCookie(w, r, token, int(eventlog.SessionTTL/time.Second))
	return httpx.WriteJSON(w, http.StatusCreated, struct {
		Expires string `json:"expires_at"`
	}{time.Now().Add(eventlog.SessionTTL).UTC().Format("2006-01-02T15:04:05.000000Z")})
}

// signOut ends the session of the request, in every process within a second.
func (s *Sessions) signOut(w http.ResponseWriter, r *http.Request, _ httpx.Params, _ Manager) error {
	if token := sessionToken(r); token != "" {
		ctx, cancel := context.WithTimeout(r.Context(), lookupTimeout)
		defer cancel()
		if err := s.bucket.Delete(ctx, idOf(token)); err != nil {
			return httpx.Unavailable(time.Second, "unavailable",
				"The sign-out cannot be stored at the moment. Try again shortly.").Because(err)
		}
	}
	setCookie(w, r, "", -1)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// setCookie sets the session's cookie, or deletes it by a negative age. It is sent to the API only.
func setCookie(w http.ResponseWriter, r *http.Request, token string, seconds int) {
	http.SetCookie(w, &http.Cookie{
		Name: SessionCookie, Value: token, Path: httpx.Prefix(r) + "/api/", MaxAge: seconds,
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: strings.HasPrefix(httpx.BaseURL(r), "https://"),
	})
}

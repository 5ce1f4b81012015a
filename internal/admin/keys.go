package admin

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"licenseimport/internal/access"
	"licenseimport/internal/httpx"
)

// A Key is a manager's key as the API and the command line show it.
type Key struct {
	BeginsWith string   `json:"begins_with"`
	Manager    string   `json:"manager"`
	Role       string   `json:"role"`
	Products   []string `json:"products"` // empty: every product
	Created    Time     `json:"created_at"`
	CreatedBy  *string  `json:"created_by"` // nil: not known
	// LastUsed is up to a minute late; nil: never, as far as is known.
	LastUsed *Time `json:"last_used_at"`
}

// KeyOf is a key as it is shown; used has when each key was used last, by prefix.
func KeyOf(k access.Key, used map[string]time.Time) Key {
	shown := Key{
		BeginsWith: k.BeginsWith(), Manager: k.Manager.Name, Role: string(k.Manager.Role),
		Products: append([]string{}, k.Manager.Products...), Created: Time(k.Created),
	}
	if k.CreatedBy != "" {
		shown.CreatedBy = &k.CreatedBy
	}
	if at, ok := used[k.Prefix]; ok {
		shown.LastUsed = (*Time)(&at)
	}
	return shown
}

func (a *API) listKeys(w http.ResponseWriter, r *http.Request, _ httpx.Params, _ access.Manager) error {
	page, err := httpx.ParsePage(r)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), timeout)
	defer cancel()
	keys, err := a.Keys.List(ctx)
	if err != nil {
		return storeError(err)
	}
	used, err := a.Uses.Last(ctx)
	if err != nil {
		return storeError(err)
	}
	from := min(page.Offset, len(keys))
	shown := []Key{}
	for _, k := range keys[from:min(from+page.Limit, len(keys))] {
		shown = append(shown, KeyOf(k, used))
	}
	return httpx.WritePage(w, r, page, len(keys), shown)
}

// newKey is the answer that shows a key, the only time.
type newKey struct {
	Secret string `json:"key"`
	Key
}

func (a *API) createKey(w http.ResponseWriter, r *http.Request, _ httpx.Params, m access.Manager) error {
	var wanted struct {
		Manager  string   `json:"manager"`
		Role     string   `json:"role"`
		Products []string `json:"products"`
	}
	if err := decodeBody(w, r, &wanted, `{"manager":"Web shop","role":"importer","products":[]}`); err != nil {
		return err
	}
	if err := access.CheckManager(wanted.Manager, wanted.Role, wanted.Products); err != nil {
		return httpx.BadRequest("invalid_manager", "A key cannot be made: %v.", err)
	}
	ctx, cancel := context.WithTimeout(r.Context(), timeout)
	defer cancel()
	key, made, err := a.Keys.As(m.Name).Make(ctx, wanted.Manager, wanted.Role, wanted.Products)
	if err != nil && key == "" { // a key that works is shown, also while its event cannot be stored
		return storeError(err)
	}
	w.Header().Set("Cache-Control", "no-store")
	return httpx.WriteJSON(w, http.StatusCreated, newKey{key, KeyOf(made, nil)})
}

func (a *API) revokeKey(w http.ResponseWriter, r *http.Request, p httpx.Params, m access.Manager) error {
	ctx, cancel := context.WithTimeout(r.Context(), timeout)
	defer cancel()
	keys, err := a.Keys.List(ctx)
	if err != nil {
		return storeError(err)
	}
	i := slices.IndexFunc(keys, func(k access.Key) bool { return k.BeginsWith() == p.ByName("begins_with") })
	switch {
	case i < 0:
		return httpx.NotFound("There is no key that works and begins with %q.", p.ByName("begins_with"))
	case keys[i].Prefix == m.Key:
		return httpx.Conflict("own_key",
			"You use this key yourself. Make another one, sign in with that, and revoke this one then.")
	}
	_, err = a.Keys.As(m.Name).Revoke(ctx, keys[i].BeginsWith())
	if err != nil && !errors.Is(err, access.ErrNoSuchKey) { // another admin has revoked it a moment ago
		return storeError(err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

package readapi

import (
	"context"
	"net/http"
	"slices"

	"licenseimport/events"
	"licenseimport/internal/access"
	"licenseimport/internal/httpx"
)

// product is a product of the catalogue as the API shows it.
type product struct {
	ID        uint64  `json:"id"`
	ShortCode string  `json:"short_code"`
	Name      *string `json:"product_name"` // null: it has none

	// Defaults of rows that leave them empty. null: it has none.
	LicenseType    *string `json:"license_type"`
	MaxActivations *int    `json:"max_activations"`

	// Features are those that licenses of the product may have. []: any.
	Features []productFeature `json:"features"`
}

// productFeature is a feature that the catalogue lists.
type productFeature struct {
	Code string `json:"code"`
	Name any    `json:"name"`         // null: it has none
	Type any    `json:"feature_type"` // null: it has none
}

// visibleCatalogue returns the catalogue as far as a manager may see it, sorted by short code.
func (a *API) visibleCatalogue(ctx context.Context, m access.Manager) ([]events.CatalogueProduct, error) {
	products, err := a.catalogue.List(ctx)
	if err != nil {
		return nil, httpx.Unavailable(retryAfter, "store_unavailable",
			"The catalogue of products cannot be read at the moment. Try again shortly.").Because(err)
	}
	return slices.DeleteFunc(products, func(p events.CatalogueProduct) bool { return !m.Allowed(p.ShortCode) }), nil
}

func (a *API) listProducts(w http.ResponseWriter, r *http.Request, _ httpx.Params, m access.Manager) error {
	page, err := httpx.ParsePage(r)
	if err != nil {
		return err
	}
	products, err := a.visibleCatalogue(r.Context(), m)
	if err != nil {
		return err
	}
	if code := r.URL.Query().Get("short_code"); code != "" {
		products = slices.DeleteFunc(products, func(p events.CatalogueProduct) bool { return p.ShortCode != code })
	}
	ids, count := paginate(slices.Values(products), len(products), page)
	shown := make([]product, 0, len(ids))
	for _, p := range ids {
		shown = append(shown, showProduct(p))
	}
	return httpx.WritePage(w, r, page, count, shown)
}

func (a *API) getProduct(w http.ResponseWriter, r *http.Request, params httpx.Params, m access.Manager) error {
	products, err := a.visibleCatalogue(r.Context(), m)
	if err != nil {
		return err
	}
	id, ok := parseID(params)
	for _, p := range products {
		if ok && events.ProductID(p.ShortCode) == uint64(id) {
			return httpx.WriteJSON(w, http.StatusOK, showProduct(p))
		}
	}
	return httpx.NotFound("There is no such product in the catalogue.")
}

func showProduct(p events.CatalogueProduct) product {
	shown := product{ID: events.ProductID(p.ShortCode), ShortCode: p.ShortCode, MaxActivations: p.MaxActivations}
	shown.Features = make([]productFeature, len(p.Features))
	for i, f := range p.Features {
		shown.Features[i] = productFeature{Code: f.Code, Name: orNull(f.Name), Type: orNull(f.FeatureType)}
	}
	if p.LicenseType != "" {
		shown.LicenseType = &p.LicenseType
	}
	if p.Name != "" {
		shown.Name = &p.Name
	}
	return shown
}

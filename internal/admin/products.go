package admin

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"

	"licenseimport/events"
	"licenseimport/events/eventlog"
	"licenseimport/internal/access"
	"licenseimport/internal/httpx"
)

// product is a product as a request sets it.
type product struct {
	ShortCode      string `json:"short_code"`
	Name           string `json:"product_name"`
	LicenseType    string `json:"license_type"`    // empty: rows that leave it empty have the column's default
	MaxActivations *int   `json:"max_activations"` // nil: the same
	// Features replace those that there are. nil: they stay.
	Features []productFeature `json:"features"`
}

// productFeature is a feature that the catalogue lists.
type productFeature struct {
	Code string  `json:"code"`
	Name *string `json:"name"`
	Type *string `json:"feature_type"`
}

// featuresOf are the features as the catalogue holds them.
func featuresOf(wanted []productFeature) []events.ProductFeature {
	features := make([]events.ProductFeature, len(wanted))
	for i, f := range wanted {
		features[i].Code = f.Code
		if f.Name != nil {
			features[i].Name = *f.Name
		}
		if f.Type != nil {
			features[i].FeatureType = *f.Type
		}
	}
	return features
}

func showFeatures(features []events.ProductFeature) []productFeature {
	shown := make([]productFeature, len(features))
	for i, f := range features {
		shown[i] = productFeature{Code: f.Code, Name: orNull(f.Name), Type: orNull(f.FeatureType)}
	}
	return shown
}

func (a *API) setProduct(w http.ResponseWriter, r *http.Request, _ httpx.Params, m access.Manager) error {
	var wanted product
	if err := decodeBody(w, r, &wanted,
		`{"short_code":"photo-pro","product_name":"Photo Pro","license_type":"perpetual","max_activations":3}`); err != nil {
		return err
	}
	p := events.CatalogueProduct{Features: featuresOf(wanted.Features), Product: events.Product{
		ShortCode: wanted.ShortCode, Name: wanted.Name, LicenseType: wanted.LicenseType,
		MaxActivations: wanted.MaxActivations,
	}}
	if err := a.CheckProduct(&p); err != nil {
		return httpx.BadRequest("invalid_product", "The product cannot be set: %v.", err)
	}
	ctx, cancel := context.WithTimeout(r.Context(), timeout)
	defer cancel()
	err := a.Catalogue(m.Name).Change(ctx, p.ShortCode, func(now *events.CatalogueProduct) {
		if wanted.Features == nil {
			p.Features = now.Features
		}
		*now = p
	})
	if err != nil {
		return storeError(err)
	}
	return httpx.WriteJSON(w, http.StatusOK, struct {
		ID             uint64  `json:"id"`
		ShortCode      string  `json:"short_code"`
		Name           *string `json:"product_name"`
		LicenseType    *string `json:"license_type"`
		MaxActivations *int    `json:"max_activations"`

		Features []productFeature `json:"features"`
	}{events.ProductID(p.ShortCode), p.ShortCode, orNull(p.Name), orNull(p.LicenseType), p.MaxActivations,
		showFeatures(p.Features)})
}

func (a *API) removeProduct(w http.ResponseWriter, r *http.Request, params httpx.Params, m access.Manager) error {
	ctx, cancel := context.WithTimeout(r.Context(), timeout)
	defer cancel()
	catalogue := a.Catalogue(m.Name)
	products, err := catalogue.List(ctx)
	if err != nil {
		return storeError(err)
	}
	i := slices.IndexFunc(products, func(p events.CatalogueProduct) bool {
		return strconv.FormatUint(events.ProductID(p.ShortCode), 10) == params.ByName("id")
	})
	if i < 0 {
		return httpx.NotFound("There is no such product in the catalogue.")
	}
	if err := catalogue.Remove(ctx, products[i].ShortCode); err != nil && !errors.Is(err, eventlog.ErrNotFound) {
		return storeError(err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// orNull is nil for a text that is not given.
func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

package main

import (
	"slices"
	"testing"

	"licenseimport/events"
)

// TestSetFeaturesKeepsTheRest: with --feature only what the flags name changes, without it the features stay.
func TestSetFeaturesKeepsTheRest(t *testing.T) {
	three := 3
	var p events.CatalogueProduct
	for _, c := range []productsSetCommand{
		{Name: "Photo Pro", LicenseType: "perpetual", MaxActivations: &three},
		{Feature: []string{"reports", "x,y"}, FeatureType: []string{"consumption"}},
		{Feature: []string{"exports", "reports"}, FeatureType: []string{"activation", "consumption"}, FeatureName: []string{"", "Reports"}},
		{RemoveFeature: []string{"x,y"}, Name: "Photo"},
	} {
		if err := c.Validate(); err != nil {
			t.Fatal(err)
		}
		c.apply(&p)
	}
	want := []events.ProductFeature{{Code: "reports", Name: "Reports", FeatureType: "consumption"},
		{Code: "exports", FeatureType: "activation"}}
	if p.Name != "Photo" || p.LicenseType != "perpetual" || p.MaxActivations != &three || !slices.Equal(p.Features, want) {
		t.Errorf("%+v", p)
	}
	if (&productsSetCommand{}).apply(&p); p.Name != "" || p.LicenseType != "" || !slices.Equal(p.Features, want) {
		t.Errorf("a product without flags is %+v", p)
	}
	for _, wrong := range []productsSetCommand{
		{FeatureType: []string{"consumption"}}, {Feature: []string{"a", "b", "c"}, FeatureType: []string{"x", "y"}},
		{Feature: []string{"a", "b"}, FeatureName: []string{"A"}},
	} {
		if wrong.Validate() == nil {
			t.Errorf("%+v is accepted", wrong)
		}
	}
}

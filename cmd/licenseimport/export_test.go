package main

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"licenseimport/internal/openapi"
)

// TestExportHasEveryFilter: the flags of each export are the query parameters of its address, by the same
// names.
func TestExportHasEveryFilter(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromData(openapi.Document())
	if err != nil {
		t.Fatal(err)
	}
	for path, filters := range map[string]any{
		"/api/v1/licenses/export/": licenseFilters{}, "/api/v1/customers/export/": customerFilters{}, "/api/v1/orders/export/": orderFilters{},
	} {
		item := doc.Paths.Find(path)
		var want, have []string
		for _, parameters := range []openapi3.Parameters{item.Parameters, item.Get.Parameters} {
			for _, p := range parameters {
				want = append(want, p.Value.Name)
			}
		}
		kind := reflect.TypeOf(filters)
		for i := range kind.NumField() {
			have = append(have, kind.Field(i).Tag.Get("query"))
		}
		slices.Sort(want)
		slices.Sort(have)
		if !slices.Equal(have, want) {
			t.Errorf("%s takes %s; the flags are %s", path, strings.Join(want, " "), strings.Join(have, " "))
		}
	}
}

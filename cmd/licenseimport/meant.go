package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// maxCatalogue bounds the products that a misspelt one is compared with: one page of the API.
const maxCatalogue = 100

// printMeant names, for each product of the rejected rows that is not in the catalogue, the one that
// was probably meant. Without an answer of the server it says nothing: the rest of the report does without.
func printMeant(ctx context.Context, w io.Writer, api *client, r *result) {
	codes := r.unknownProducts()
	if len(codes) == 0 {
		return
	}
	var page struct {
		Results []struct {
			Code string `json:"short_code"`
		} `json:"results"`
	}
	if err := api.firstPage(ctx, apiPrefix+"products/", maxCatalogue, &page); err != nil {
		return
	}
	known := map[string]bool{}
	for _, product := range page.Results {
		known[product.Code] = true
	}
	for _, code := range codes {
		if known[code] { // it was added since
			continue
		}
		if meant := meantProduct(code, known); meant != "" {
			fmt.Fprintf(w, "There is no product %s. Did you mean %s?\n", printable(excerpt(code)), printable(meant))
		}
	}
}

// unknownProducts are the products of the rejected rows that are not in the catalogue, each once.
func (r *result) unknownProducts() (codes []string) {
	seen := map[string]bool{"": true}
	for _, row := range r.Result.InvalidRows {
		for _, e := range row.Errors {
			if e.Code == "unknown_product" && !seen[e.Value] {
				seen[e.Value] = true
				codes = append(codes, e.Value)
			}
		}
	}
	return codes
}

// meantProduct is the product that a misspelt one is nearest to; "": more than a third of it would change.
func meantProduct(code string, known map[string]bool) string {
	if len(known) == 0 {
		return ""
	}
	lower, lowered, original := strings.ToLower(code), map[string]bool{}, map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(known)) {
		lowered[strings.ToLower(name)] = true
		original[strings.ToLower(name)] = name
	}
	meant := nearest(lower, lowered)
	if levenshtein.ComputeDistance(lower, meant) > max(1, len([]rune(code))/3) {
		return ""
	}
	return original[meant]
}

package processor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"licenseimport/events"
	"licenseimport/events/eventlog"
)

// Catalogue is the table of products that licenses may be imported for. It is the KV bucket
// "products"; a key is the token of a short code. If it is empty every short code is accepted.
type Catalogue struct{ bucket *eventlog.Bucket }

// OpenCatalogue opens the catalogue of a log. It makes no request.
func OpenCatalogue(log *eventlog.Log) *Catalogue {
	return &Catalogue{bucket: log.Bucket(eventlog.Products)}
}

// catalogueEntry is a value in the bucket.
type catalogueEntry struct {
	Name           string `json:"name"`
	LicenseType    string `json:"license_type"`
	MaxActivations *int   `json:"max_activations"`
}

// Set adds or replaces a product. License type and activations are the defaults of rows that leave
// them empty. Both are optional.
func (c *Catalogue) Set(ctx context.Context, p events.Product) error {
	if err := checkProduct(&p); err != nil {
		return err
	}
	value, err := json.Marshal(catalogueEntry{Name: p.Name, LicenseType: p.LicenseType, MaxActivations: p.MaxActivations})
	if err != nil {
		return err
	}
	_, err = c.bucket.Put(ctx, events.Token(p.ShortCode), value)
	return err
}

// checkProduct applies the rules of the columns to a product, and brings its license type into
// canonical form.
func checkProduct(p *events.Product) error {
	var r events.Record
	column := &events.Columns[events.ColumnProduct]
	p.ShortCode = column.Clean(p.ShortCode)
	if p.ShortCode == "" {
		return errors.New("a product needs a short code")
	}
	if code := column.Set(&r, p.ShortCode); code != "" {
		return fmt.Errorf("the short code %s", column.Error(code, p.ShortCode).Message)
	}
	if p.LicenseType != "" {
		column = &events.Columns[mustColumn("license__license_type")]
		if code := column.Set(&r, p.LicenseType); code != "" {
			return fmt.Errorf("the license type %s", column.Error(code, p.LicenseType).Message)
		}
		p.LicenseType = r.License.LicenseType
	}
	if n := p.MaxActivations; n != nil && (*n < 0 || *n > 1<<31-1) {
		return errors.New("the activations must be a whole number from 0 to 2147483647")
	}
	if !utf8.ValidString(p.Name) {
		return errors.New("the name must be UTF-8")
	}
	return nil
}

// Remove deletes a product. It returns [eventlog.ErrNotFound] if there is none.
func (c *Catalogue) Remove(ctx context.Context, shortCode string) error {
	key := events.Token(strings.TrimSpace(shortCode))
	if _, err := c.bucket.Get(ctx, key); err != nil {
		return err
	}
	return c.bucket.Delete(ctx, key)
}

// List returns all products, sorted by short code.
func (c *Catalogue) List(ctx context.Context) ([]events.Product, error) {
	entries, err := c.bucket.List(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the product catalogue: %w", err)
	}
	products := make([]events.Product, 0, len(entries))
	for _, e := range entries {
		var value catalogueEntry
		if err := json.Unmarshal(e.Value, &value); err != nil {
			return nil, fmt.Errorf("product %q in the catalogue: %w", e.Key, err)
		}
		code, err := events.ParseToken(e.Key)
		if err != nil {
			code = e.Key // another program wrote it
		}
		products = append(products, events.Product{
			ShortCode: code, Name: value.Name, LicenseType: value.LicenseType, MaxActivations: value.MaxActivations,
		})
	}
	slices.SortFunc(products, func(a, b events.Product) int { return strings.Compare(a.ShortCode, b.ShortCode) })
	return products, nil
}

// snapshot returns the products by short code, as [Policy] needs them.
func (c *Catalogue) snapshot(ctx context.Context) (map[string]events.Product, error) {
	products, err := c.List(ctx)
	if err != nil {
		return nil, err
	}
	byCode := make(map[string]events.Product, len(products))
	for _, p := range products {
		byCode[p.ShortCode] = p
	}
	return byCode, nil
}

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
//
// Each change is an event of the log, ProductSet or ProductRemoved, and names the manager of [Catalogue.As].
type Catalogue struct {
	bucket *eventlog.RecordedBucket
	by     string // the manager who makes the changes
}

// OpenCatalogue opens the catalogue of a log. It makes no request.
func OpenCatalogue(log *eventlog.Log) *Catalogue {
	return &Catalogue{bucket: log.Recorded(eventlog.Products, catalogueOperation)}
}

// As returns the catalogue for changes by a manager.
func (c *Catalogue) As(manager string) *Catalogue { return &Catalogue{bucket: c.bucket, by: manager} }

// Record appends the events of changes that have none yet: see [eventlog.RecordedBucket].
func (c *Catalogue) Record(ctx context.Context) (recorded int, err error) {
	return c.bucket.Record(ctx)
}

// catalogueOperation is what an entry of the bucket says that happened; nil for one that cannot be read.
func catalogueOperation(e eventlog.Entry) events.Operation {
	var note catalogueNote
	if e.Deleted {
		_ = json.Unmarshal(e.Value, &note) // another program leaves none
		return &events.ProductRemoved{OperationChange: events.OperationChange{Manager: note.By},
			ShortCode: shortCodeOf(e.Key)}
	}
	product, err := readProduct(e)
	if err != nil {
		return nil
	}
	_ = json.Unmarshal(e.Value, &note) // it is an object: readProduct has read it
	return &events.ProductSet{OperationChange: events.OperationChange{Manager: note.By}, Product: product}
}

// catalogueEntry is a value in the bucket.
type catalogueEntry struct {
	Name           string `json:"name"`
	LicenseType    string `json:"license_type"`
	MaxActivations *int   `json:"max_activations"`
	// Features are those that licenses of the product may have. None: any.
	Features []events.ProductFeature `json:"features,omitempty"`
	catalogueNote
}

// catalogueNote says who wrote an entry. It is all that the entry of a removed product holds.
type catalogueNote struct {
	By string `json:"by,omitempty"`
}

// Set adds or replaces a product. License type and activations are the defaults of rows that leave
// them empty. Both are optional. The product's features stay.
func (c *Catalogue) Set(ctx context.Context, p events.Product) error {
	return c.Change(ctx, p.ShortCode, func(product *events.CatalogueProduct) { product.Product = p })
}

// Change adds a product, or changes the one that there is. change may be called again, after another writer.
func (c *Catalogue) Change(ctx context.Context, shortCode string, change func(*events.CatalogueProduct)) error {
	var checked events.CatalogueProduct
	checked.ShortCode = shortCode
	if err := CheckProduct(&checked); err != nil {
		return err
	}
	key := events.Token(checked.ShortCode)
	return c.bucket.Change(ctx, key, func(last eventlog.Entry) ([]byte, error) {
		var p events.CatalogueProduct
		if last.Revision > 0 && !last.Deleted {
			p, _ = readProduct(last) // one that cannot be read is replaced
		}
		p.ShortCode = checked.ShortCode
		change(&p)
		if err := CheckProduct(&p); err != nil {
			return nil, err
		}
		return json.Marshal(catalogueEntry{
			Name: p.Name, LicenseType: p.LicenseType, MaxActivations: p.MaxActivations, Features: p.Features,
			catalogueNote: catalogueNote{By: c.by},
		})
	})
}

// CheckProduct applies the rules of the columns to a product, and brings its license type into
// canonical form.
func CheckProduct(p *events.CatalogueProduct) error {
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
	return checkFeatures(p.Features)
}

// checkFeatures applies the rules of the column to the codes of features, and cleans them.
func checkFeatures(features []events.ProductFeature) error {
	seen := make(map[string]bool, len(features))
	for i := range features {
		f, column := &features[i], &events.Columns[columnFeatureCode]
		if f.Code = column.Clean(f.Code); f.Code == "" {
			return errors.New("a feature needs a code")
		}
		if code := column.Set(new(events.Record), f.Code); code != "" {
			return fmt.Errorf("the code of a feature %s", column.Error(code, f.Code).Message)
		}
		if seen[f.Code] {
			return fmt.Errorf("the feature %q is listed twice", f.Code)
		}
		if seen[f.Code] = true; !utf8.ValidString(f.Name) || !utf8.ValidString(f.FeatureType) {
			return errors.New("the name and the type of a feature must be UTF-8")
		}
	}
	return nil
}

// Remove deletes a product. It returns [eventlog.ErrNotFound] if there is none.
func (c *Catalogue) Remove(ctx context.Context, shortCode string) error {
	key := events.Token(strings.TrimSpace(shortCode))
	note, err := json.Marshal(catalogueNote{By: c.by})
	if err != nil {
		return err
	}
	return c.bucket.Delete(ctx, key, note)
}

// List returns all products, sorted by short code.
func (c *Catalogue) List(ctx context.Context) ([]events.CatalogueProduct, error) {
	entries, err := c.bucket.List(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the product catalogue: %w", err)
	}
	products := make([]events.CatalogueProduct, 0, len(entries))
	for _, e := range entries {
		product, err := readProduct(e)
		if err != nil {
			return nil, err
		}
		products = append(products, product)
	}
	slices.SortFunc(products, func(a, b events.CatalogueProduct) int { return strings.Compare(a.ShortCode, b.ShortCode) })
	return products, nil
}

func readProduct(e eventlog.Entry) (p events.CatalogueProduct, err error) {
	var value catalogueEntry
	if err := json.Unmarshal(e.Value, &value); err != nil {
		return p, fmt.Errorf("product %q in the catalogue: %w", e.Key, err)
	}
	p.ShortCode, p.Name, p.LicenseType = shortCodeOf(e.Key), value.Name, value.LicenseType
	p.MaxActivations, p.Features = value.MaxActivations, value.Features
	return p, nil
}

// shortCodeOf is the short code of a key of the bucket.
func shortCodeOf(key string) string {
	if code, err := events.ParseToken(key); err == nil {
		return code
	}
	return key // another program wrote it
}

// snapshot returns the products and their features by short code, as [Policy] needs them.
func (c *Catalogue) snapshot(ctx context.Context) (map[string]events.CatalogueProduct, error) {
	products, err := c.List(ctx)
	if err != nil {
		return nil, err
	}
	byCode := make(map[string]events.CatalogueProduct, len(products))
	for _, p := range products {
		byCode[p.ShortCode] = p
	}
	return byCode, nil
}

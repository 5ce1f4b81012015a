package readapi

import (
	"bytes"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"licenseimport/events"
	"licenseimport/internal/access"
	"licenseimport/internal/httpx"
	"licenseimport/projector"
)

// licenseFilters are the query parameters of parseLicenseFilter.
var licenseFilters = []string{"search", "id__in", "license_key", "license_key__startswith", "license_key__icontains",
	"license_key__isnull",
	"product_id", "product_name__icontains", "product__short_code", "customer_id", "customer_email", "customer_email__icontains",
	"customer_company_name__icontains", "customer__reference__icontains", "customer_name__icontains",
	"order__store_id", "order__store_id__startswith", "order__store_id__icontains", "note__icontains", "is_any_floating",
	"validity_period__gt", "validity_period__gte", "validity_period__lt", "validity_period__lte", "enabled", "import_id"}

// maxIDs bounds id__in.
const maxIDs = 1000

// licenseFilter selects the licenses of a list or an export.
type licenseFilter struct {
	projector.LicenseQuery
	productID uint64 // 0: any
}

// query returns what the views are asked for: a product is known by its id once they are open.
func (f *licenseFilter) query(views *projector.Reader) *projector.LicenseQuery {
	q := f.LicenseQuery
	if f.productID == 0 {
		return &q
	}
	products := []string{}
	for code := range views.Products() {
		if events.ProductID(code) == f.productID && (q.Products == nil || slices.Contains(q.Products, code)) {
			products = append(products, code)
		}
	}
	q.Products = products
	return &q
}

// parseLicenseFilter reads the filters of a list of licenses and restricts them to what a manager may
// see.
func parseLicenseFilter(query url.Values, m access.Manager) (*licenseFilter, error) {
	p := &filterParser{query: query}
	f := &licenseFilter{productID: uint64(p.id("product_id")), LicenseQuery: projector.LicenseQuery{
		IDs:             p.ids("id__in"),
		Key:             query.Get("license_key"),
		KeyPrefix:       query.Get("license_key__startswith"),
		KeyContains:     query.Get("license_key__icontains"),
		Products:        visibleProducts(m, query.Get("product__short_code")),
		Customer:        p.id("customer_id"),
		Email:           query.Get("customer_email"),
		EmailContains:   query.Get("customer_email__icontains"),
		StoreID:         query.Get("order__store_id"),
		StoreIDPrefix:   query.Get("order__store_id__startswith"),
		StoreIDContains: query.Get("order__store_id__icontains"),
		Enabled:         p.bool("enabled"),
		Job:             events.JobID(p.id("import_id")),
		Matches:         p.licenses(),
		MayMatch:        p.mayMatch(),
		MatchesCustomer: p.customersOfLicenses(),
		Words:           p.words("search"),
		SeesProduct:     seenProducts(m),
	}}
	if none := p.bool("license_key__isnull"); none != nil && *none {
		f.IDs = []events.Seq{} // every license has a key
	}
	return f, p.err
}

// filterParser reads filters. After the first mistake the rest is not used.
type filterParser struct {
	query url.Values
	err   error
}

func (p *filterParser) refuse(name, must string) {
	if p.err == nil {
		p.err = httpx.BadParameter(name, p.query.Get(name), must)
	}
}

// id reads a positive number; 0: not given.
func (p *filterParser) id(name string) events.Seq {
	value := p.query.Get(name)
	if value == "" {
		return 0
	}
	id, ok := events.ParseSeq(value)
	if !ok || id > math.MaxInt64 {
		p.refuse(name, "an id: a whole number, at least 1")
	}
	return id
}

// ids reads ids that are separated by commas; nil: not given.
func (p *filterParser) ids(name string) (ids []events.Seq) {
	value := p.query.Get(name)
	if value == "" {
		return nil
	}
	for text := range strings.SplitSeq(value, ",") {
		id, ok := events.ParseSeq(strings.TrimSpace(text))
		if ids = append(ids, id); !ok || id > math.MaxInt64 || len(ids) > maxIDs {
			p.refuse(name, "ids with commas between them, at most "+strconv.Itoa(maxIDs))
			return nil
		}
	}
	return ids
}

// maxSearch bounds the characters of a search.
const maxSearch = 200

// words reads a search; nil: not given.
func (p *filterParser) words(name string) [][]byte {
	text := p.query.Get(name)
	if text == "" {
		return nil
	}
	words := projector.SearchWords(text)
	if len(words) == 0 || !utf8.ValidString(text) || utf8.RuneCountInString(text) > maxSearch ||
		strings.ContainsFunc(text, unicode.IsControl) {
		p.refuse(name, fmt.Sprintf("one or more words, of at most %d characters in all", maxSearch))
	}
	return words
}

// bool reads a truth value; nil: not given.
func (p *filterParser) bool(name string) *bool {
	value := p.query.Get(name)
	if value == "" {
		return nil
	}
	b, err := parseBool(name, value)
	if p.err == nil {
		p.err = err
	}
	return &b
}

// date reads a date as the imported files write it; "": not given.
func (p *filterParser) date(name string) string {
	value := p.query.Get(name)
	if value == "" {
		return ""
	}
	date, ok := parseDate(value)
	if !ok {
		p.refuse(name, "a date: YYYY-MM-DD")
	}
	return date
}

// parseDate reads a date as the imported files write it, and returns it as YYYY-MM-DD.
func parseDate(value string) (date string, ok bool) {
	var r events.Record
	i, _ := events.ColumnIndex("license__validity_period")
	code := events.Columns[i].Set(&r, strings.TrimSpace(value))
	return r.License.ValidityPeriod, code == ""
}

// contains returns a filter of texts by a part of them, without regard to case; nil: not given.
func (p *filterParser) contains(name string) func(string) bool {
	part := strings.ToLower(p.query.Get(name))
	if part == "" {
		return nil
	}
	return func(text string) bool { return strings.Contains(strings.ToLower(text), part) }
}

// on adds a filter of one text of T to others; a nil filter is none.
func on[T any](all []func(*T) bool, filter func(string) bool, text func(*T) string) []func(*T) bool {
	if filter == nil {
		return all
	}
	return append(all, func(v *T) bool { return filter(text(v)) })
}

// every is the filter of what passes all filters; nil if there is none.
func every[T any](filters []func(*T) bool) func(*T) bool {
	if len(filters) == 0 {
		return nil
	}
	return func(v *T) bool {
		for _, passes := range filters {
			if !passes(v) {
				return false
			}
		}
		return true
	}
}

// licenses returns the filter on what is said of the license itself.
func (p *filterParser) licenses() func(*projector.License) bool {
	var all []func(*projector.License) bool
	all = on(all, p.contains("product_name__icontains"), func(l *projector.License) string { return l.Event.Product.Name })
	all = on(all, p.contains("note__icontains"), func(l *projector.License) string { return l.Event.License.Note })
	if want := p.bool("is_any_floating"); want != nil {
		all = append(all, func(l *projector.License) bool {
			floating := isTrue(l.Event.License.IsFloating) || isTrue(l.Event.License.IsFloatingCloud)
			return floating == *want
		})
	}
	for _, f := range validityFilters {
		if date := p.date(f.name); date != "" {
			all = append(all, func(l *projector.License) bool {
				has := l.Event.License.ValidityPeriod // YYYY-MM-DD sorts as text
				return has != "" && f.fits(strings.Compare(has, date))
			})
		}
	}
	return every(all)
}

// validityFilters are the filters by the end of a license's validity, and which of its comparisons with their value
// fit.
var validityFilters = []struct {
	name string
	fits func(compared int) bool
}{
	{"validity_period__gt", func(compared int) bool { return compared > 0 }},
	{"validity_period__gte", func(compared int) bool { return compared >= 0 }},
	{"validity_period__lt", func(compared int) bool { return compared < 0 }},
	{"validity_period__lte", func(compared int) bool { return compared <= 0 }},
}

// mayMatch returns a quick check of a license's event as JSON: without the member that a filter of licenses
// looks at, the license cannot pass it. nil: there is no such filter.
func (p *filterParser) mayMatch() func(body []byte) bool {
	var needed [][]byte
	needs := func(filter, member string) {
		if p.query.Get(filter) != "" {
			needed = append(needed, []byte(member))
		}
	}
	needs("note__icontains", `"note"`)
	needs("product_name__icontains", `"name"`)
	for _, f := range validityFilters {
		needs(f.name, `"validity_period"`)
	}
	if want := p.bool("is_any_floating"); want != nil && *want {
		needed = append(needed, []byte(`"is_floating`)) // is_floating_cloud, too
	}
	if needed == nil {
		return nil
	}
	return func(body []byte) bool {
		for _, member := range needed {
			if !bytes.Contains(body, member) {
				return false
			}
		}
		return true
	}
}

func isTrue(b *bool) bool { return b != nil && *b }

// customersOfLicenses returns the filter on what is said of a license's customer.
func (p *filterParser) customersOfLicenses() func(*events.Customer) bool {
	var all []func(*events.Customer) bool
	all = on(all, p.contains("customer_company_name__icontains"), func(c *events.Customer) string { return c.CompanyName })
	all = on(all, p.contains("customer__reference__icontains"), func(c *events.Customer) string { return c.Reference })
	all = on(all, p.contains("customer_name__icontains"), func(c *events.Customer) string {
		return strings.TrimSpace(c.FirstName + " " + c.LastName)
	})
	return every(all)
}

package events

import (
	"slices"
	"strings"
)

// A Kind is one row of the table of kinds: what the rows of an import are. One pipeline imports all kinds.
type Kind struct {
	Name string // as ImportStarted has it, and --kind
	One  string // what one row is, for people
	Many string // what the rows are, for people

	Upload  string // where a file is uploaded, below /api/v1/
	Results string // where results are, below /api/v1/
	// Counted stands in the names of a result's counts, such as created_licenses_count.
	Counted string
	// BareCounts: a result has the counts of what was created and existed without _count at the end, too.
	BareCounts bool
	// NamesParties: the rows name a customer and an order, which a result counts beside the rows.
	NamesParties bool
	// Folded: what a row did follows from the order of the stream, so that the counts of ImportProgressed have all
	// valid rows as imported.
	Folded bool
	// OptionalProduct: a row need not name a product.
	OptionalProduct bool
	// Undoable: an import of the kind can be taken back.
	Undoable bool
	// Identity are the columns that name what a row is about, ID is the name that the lists of rows give its id.
	// Without an ID it has none.
	Identity []Identity
	ID       string
	// Subjects match the subjects of what the rows are about.
	Subjects string

	columns  []int          // column indices in the order of the template
	byHeader map[string]int // column index by header, in lower case
}

// Identity is one of the columns that name what a row is about.
type Identity struct {
	Column int    // its index
	Field  string // its name in the JSON of an import's rows
}

// The kinds of import.
var (
	Licenses = newKind(Kind{
		Name: "licenses", One: "license", Many: "licenses", Counted: "licenses", Undoable: true, NamesParties: true,
		Upload: "licenses/import_from_csv/", Results: "licenses-import-results/", Subjects: "licenses.*.*",
		Identity: []Identity{{ColumnKey, "license_key"}, {ColumnProduct, "product"}}, ID: "license_id",
	}, "", columnRange("license__license_key", "license__note"))
	Features = newKind(Kind{
		Name: "features", One: "feature", Many: "features", Counted: "license_features", Undoable: true, BareCounts: true,
		OptionalProduct: true,
		Upload:          "licenses/import_features_from_csv/", Results: "license-features-import-results/", Subjects: "features.*.*.*",
		Identity: []Identity{
			{mustColumn("license_key"), "license_key"}, {ColumnProduct, "product"}, {mustColumn("code"), "feature_code"},
		}, ID: "license_id",
	}, "", append(columnRange("license_key", "consumption_period"), ColumnProduct))
	Customers = newKind(Kind{
		Name: "customers", One: "customer", Many: "customers", Counted: "customers", Folded: true,
		Upload: "customers/import_from_csv/", Results: "customers-import-results/", Subjects: "customers.*",
		Identity: []Identity{{mustColumn("email"), "email"}}, ID: "customer_id",
	}, "customer__", columnRange("email", "country"))
)

// DefaultKind is the kind of an import, a request and a command that name none: the only one of the first version.
var DefaultKind = Licenses

// Kinds is the table of kinds. Nothing writes it but [Extend].
var Kinds = []*Kind{Licenses, Features, Customers}

// newKind completes a row of the table. Headers that have the prefix before a column's name are read, too.
func newKind(k Kind, prefix string, columns []int) *Kind {
	k.columns, k.byHeader = columns, make(map[string]int, 2*len(columns))
	for _, i := range columns {
		k.byHeader[Columns[i].Name] = i
		k.byHeader[prefix+Columns[i].Name] = i
	}
	return &k
}

func columnRange(first, last string) (columns []int) {
	for i := mustColumn(first); i <= mustColumn(last); i++ {
		columns = append(columns, i)
	}
	return columns
}

// KindNamed finds a kind by its name. An empty name, as in events of the first version, is the [DefaultKind]. It is
// nil for a name that this version does not know.
func KindNamed(name string) *Kind {
	if name == "" {
		return DefaultKind
	}
	if i := slices.IndexFunc(Kinds, func(k *Kind) bool { return k.Name == name }); i >= 0 {
		return Kinds[i]
	}
	return nil
}

// KindNames lists the names of all kinds.
func KindNames() []string {
	names := make([]string, len(Kinds))
	for i, k := range Kinds {
		names[i] = k.Name
	}
	return names
}

// Columns lists the column indices of the kind, in the order of the template. Nobody writes to the list.
func (k *Kind) Columns() []int { return k.columns }

// ColumnNames lists the headers of the template, in its order.
func (k *Kind) ColumnNames() []string {
	names := make([]string, len(k.columns))
	for i, column := range k.columns {
		names[i] = Columns[column].Name
	}
	return names
}

// ColumnIndex finds a column of the kind by a file's header. Case and white space around the header do not
// count.
func (k *Kind) ColumnIndex(header string) (int, bool) {
	i, ok := k.byHeader[normalHeader(header)]
	return i, ok
}

// Has reports whether a column is one of the kind.
func (k *Kind) Has(column int) bool { return slices.Contains(k.columns, column) }

// Title is what the rows are, with a capital letter.
func (k *Kind) Title() string { return strings.ToUpper(k.Many[:1]) + k.Many[1:] }

// Template is the name of the kind's template, below /api/v1/, with an extension such as .csv.
func (k *Kind) Template(extension string) string { return k.One + "-import-template" + extension }

// OfProducts reports whether each row belongs to a product. Of another kind no manager may import who is
// limited to some products.
func (k *Kind) OfProducts() bool { return k.Has(ColumnProduct) }

// Requires reports whether every row must have a value in a column.
func (k *Kind) Requires(column int) bool {
	return Columns[column].Required && !(column == ColumnProduct && k.OptionalProduct)
}

// Required lists the columns that every row must have a value in.
func (k *Kind) Required() (columns []int) {
	for _, i := range k.columns {
		if k.Requires(i) {
			columns = append(columns, i)
		}
	}
	return columns
}

// FeatureColumns lists the columns that say something of a feature, in the table's order.
func FeatureColumns() (columns []int) {
	for i := firstFeatureColumn; i <= lastFeatureColumn; i++ {
		columns = append(columns, i)
	}
	return columns
}

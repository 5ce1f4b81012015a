package access

import (
	"fmt"
	"slices"
	"strings"

	"licenseimport/events"
)

// Role is a manager's set of rights.
type Role string

// The roles.
const (
	Admin    Role = "admin"    // everything
	Importer Role = "importer" // import, cancel, undo; see own imports, and the licenses
	Viewer   Role = "viewer"   // see all imports and licenses, change nothing
)

// Right is a permission that a request needs.
type Right string

// The rights. Each completes the sentence "A key with this role may not …".
const (
	Identify       Right = "be known" // any key
	Import         Right = "import licenses"
	Cancel         Right = "cancel imports" // those that it sees
	Undo           Right = "undo imports"   // those that it sees
	ReadImports    Right = "read imports"   // its own ones
	ReadAllImports Right = "read the imports of others"
	ReadLicenses   Right = "read licenses"                     // of its products
	ReadCustomers  Right = "read customers and orders"         // never for a manager limited to products
	Manage         Right = "manage keys, products and backups" // never for a manager limited to products
)

// rights is the table of rights by role.
var rights = map[Role][]Right{
	Admin:    {Identify, Import, Cancel, Undo, ReadImports, ReadAllImports, ReadLicenses, ReadCustomers, Manage},
	Importer: {Identify, Import, Cancel, Undo, ReadImports, ReadLicenses, ReadCustomers},
	Viewer:   {Identify, ReadImports, ReadAllImports, ReadLicenses, ReadCustomers},
}

// ParseRole reads a role's name; the error lists the choices.
func ParseRole(name string) (Role, error) {
	if _, ok := rights[Role(name)]; !ok {
		return "", fmt.Errorf("role %q: choose one of admin, importer, viewer", name)
	}
	return Role(name), nil
}

// Manager is an authenticated caller.
type Manager struct {
	Name     string
	Role     Role
	Products []string // short codes, case-sensitive; none: every product
	Key      string   // the public prefix of the key that it used; empty: none, or the admin key of the environment
}

// Can reports whether the manager has a right.
func (m Manager) Can(right Right) bool {
	if (right == ReadCustomers || right == Manage) && m.Limited() {
		return false // customers, orders and a copy of the views span products
	}
	return slices.Contains(rights[m.Role], right)
}

// Limited reports whether the manager is limited to some products.
func (m Manager) Limited() bool { return len(m.Products) > 0 }

// Allowed reports whether the manager may import and see licenses of a product.
func (m Manager) Allowed(product string) bool {
	return !m.Limited() || slices.Contains(m.Products, product)
}

// Sees reports whether the manager may see an import of a kind by the named manager.
func (m Manager) Sees(owner string, kind *events.Kind) bool {
	return m.SeesAll(kind) || m.Can(ReadImports) && m.Name == owner
}

// SeesAll reports whether the manager may see every import of a kind.
func (m Manager) SeesAll(kind *events.Kind) bool { return m.Can(ReadAllImports) && m.SeesKind(kind) }

// SeesKind reports whether the manager may see what imports of a kind did: a limited one sees rows of
// products only.
func (m Manager) SeesKind(kind *events.Kind) bool { return !m.Limited() || kind.OfProducts() }

// newManager validates a new manager's name, role and products.
func newManager(name, role string, products []string) (Manager, error) {
	if !isText(name, 100) {
		return Manager{}, fmt.Errorf("manager name %q: must be 1 to 100 printable characters, without space at the ends", name)
	}
	parsed, err := ParseRole(role)
	if err != nil {
		return Manager{}, err
	}
	for _, product := range products {
		if !isText(product, 64) {
			return Manager{}, fmt.Errorf("product short code %q: must be 1 to 64 printable characters, without space at the ends", product)
		}
	}
	return Manager{Name: name, Role: parsed, Products: distinct(products)}, nil
}

// distinct returns each short code once, in the order in which they come first: lists read the licenses of
// one after the other, and would count those of a repeated one twice.
func distinct(products []string) (codes []string) {
	for _, product := range products {
		if !slices.Contains(codes, product) {
			codes = append(codes, product)
		}
	}
	return codes
}

// isText reports whether s has 1 to most printable characters and no space at the ends.
func isText(s string, most int) bool {
	return s != "" && len([]rune(s)) <= most && strings.TrimSpace(s) == s && isPrintable(s)
}

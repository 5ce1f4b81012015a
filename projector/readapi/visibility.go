package readapi

import (
	"iter"

	"licenseimport/events"
	"licenseimport/internal/access"
	"licenseimport/internal/mapping"
	"licenseimport/projector"
)

// This file holds the whole rule of what a manager sees. A manager is limited if its key names
// products. What a manager does not see is answered as if it did not exist.
//
//	imports             those that its role may see: its own, or everybody's; if it is limited, those
//	                    of customers only where they are its own
//	counts, progress    of every import that it sees, whatever the products of the rows are; if it is
//	                    limited, without the counts of customers and orders
//	other imports       that a result names (of the same file, the retried one): those that it may know of
//	rows of an import   all, unless it is limited and another manager uploaded the file: then those
//	                    of its products, also in a result and in a CSV, with their warnings and changes
//	                    What became of its rows of customers a limited one does not see.
//	licenses            all, or if it is limited those of its products; so are their features, histories,
//	                    and what an export has. Filters select by what is shown.
//	products            the catalogue, or if it is limited its products of it
//	customers, orders   all, or if it is limited none: they span products (access.ReadCustomers)
//	those of a license  a customer as it is, an order as the row says that created it. If it is limited, as
//	                    the row says that created them; if that row is of another product, or of a
//	                    customers' import, as the license's row says, with the id null
//
// A row that was rejected or whose license existed names a license and its customer. Without the
// rule for rows, a limited manager would learn of licenses of other products. A customer's data,
// and the count of those that existed, would tell what other products know of an address.

// seesImport reports whether a manager may know of an import.
func seesImport(m access.Manager, j *projector.Job) bool {
	return m.Sees(j.Manager, j.ImportKind())
}

// visibleImports restricts a query to the imports that a manager may know of.
func visibleImports(m access.Manager, q projector.JobQuery) projector.JobQuery {
	if !m.SeesAll(q.Kind) {
		q.Manager = &m.Name
	}
	return q
}

// seesOutcomes reports whether a manager may see what became of all valid rows of an import.
func seesOutcomes(m access.Manager, j *projector.Job) bool {
	return seesAllRows(m, j) && m.SeesKind(j.ImportKind())
}

// seesLicense reports whether a manager may see a license.
func seesLicense(m access.Manager, l *projector.License) bool {
	return m.Allowed(l.Event.Product.ShortCode)
}

// seenProducts reports of a product whether a manager may see its licenses; nil: of all.
func seenProducts(m access.Manager) func(code string) bool {
	if !m.Limited() {
		return nil
	}
	return m.Allowed
}

// seesPartyCounts reports whether a manager may see how many customers and orders an import created
// and how many existed.
func seesPartyCounts(m access.Manager) bool { return !m.Limited() }

// visibleCustomer returns what a manager may see of a license's customer, and its id: the customer as it is or, if
// the manager may not see that, what the license's row says and no id. Both are nil if it has none.
func visibleCustomer(m access.Manager, views *projector.Reader, l *projector.License) (
	said *events.Customer, visibleID *events.Seq, err error) {
	c, err := views.CustomerOf(l)
	if c == nil || err != nil {
		return nil, nil, err
	}
	if said = c.ShownTo(seenProducts(m)); said == nil {
		return l.Event.Customer, nil, nil
	}
	return said, &c.ID, nil
}

// visibleOrder returns the license whose row says what a manager may see of a license's order, and the order's id:
// the license as it was when it made the order or, if the manager may not see that one, the license itself and no
// id.
func visibleOrder(m access.Manager, views *projector.Reader, l *projector.License) (
	said *projector.License, visibleID *events.Seq, err error) {
	if l.Order == l.Last {
		return l, &l.Order, nil
	}
	creator, err := mustExist(views.OrderCreator(l.Order))
	if err != nil {
		return nil, nil, err
	}
	if !seesLicense(m, creator) {
		return l, nil, nil
	}
	return creator, &l.Order, nil
}

// visibleProducts returns the products whose licenses a manager gets when it asks for those of one
// product or, if product is empty, for all. Nil stands for any product.
func visibleProducts(m access.Manager, product string) []string {
	switch {
	case product != "" && m.Allowed(product):
		return []string{product}
	case product != "":
		return []string{}
	case m.Limited():
		return m.Products
	}
	return nil
}

// seesAllRows reports whether a manager may see all rows of an import that it may know of.
func seesAllRows(m access.Manager, j *projector.Job) bool { return !m.Limited() || j.Manager == m.Name }

// visibleRejectedRows yields those of some rejected rows of an import that a manager may see.
func visibleRejectedRows(m access.Manager, j *projector.Job, views *projector.Reader,
	rows iter.Seq[events.Row]) iter.Seq[events.Row] {
	cells := mapping.Compile(j.Mapping)
	return visibleRows(m, j, rows, func(row events.Row) (product string, err error) {
		e, err := views.RejectedRow(j.ID, row)
		if err != nil {
			return "", err
		}
		return cells.Product(&e.Values), nil
	})
}

// seesRejectedRow reports whether a manager may see a rejected row of an import, by its values. cells are those of
// the import's mapping.
func seesRejectedRow(m access.Manager, j *projector.Job, cells *mapping.Cells, values *events.Values) bool {
	return seesAllRows(m, j) || m.Allowed(cells.Product(values))
}

// visibleOutcomes yields those of some valid rows of an import that a manager may see. readProduct reads a row's
// product. A row that cannot be read is hidden.
func visibleOutcomes(m access.Manager, j *projector.Job, rows iter.Seq[events.Row],
	readProduct func(events.Row) (string, error)) iter.Seq[events.Row] {
	if seesOutcomes(m, j) {
		return rows
	}
	return allowedRows(m, rows, readProduct)
}

// visibleRows yields those of some rows of an import that a manager may see. readProduct reads a
// row's product. A row that cannot be read is hidden.
func visibleRows(m access.Manager, j *projector.Job, rows iter.Seq[events.Row],
	readProduct func(events.Row) (string, error)) iter.Seq[events.Row] {
	if seesAllRows(m, j) {
		return rows
	}
	return allowedRows(m, rows, readProduct)
}

// allowedRows yields the rows of a manager's products.
func allowedRows(m access.Manager, rows iter.Seq[events.Row],
	readProduct func(events.Row) (string, error)) iter.Seq[events.Row] {
	return func(yield func(events.Row) bool) {
		for row := range rows {
			if product, err := readProduct(row); err == nil && m.Allowed(product) && !yield(row) {
				return
			}
		}
	}
}

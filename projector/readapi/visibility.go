package readapi

import (
	"iter"

	"licenseimport/events"
	"licenseimport/internal/access"
	"licenseimport/projector"
)

// What a manager may see:
//
//	imports              those that the role may see: its own, or everybody's
//	licenses             those of the manager's products; all of them if it is not limited to some
//	rows of an import    all of them if it is not limited or uploaded the file; else those of its products
//	customers, orders    all of them if it is not limited, else none (the right ReadCustomers says so)
//
// Rows that existed or were rejected would otherwise show licenses of other products, and whose
// they are. What a manager may not see is as if it did not exist.

// seesImport tells whether a manager may know of an import.
func seesImport(m access.Manager, j *projector.Job) bool { return m.Sees(j.Manager) }

// visibleImports restricts a query to the imports that a manager may know of.
func visibleImports(m access.Manager, q projector.JobQuery) projector.JobQuery {
	if !m.Can(access.ReadAllImports) {
		q.Manager = &m.Name
	}
	return q
}

// seesLicense tells whether a manager may see a license.
func seesLicense(m access.Manager, l *projector.License) bool {
	return m.Allowed(l.Event.Product.ShortCode)
}

// visibleProducts are those of which a manager sees licenses, of one product or, if that is "", of
// all; nil: any.
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

// seesAllRows tells whether a manager may see all rows of an import.
func seesAllRows(m access.Manager, j *projector.Job) bool { return !m.Limited() || j.Manager == m.Name }

// visibleRows is the part of an import's rows that a manager may see. product reads which product a
// row is of; of what cannot be read nothing is shown.
func visibleRows(m access.Manager, j *projector.Job, rows iter.Seq[events.Row], product func(events.Row) (string, error)) iter.Seq[events.Row] {
	if seesAllRows(m, j) {
		return rows
	}
	return func(yield func(events.Row) bool) {
		for row := range rows {
			if code, err := product(row); err == nil && m.Allowed(code) && !yield(row) {
				return
			}
		}
	}
}

// visibleRejectedRows is visibleRows of rejected ones.
func visibleRejectedRows(m access.Manager, j *projector.Job, rows iter.Seq[events.Row], views *projector.Reader) iter.Seq[events.Row] {
	return visibleRows(m, j, rows, func(row events.Row) (string, error) {
		e, err := views.RejectedRow(j.ID, row)
		if err != nil {
			return "", err
		}
		return events.Columns[events.ColumnProduct].Clean(e.Values[events.ColumnProduct]), nil
	})
}

// visibleExistedRows is visibleRows of those whose license existed.
func visibleExistedRows(m access.Manager, j *projector.Job, views *projector.Reader) iter.Seq[events.Row] {
	return visibleRows(m, j, views.ExistedRows(j.ID), func(row events.Row) (string, error) {
		e, err := views.ExistedRow(j.ID, row)
		if err != nil {
			return "", err
		}
		return e.Product.ShortCode, nil
	})
}

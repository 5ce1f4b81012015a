package crashtest

import (
	"licenseimport/events"
)

// Result holds the counts that the API shows of an import, under its names.
type Result struct {
	Total            int `json:"total_row_count"`
	Valid            int `json:"valid_row_count"`
	Invalid          int `json:"invalid_row_count"`
	CreatedCustomers int `json:"created_customers_count"`
	ExistedCustomers int `json:"existed_customers_count"`
	CreatedOrders    int `json:"created_orders_count"`
	ExistedOrders    int `json:"existed_orders_count"`
	CreatedLicenses  int `json:"created_licenses_count"`
	ExistedLicenses  int `json:"existed_licenses_count"`
}

// model holds what the imports have made so far, in the order of the stream.
type model struct {
	licenses  map[License]events.Origin
	customers map[string]bool // by events.EmailKey
	orders    map[string]bool // by store id
}

func newModel() *model {
	return &model{licenses: map[License]events.Origin{}, customers: map[string]bool{}, orders: map[string]bool{}}
}

// imported counts a row that made its license, and adds its customer and order where
// they are new.
func (m *model) imported(row *Row, r *Result) {
	r.CreatedLicenses++
	if email := events.EmailKey(row.Email); m.customers[email] {
		r.ExistedCustomers++
	} else if email != "" {
		m.customers[email] = true
		r.CreatedCustomers++
	}
	if row.Store != "" && m.orders[row.Store] {
		r.ExistedOrders++
	} else {
		m.orders[row.Store] = true
		r.CreatedOrders++
	}
}

// existed counts a row whose license existed: it makes nothing.
func (m *model) existed(row *Row, r *Result) {
	r.ExistedLicenses++
	if m.customers[events.EmailKey(row.Email)] {
		r.ExistedCustomers++
	}
	if row.Store != "" && m.orders[row.Store] {
		r.ExistedOrders++
	}
}

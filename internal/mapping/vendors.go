package mapping

import (
	"slices"
	"strings"

	"licenseimport/events"
)

// A Vendor is another program whose exports are known. Each is also a mapping that comes with the
// program, under its name.
type Vendor struct {
	Name    string // of the built-in mapping
	Title   string // of the program
	Source  string // the public page that documents the columns
	kind    *events.Kind
	marks   []string
	columns []vendorColumn
	byForm  []string                     // headers without a column that may be one by their cells
	values  map[string]map[string]string // of a header: what its cells mean in its column, by cell in lower case
}

// vendorColumn is one header of an export. The column is empty where it is no column of an import.
type vendorColumn struct{ header, column string }

// Vendors is the table of other vendors' exports. A header line is one of a vendor's export of a kind if it has
// all of its marks; then its columns are those of the table, whatever a header means elsewhere.
//
// Dates of creation, counts of activations so far and internal ids of other records are left out: an
// import has no column for them.
var Vendors = slices.Concat(licenseVendors, featureVendors, customerVendors)

// licenseVendors are the exports of licenses.
var licenseVendors = []Vendor{
	{
		Name: "keygen", Title: "Keygen", Source: "https://keygen.sh/docs/api/licenses/",
		kind:  events.Licenses,
		marks: []string{"key", "expiry", "maxmachines"},
		columns: []vendorColumn{
			{"key", "license__license_key"}, {"expiry", "license__validity_period"},
			{"maxMachines", "license__max_activations"}, {"maxUsers", "license__max_license_users"},
			{"maxUses", "license__max_consumptions"}, {"floating", "license__is_floating_cloud"},
			{"product", "product__short_code"}, {"email", "customer__email"},
			{"status", "license__enabled"},
			{"id", ""}, {"name", ""}, {"uses", ""}, {"protected", ""}, {"suspended", ""}, {"scheme", ""},
			{"encrypted", ""}, {"strict", ""}, {"maxProcesses", ""}, {"maxCores", ""}, {"maxMemory", ""}, {"maxDisk", ""},
			{"version", ""}, {"requireHeartbeat", ""}, {"requireCheckIn", ""}, {"lastValidated", ""}, {"lastCheckIn", ""},
			{"nextCheckIn", ""}, {"lastCheckOut", ""}, {"permissions", ""}, {"metadata", ""}, {"created", ""}, {"updated", ""},
			{"policy", ""}, {"user", ""}, {"owner", ""}, {"group", ""}, {"account", ""},
		},
		byForm: []string{"user", "owner"}, // an id, or an e-mail address
		values: map[string]map[string]string{"status": keygenStatus},
	},
	{
		Name: "cryptlex", Title: "Cryptlex", Source: "https://docs.cryptlex.com/license-management/creating-licenses",
		kind:  events.Licenses,
		marks: []string{"key", "allowedactivations"},
		columns: []vendorColumn{
			{"key", "license__license_key"}, {"allowedActivations", "license__max_activations"},
			{"expiresAt", "license__validity_period"}, {"productId", "product__short_code"},
			{"allowedFloatingClients", "license__floating_users"}, {"notes", "license__note"},
			{"email", "customer__email"}, {"firstName", "customer__first_name"}, {"lastName", "customer__last_name"},
			{"company", "customer__company_name"}, {"order_id", "order__store_id"},
			{"first_name", "customer__first_name"}, {"last_name", "customer__last_name"},
			{"suspended", "license__enabled"}, {"revoked", "license__enabled"},
			{"id", ""}, {"type", ""}, {"totalActivations", ""}, {"totalDeactivations", ""},
			{"validity", ""}, {"subscriptionInterval", ""}, {"subscriptionStartTrigger", ""}, {"expirationStrategy", ""},
			{"fingerprintMatchingStrategy", ""}, {"allowedDeactivations", ""}, {"serverSyncGracePeriod", ""},
			{"serverSyncInterval", ""}, {"leaseDuration", ""}, {"allowedClockOffset", ""}, {"allowVmActivation", ""},
			{"userLocked", ""}, {"user", ""}, {"userId", ""}, {"metadata", ""}, {"tags", ""}, {"createdAt", ""}, {"updatedAt", ""},
			{"allowedCountries", ""}, {"disallowedCountries", ""}, {"allowedIpAddresses", ""}, {"disallowedIpAddresses", ""},
		},
		values: map[string]map[string]string{"suspended": opposite, "revoked": opposite},
	},
	{
		Name: "cryptlex-v2", Title: "Cryptlex v2", Source: "https://docs.cryptlex.com (Migrating from Cryptlex v2.x, Exporting license keys)",
		kind:  events.Licenses,
		marks: []string{"productkey", "totalactivations", "usedactivations"},
		columns: []vendorColumn{
			{"Product Key", "license__license_key"}, {"Email", "customer__email"}, {"Expires On", "license__validity_period"},
			{"Total Activations", "license__max_activations"},
			{"Key ID", ""}, {"Status", ""}, {"Used Activations", ""}, {"Total Deactivations", ""}, {"Used Deactivations", ""},
			{"Creation Date", ""}, {"Custom Fields", ""}, {"Activation Location", ""}, {"Activation Date", ""},
			{"Activation Extra Data", ""}, {"Activation OS", ""},
		},
	},
	{
		Name: "license-manager-for-woocommerce", Title: "License Manager for WooCommerce",
		Source: "https://woocommerce.com/document/license-manager-woo-store-owner-guide/ (and the plugin's Export.php)",
		kind:   events.Licenses,
		marks:  []string{"licensekey", "productid", "timesactivatedmax"},
		columns: []vendorColumn{
			{"license_key", "license__license_key"}, {"product_id", "product__short_code"}, {"order_num", "order__store_id"},
			{"user_email", "customer__email"}, {"user_id", "customer__reference"}, {"expires_at", "license__validity_period"},
			{"times_activated_max", "license__max_activations"},
			{"order_id", "order__store_id"}, // of versions without order_num
			{"id", ""}, {"product_name", ""}, {"user_name", ""}, {"valid_for", ""}, {"status", ""},
			{"times_activated", ""}, {"times_activated_overall", ""}, {"activated_at", ""}, {"created_at", ""}, {"created_by", ""},
			{"updated_at", ""}, {"updated_by", ""}, {"source", ""}, {"hash", ""},
		},
	},
	{
		Name: "gumroad", Title: "Gumroad", Source: "https://gumroad.com/webhooks",
		kind:  events.Licenses,
		marks: []string{"saleid", "productpermalink", "licensekey"},
		columns: []vendorColumn{
			{"license_key", "license__license_key"}, {"short_product_id", "product__short_code"}, {"sale_id", "order__store_id"},
			{"email", "customer__email"}, {"ip_country", "customer__country"}, {"subscription_id", "license__subscription_id"},
			{"purchaser_id", "customer__reference"}, {"quantity", "license__max_activations"}, {"test", "order__is_test"},
			{"sale_timestamp", ""}, {"order_number", ""}, {"seller_id", ""}, {"product_id", ""}, {"product_permalink", ""},
			{"product_name", ""}, {"url_params", ""}, {"full_name", ""}, {"price", ""}, {"recurrence", ""}, {"variants", ""},
			{"offer_code", ""}, {"custom_fields", ""}, {"shipping_information", ""}, {"is_recurring_charge", ""},
			{"is_preorder_authorization", ""}, {"shipping_rate", ""}, {"affiliate", ""}, {"affiliate_credit_amount_cents", ""},
			{"is_gift_receiver_purchase", ""}, {"gifter_email", ""}, {"gift_price", ""}, {"refunded", ""},
			{"discover_fee_charged", ""}, {"can_contact", ""}, {"referrer", ""}, {"gumroad_fee", ""}, {"card", ""},
		},
	},
	{
		Name: "shopify", Title: "Shopify", Source: "https://help.shopify.com/en/manual/migrating-to-shopify/transporter-app/csv-orders",
		kind:  events.Licenses,
		marks: []string{"name", "financialstatus", "lineitemname"},
		columns: []vendorColumn{
			{"Lineitem sku", "product__short_code"}, {"Name", "order__store_id"}, {"Email", "customer__email"},
			{"Billing Company", "customer__company_name"}, {"Billing Phone", "customer__phone"},
			{"Billing Street", "customer__address"}, {"Billing City", "customer__city"}, {"Billing Zip", "customer__postcode"},
			{"Billing Province", "customer__state"}, {"Billing Country", "customer__country"}, {"Notes", "license__note"},
			{"Lineitem quantity", ""}, {"Phone", ""}, {"Financial Status", ""}, {"Paid at", ""}, {"Fulfillment Status", ""},
			{"Fulfilled at", ""}, {"Accepts Marketing", ""}, {"Currency", ""}, {"Subtotal", ""}, {"Shipping", ""}, {"Taxes", ""},
			{"Total", ""}, {"Discount Code", ""}, {"Discount Amount", ""}, {"Shipping Method", ""}, {"Created at", ""},
			{"Lineitem name", ""}, {"Lineitem price", ""}, {"Lineitem compare at price", ""}, {"Lineitem compare-at price", ""},
			{"Lineitem requires shipping", ""}, {"Lineitem taxable", ""}, {"Lineitem fulfillment status", ""}, {"Lineitem discount", ""},
			{"Billing Name", ""}, {"Billing Address1", ""}, {"Billing Address2", ""}, {"Billing Province Name", ""},
			{"Shipping Name", ""}, {"Shipping Street", ""}, {"Shipping Address1", ""}, {"Shipping Address2", ""},
			{"Shipping Company", ""}, {"Shipping City", ""}, {"Shipping Zip", ""}, {"Shipping Province", ""},
			{"Shipping Province Name", ""}, {"Shipping Country", ""}, {"Shipping Phone", ""}, {"Note Attributes", ""},
			{"Cancelled at", ""}, {"Canceled at", ""}, {"Payment Method", ""}, {"Payment Reference", ""}, {"Payment References", ""},
			{"Refunded Amount", ""}, {"Vendor", ""}, {"Outstanding Balance", ""}, {"Employee", ""}, {"Location", ""},
			{"Device ID", ""}, {"Id", ""}, {"Tags", ""}, {"Risk Level", ""}, {"Source", ""}, {"Receipt Number", ""}, {"Duties", ""},
			{"Tax 1 Name", ""}, {"Tax 1 Value", ""}, {"Tax 2 Name", ""}, {"Tax 2 Value", ""}, {"Tax 3 Name", ""},
			{"Tax 3 Value", ""}, {"Tax 4 Name", ""}, {"Tax 4 Value", ""}, {"Tax 5 Name", ""}, {"Tax 5 Value", ""},
			{"Payment ID", ""}, {"Payment Terms Name", ""}, {"Next Payment Due At", ""},
		},
	},
	{
		Name: "fastspring", Title: "FastSpring", Source: "https://developer.fastspring.com/reference/generaterevenuereport",
		kind:  events.Licenses,
		marks: []string{"buyeremail", "productpath"},
		columns: []vendorColumn{
			{"Product_Path", "product__short_code"}, {"Order_ID", "order__store_id"}, {"Buyer_Email", "customer__email"},
			{"Buyer_ID", "customer__reference"}, {"Country_ISO", "customer__country"},
			{"Subscription_ID", "license__subscription_id"},
			{"Company_Name", ""}, {"Company_ID", ""}, {"Product_Name", ""}, {"Country_Name", ""}, {"Order_Reference", ""},
			{"Chargeback_True_False", ""}, {"Coupon", ""}, {"Driving_Product_Path", ""}, {"Driving_Offer_Type", ""},
		},
	},
	{
		Name: "lemon-squeezy", Title: "Lemon Squeezy", Source: "https://docs.lemonsqueezy.com/help/licensing/license-api",
		kind:  events.Licenses,
		marks: []string{"key", "activationlimit", "useremail"},
		columns: []vendorColumn{
			{"key", "license__license_key"}, {"activation_limit", "license__max_activations"},
			{"expires_at", "license__validity_period"}, {"user_email", "customer__email"}, {"product_id", "product__short_code"},
			{"order_id", "order__store_id"}, {"customer_id", "customer__reference"},
			{"disabled", "license__enabled"},
			{"id", ""}, {"store_id", ""}, {"order_item_id", ""}, {"user_name", ""}, {"key_short", ""}, {"instances_count", ""},
			{"activation_usage", ""}, {"status", ""}, {"status_formatted", ""}, {"created_at", ""},
			{"updated_at", ""}, {"test_mode", ""}, {"product_name", ""}, {"variant_id", ""}, {"variant_name", ""},
		},
		values: map[string]map[string]string{"disabled": opposite},
	},
}

// keygenStatus is what Keygen's status says of license__enabled. A license that was not validated for
// 90 days is INACTIVE, and one that has expired can be renewed: its date says that it has expired.
var keygenStatus = map[string]string{
	"active": "true", "inactive": "true", "expiring": "true", "expired": "true", "suspended": "false", "banned": "false",
}

// opposite is what a column says of license__enabled if it says that a license is disabled.
var opposite = map[string]string{"true": "false", "false": "true", "1": "false", "0": "true", "yes": "false",
	"no": "true"}

// VendorNamed returns the vendor of that name, in any case, or nil.
func VendorNamed(name string) *Vendor {
	for i := range Vendors {
		if strings.EqualFold(Vendors[i].Name, name) {
			return &Vendors[i]
		}
	}
	return nil
}

// Builtin returns the mapping of that name, in any case, that comes with the program, or nil.
func Builtin(name string) *events.Mapping {
	if v := VendorNamed(name); v != nil {
		return v.mapping()
	}
	return nil
}

// mapping is the vendor's export as a mapping. Of headers that name one column in several versions of
// the export the first is mapped.
func (v *Vendor) mapping() *events.Mapping {
	m := &events.Mapping{Name: v.Name, Kind: v.kind.Name, Columns: map[string]*string{}}
	taken := map[string]bool{}
	for _, c := range v.columns {
		m.Columns[c.header] = nil
		if c.column != "" && !taken[c.column] {
			column := c.column
			m.Columns[c.header] = &column
			if values := v.values[compact(c.header)]; values != nil {
				if m.Values == nil {
					m.Values = map[string]map[string]string{}
				}
				m.Values[column] = values
			}
		}
		taken[c.column] = true
	}
	return m
}

// vendorOf finds the vendor whose export of a kind has these headers, compacted. nil: none is known.
func vendorOf(kind *events.Kind, headers map[string]bool) *Vendor {
	for i := range Vendors {
		all := Vendors[i].kind == kind
		for _, mark := range Vendors[i].marks {
			all = all && headers[mark]
		}
		if all {
			return &Vendors[i]
		}
	}
	return nil
}

// vendorOfSources finds the vendor whose export a file is, or nil.
func vendorOfSources(kind *events.Kind, sources []Source) *Vendor {
	headers := map[string]bool{}
	for i := range sources {
		headers[compact(sources[i].Header)] = true
	}
	return vendorOf(kind, headers)
}

// meaning is what the cells of a header mean in a column, by cell in lower case. nil: what they say. The
// vendor may be nil.
func (v *Vendor) meaning(header, column string) map[string]string {
	if v == nil {
		return nil
	}
	name := compact(header)
	if of, known := v.column(name); !known || of == "" || of != column {
		return nil
	}
	return v.values[name]
}

// column returns the column of a compacted header. known: the table has the header.
func (v *Vendor) column(header string) (column string, known bool) {
	if i := v.rank(header); i >= 0 {
		return v.columns[i].column, true
	}
	return "", false
}

// rank is the position of a compacted header in the table; -1: it has none.
func (v *Vendor) rank(header string) int {
	return slices.IndexFunc(v.columns, func(c vendorColumn) bool { return compact(c.header) == header })
}

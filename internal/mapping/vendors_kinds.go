package mapping

import "licenseimport/events"

// featureVendors are the exports of features of licenses.
var featureVendors = []Vendor{
	{
		Name: "keygen-entitlements", Title: "Keygen (entitlements of licenses)",
		Source: "https://keygen.sh/docs/api/entitlements/",
		kind:   events.Features,
		marks:  []string{"code", "metadata", "created", "updated"},
		columns: []vendorColumn{
			{"key", "license_key"}, {"license", "license_key"}, {"code", "code"},
			{"id", ""}, {"name", ""}, {"metadata", ""}, {"created", ""}, {"updated", ""}, {"account", ""}, {"policy", ""},
			{"product", ""},
		},
	},
	{
		Name: "cryptlex-meters", Title: "Cryptlex (meter attributes of licenses)",
		Source: "https://pub.dev/documentation/lexactivator/latest/lexactivator/LicenseMeterAttribute-class.html",
		kind:   events.Features,
		marks:  []string{"name", "alloweduses", "totaluses"},
		columns: []vendorColumn{
			{"key", "license_key"}, {"licenseKey", "license_key"}, {"name", "code"}, {"allowedUses", "max_consumption"},
			{"totalUses", "total_consumptions"}, {"productId", "product__short_code"},
			{"id", ""}, {"grossUses", ""}, {"visible", ""}, {"floating", ""}, {"uses", ""}, {"licenseId", ""},
			{"createdAt", ""}, {"updatedAt", ""},
		},
	},
}

// customerVendors are the exports of customers.
var customerVendors = []Vendor{
	{
		Name: "shopify-customers", Title: "Shopify (customers)",
		Source: "https://help.shopify.com/en/manual/migrating-to-shopify/transporter-app/csv-customers",
		kind:   events.Customers,
		marks:  []string{"firstname", "lastname", "email", "acceptsemailmarketing"},
		columns: []vendorColumn{
			{"Email", "email"}, {"First Name", "first_name"}, {"Last Name", "last_name"}, {"Customer ID", "reference"},
			{"Default Address Company", "company_name"}, {"Company", "company_name"}, {"Phone", "phone"},
			{"Default Address Phone", "phone"},
			{"Default Address Address1", "address"}, {"Address1", "address"}, {"Default Address City", "city"}, {"City", "city"},
			{"Default Address Province Code", "state"}, {"Province", "state"}, {"Default Address Zip", "postcode"},
			{"Zip", "postcode"},
			{"Default Address Country Code", "country"}, {"Country", "country"},
			{"Accepts Email Marketing", ""}, {"Default Address Address2", ""}, {"Address2", ""}, {"Province Code", ""},
			{"Country Code", ""},
			{"Accepts SMS Marketing", ""}, {"Total Spent", ""}, {"Total Orders", ""}, {"Tags", ""}, {"Note", ""},
			{"Tax Exempt", ""},
		},
	},
	{
		Name: "hubspot-contacts", Title: "HubSpot (contacts)",
		Source: "https://knowledge.hubspot.com/crm-setup/set-up-your-import-file",
		kind:   events.Customers,
		marks:  []string{"recordid", "firstname", "lastname", "email"},
		columns: []vendorColumn{
			{"Email", "email"}, {"First Name", "first_name"}, {"Last Name", "last_name"}, {"Record ID", "reference"},
			{"Company Name", "company_name"}, {"Associated Company", "company_name"}, {"Phone Number", "phone"},
			{"Mobile Phone Number", "phone"}, {"Street Address", "address"}, {"City", "city"}, {"State/Region", "state"},
			{"Postal Code", "postcode"}, {"Zip code", "postcode"}, {"Country/Region", "country"},
			{"Contact owner", ""}, {"Lead Status", ""}, {"Lifecycle Stage", ""}, {"Create Date", ""}, {"Last Modified Date", ""},
			{"Last Activity Date", ""}, {"Job Title", ""}, {"Website URL", ""}, {"Original Source", ""},
			{"Marketing contact status", ""},
			{"Associated Company IDs", ""}, {"Associated Deal", ""}, {"Associated Deal IDs", ""},
		},
	},
	{
		Name: "stripe-customers", Title: "Stripe (customers)",
		Source: "https://docs.cello.so/guides/attribution/stripe-reports (the dashboard's export of customers)",
		kind:   events.Customers,
		marks:  []string{"id", "email", "createdutc", "delinquent"},
		columns: []vendorColumn{
			{"Email", "email"}, {"id", "reference"},
			{"Name", ""}, {"Description", ""}, {"Created (UTC)", ""}, {"Delinquent", ""}, {"Plan", ""}, {"Status", ""},
			{"Total Spend", ""}, {"Payment Count", ""}, {"Refunded Volume", ""}, {"Dispute Losses", ""}, {"Card ID", ""},
			{"Currency", ""},
		},
	},
	{
		Name: "keygen-users", Title: "Keygen (users)", Source: "https://keygen.sh/docs/api/users/",
		kind:  events.Customers,
		marks: []string{"email", "firstname", "lastname", "role"},
		columns: []vendorColumn{
			{"email", "email"}, {"firstName", "first_name"}, {"lastName", "last_name"}, {"id", "reference"},
			{"fullName", ""}, {"role", ""}, {"status", ""}, {"permissions", ""}, {"metadata", ""}, {"created", ""},
			{"updated", ""},
		},
	},
}

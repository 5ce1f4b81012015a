package events

import (
	"fmt"
	"strings"
)

// Column is one column that an import file may have: its name, what a value may be and which field it
// fills.
type Column struct {
	Name     string // the header, in lower case
	Type     ColumnType
	Max      int      // of a Text: characters (Unicode code points); 0 means defaultText
	MaxToken int      // of a Text that is a subject token: bytes of the token; 0: no such limit
	Choices  []string // of an Enum, in lower case
	Required bool     // in the kinds that have it: see Kind.Requires
	Verbatim bool     // white space around the value stays
	Example  string   // for the template
	Help     string   // what the column means

	// field points to the field that the column fills: a *string, **bool or **int.
	field func(target) any
}

// target has the parts that a row's values fill: those of a Record, or of the event that it became. A
// column's field reads only its own part, so the others may be nil.
type target struct {
	License    *License
	Product    *string
	Customer   *Customer
	Order      *Order
	LicenseKey *string
	Feature    *Feature
}

func (r *Record) target() target {
	return target{
		License: &r.License, Product: &r.Product, Customer: &r.Customer, Order: &r.Order,
		LicenseKey: &r.LicenseKey, Feature: &r.Feature,
	}
}

// NumColumns is the number of columns in the table, of all kinds of import.
const NumColumns = len(Columns)

// The columns from firstLicenseColumn to lastLicenseColumn fill a License, but for its key.
var (
	firstLicenseColumn = mustColumn("license__enabled")
	lastLicenseColumn  = mustColumn("license__note")
)

// The license types that a license gets whose row and product give none.
const (
	Perpetual   = "perpetual"
	TimeLimited = "time-limited" // if it has a validity
)

// defaultText is the limit of a text without a Max, in characters.
const defaultText = 255

// Columns is the one table of columns, of all kinds of import: [Kind] says which ones a kind has. An index
// into it (a "column index") names a column where speed matters. Those of licenses come first.
var Columns = [...]Column{
	{Name: "license__license_key", Type: Text, Max: 1024, MaxToken: 2048, Required: true, Example: "AAAA-BBBB-CCCC-0001",
		Help:  "the key itself; unique within its product",
		field: func(in target) any { return &in.License.Key }},
	{Name: "product__short_code", Type: Text, Max: 64, Required: true, Example: "psc",
		Help:  "the product's short code",
		field: func(in target) any { return in.Product }},
	{Name: "customer__email", Type: Email, Example: "ada@example.com",
		Help:  "where the customer is reached; their identity here, compared without regard to the case of A to Z",
		field: func(in target) any { return &in.Customer.Email }},
	{Name: "customer__first_name", Type: Text, Example: "Ada", Help: "given name",
		field: func(in target) any { return &in.Customer.FirstName }},
	{Name: "customer__last_name", Type: Text, Example: "Lovelace", Help: "family name",
		field: func(in target) any { return &in.Customer.LastName }},
	{Name: "customer__company_name", Type: Text, Example: "Analytical Engines Ltd",
		Help:  "company the customer belongs to",
		field: func(in target) any { return &in.Customer.CompanyName }},
	{Name: "customer__phone", Type: Text, Example: "+44 20 7946 0000",
		Help:  "telephone number; a leading + or 0 stays",
		field: func(in target) any { return &in.Customer.Phone }},
	{Name: "customer__reference", Type: Text, Example: "00042",
		Help:  "your own number or id for the customer; leading zeros stay",
		field: func(in target) any { return &in.Customer.Reference }},
	{Name: "customer__address", Type: Text, Example: "12 St James's Square", Help: "street address",
		field: func(in target) any { return &in.Customer.Address }},
	{Name: "customer__postcode", Type: Text, Example: "SW1Y 4JH", Help: "postal code",
		field: func(in target) any { return &in.Customer.Postcode }},
	{Name: "customer__state", Type: Text, Example: "", Help: "state or region",
		field: func(in target) any { return &in.Customer.State }},
	{Name: "customer__city", Type: Text, Example: "London", Help: "city",
		field: func(in target) any { return &in.Customer.City }},
	{Name: "customer__country", Type: Text, Example: "GB", Help: "country",
		field: func(in target) any { return &in.Customer.Country }},
	{Name: "order__store_id", Type: Text, Example: "order-1001",
		Help:  "the order's id in the store that took it; without it the license gets a separate order",
		field: func(in target) any { return &in.Order.StoreID }},
	{Name: "order__type", Type: Enum, Choices: []string{"normal"}, Example: "normal", Help: "kind of order",
		field: func(in target) any { return &in.Order.Type }},
	{Name: "order__is_test", Type: Bool, Example: "false", Help: "a test order",
		field: func(in target) any { return &in.Order.IsTest }},
	{Name: "order__is_trial", Type: Bool, Example: "false", Help: "an order for a trial",
		field: func(in target) any { return &in.Order.IsTrial }},
	{Name: "order__download_id", Type: Text, Example: "", Help: "id of the digital product to download",
		field: func(in target) any { return &in.Order.DownloadID }},
	{Name: "order__language", Type: Text, Example: "en", Help: "language of the order",
		field: func(in target) any { return &in.Order.Language }},
	{Name: "order__campaign_params", Type: Text, Max: 2000, Example: "", Help: "marketing campaign parameters",
		field: func(in target) any { return &in.Order.CampaignParams }},
	{Name: "license__enabled", Type: Bool, Example: "true",
		Help:  "whether the license is active and valid; default true",
		field: func(in target) any { return &in.License.Enabled }},
	{Name: "license__max_activations", Type: Int, Example: "3",
		Help:  "how many activations it permits; default the product's, else 1",
		field: func(in target) any { return &in.License.MaxActivations }},
	{Name: "license__allow_unlimited_activations", Type: Bool, Example: "false", Help: "no limit on activations",
		field: func(in target) any { return &in.License.AllowUnlimitedActivations }},
	{Name: "license__validity_period", Type: Date, Example: "2030-12-31",
		Help:  "the date until which it is valid; not together with license__valid_duration",
		field: func(in target) any { return &in.License.ValidityPeriod }},
	{Name: "license__valid_duration", Type: Duration, Example: "", Help: "how long it is valid",
		field: func(in target) any { return &in.License.ValidDuration }},
	{Name: "license__license_type", Type: Enum, Choices: []string{"perpetual", "time-limited", "subscription", "consumption"},
		Example: "time-limited",
		Help:    "default the product's, else time-limited where the row gives a validity, else perpetual",
		field:   func(in target) any { return &in.License.LicenseType }},
	{Name: "license__enable_maintenance_period", Type: Bool, Example: "false",
		Help:  "whether it has a maintenance period",
		field: func(in target) any { return &in.License.EnableMaintenancePeriod }},
	{Name: "license__maintenance_period", Type: Date, Example: "",
		Help:  "the date on which maintenance ends; needs license__enable_maintenance_period",
		field: func(in target) any { return &in.License.MaintenancePeriod }},
	{Name: "license__maintenance_duration", Type: Duration, Example: "",
		Help:  "how long maintenance lasts; needs license__enable_maintenance_period",
		field: func(in target) any { return &in.License.MaintenanceDuration }},
	{Name: "license__is_trial", Type: Bool, Example: "false", Help: "a trial license",
		field: func(in target) any { return &in.License.IsTrial }},
	{Name: "license__trial_days", Type: Int, Example: "", Help: "days of the trial; needs license__is_trial",
		field: func(in target) any { return &in.License.TrialDays }},
	{Name: "license__max_consumptions", Type: Int, Example: "", Help: "how many uses it permits",
		field: func(in target) any { return &in.License.MaxConsumptions }},
	{Name: "license__subscription_id", Type: Text, Example: "", Help: "id of the subscription behind it",
		field: func(in target) any { return &in.License.SubscriptionID }},
	{Name: "license__prevent_vm", Type: Bool, Example: "false", Help: "refuses to run in virtual machines",
		field: func(in target) any { return &in.License.PreventVM }},
	{Name: "license__allow_overages", Type: Bool, Example: "false", Help: "use beyond the maximum is allowed",
		field: func(in target) any { return &in.License.AllowOverages }},
	{Name: "license__max_overages", Type: Int, Example: "", Help: "how far beyond; needs license__allow_overages",
		field: func(in target) any { return &in.License.MaxOverages }},
	{Name: "license__reset_consumption", Type: Bool, Example: "false",
		Help:  "the count of uses starts again after each period",
		field: func(in target) any { return &in.License.ResetConsumption }},
	{Name: "license__consumption_period", Type: Enum, Choices: []string{"daily", "weekly", "monthly", "annually"},
		Example: "",
		Help:    "that period",
		field:   func(in target) any { return &in.License.ConsumptionPeriod }},
	{Name: "license__is_floating", Type: Bool, Example: "false", Help: "floating license (own server)",
		field: func(in target) any { return &in.License.IsFloating }},
	{Name: "license__is_floating_cloud", Type: Bool, Example: "false", Help: "floating license (cloud)",
		field: func(in target) any { return &in.License.IsFloatingCloud }},
	{Name: "license__floating_users", Type: Int, Example: "",
		Help:  "how many may use it at once; needs one of the floating flags",
		field: func(in target) any { return &in.License.FloatingUsers }},
	{Name: "license__floating_timeout", Type: Int, Example: "",
		Help:  "minutes of silence after which a floating seat is free again",
		field: func(in target) any { return &in.License.FloatingTimeout }},
	{Name: "license__max_license_users", Type: Int, Example: "", Help: "how many users may be assigned; 0: unlimited",
		field: func(in target) any { return &in.License.MaxLicenseUsers }},
	{Name: "license__note", Type: Text, Max: 10000, Verbatim: true, Example: "Moved from the old shop",
		Help:  "free text, stored exactly as sent",
		field: func(in target) any { return &in.License.Note }},

	// The columns of features: the table of kinds adds product__short_code.
	{Name: "license_key", Type: Text, Max: 1024, MaxToken: 2048, Required: true, Example: "AAAA-BBBB-CCCC-0001",
		Help:  "the key of the license that has the feature; the license must exist",
		field: func(in target) any { return in.LicenseKey }},
	{Name: "code", Type: Text, MaxToken: 1000, Required: true, Example: "reports",
		Help:  "the feature's code; unique within its license",
		field: func(in target) any { return &in.Feature.Code }},
	{Name: "max_consumption", Type: Int, Example: "100", Help: "how many uses the feature permits",
		field: func(in target) any { return &in.Feature.MaxConsumption }},
	{Name: "total_consumptions", Type: Int, Example: "0", Help: "how many uses were counted already",
		field: func(in target) any { return &in.Feature.TotalConsumptions }},
	{Name: "max_overages", Type: Int, Example: "", Help: "how far beyond the maximum; needs allow_overages",
		field: func(in target) any { return &in.Feature.MaxOverages }},
	{Name: "expiry_date", Type: Date, Example: "2030-12-31", Help: "the date until which the feature is valid",
		field: func(in target) any { return &in.Feature.ExpiryDate }},
	{Name: "allow_overages", Type: Bool, Example: "false", Help: "use beyond the maximum is allowed",
		field: func(in target) any { return &in.Feature.AllowOverages }},
	{Name: "reset_consumption", Type: Bool, Example: "false", Help: "the count of uses starts again after each period",
		field: func(in target) any { return &in.Feature.ResetConsumption }},
	{Name: "consumption_period", Type: Enum, Choices: []string{"daily", "weekly", "monthly", "annually"}, Example: "",
		Help:  "that period",
		field: func(in target) any { return &in.Feature.ConsumptionPeriod }},

	// The columns of customers.
	{Name: "email", Type: Email, Required: true, Example: "ada@example.com",
		Help:  "where the customer is reached; their identity here, compared without regard to the case of A to Z",
		field: func(in target) any { return &in.Customer.Email }},
	{Name: "first_name", Type: Text, Example: "Ada", Help: "given name",
		field: func(in target) any { return &in.Customer.FirstName }},
	{Name: "last_name", Type: Text, Example: "Lovelace", Help: "family name",
		field: func(in target) any { return &in.Customer.LastName }},
	{Name: "company_name", Type: Text, Example: "Analytical Engines Ltd", Help: "company the customer belongs to",
		field: func(in target) any { return &in.Customer.CompanyName }},
	{Name: "phone", Type: Text, Example: "+44 20 7946 0000", Help: "telephone number; a leading + or 0 stays",
		field: func(in target) any { return &in.Customer.Phone }},
	{Name: "reference", Type: Text, Example: "00042", Help: "your own number or id for the customer; leading zeros stay",
		field: func(in target) any { return &in.Customer.Reference }},
	{Name: "address", Type: Text, Example: "12 St James's Square", Help: "street address",
		field: func(in target) any { return &in.Customer.Address }},
	{Name: "postcode", Type: Text, Example: "SW1Y 4JH", Help: "postal code",
		field: func(in target) any { return &in.Customer.Postcode }},
	{Name: "state", Type: Text, Example: "", Help: "state or region",
		field: func(in target) any { return &in.Customer.State }},
	{Name: "city", Type: Text, Example: "London", Help: "city",
		field: func(in target) any { return &in.Customer.City }},
	{Name: "country", Type: Text, Example: "GB", Help: "country",
		field: func(in target) any { return &in.Customer.Country }},
}

// The indices of the columns that rules name, and the index of every column by its header.
var (
	ColumnKey      = mustColumn("license__license_key")
	ColumnProduct  = mustColumn("product__short_code")
	ColumnEmail    = mustColumn("customer__email")
	columnStoreID  = mustColumn("order__store_id")
	columnByHeader = indexColumns()
)

// ColumnIndex finds a column of any kind by its name in the table, as events have it. Case and white space
// around it do not count. The headers that a file may have are those of its kind: see [Kind.ColumnIndex].
func ColumnIndex(name string) (int, bool) {
	i, ok := columnByHeader[normalHeader(name)]
	return i, ok
}

func normalHeader(header string) string { return strings.ToLower(strings.TrimSpace(header)) }

// Limit is the maximum length of a text, in characters (Unicode code points).
func (c *Column) Limit() int {
	if c.Max > 0 {
		return c.Max
	}
	return defaultText
}

// Clean removes white space around the value, unless the column is Verbatim. An empty result means
// "not given".
func (c *Column) Clean(value string) string {
	if c.Verbatim {
		return value
	}
	return strings.TrimSpace(value)
}

// Set parses a value that Clean returned and that is not empty, and puts it into the record. It
// returns "" or the code of what is wrong; the record is unchanged then.
func (c *Column) Set(r *Record, value string) Code {
	if isSpreadsheetError(value) {
		return SpreadsheetError
	}
	switch field := c.field(r.target()).(type) {
	case *string:
		text, code := c.parseText(value)
		if code == "" {
			*field = text
		}
		return code
	case **bool:
		b, code := parseBool(value)
		if code == "" {
			*field = b
		}
		return code
	case **int:
		n, code := parseInt(value)
		if code == "" {
			*field = intern(n)
		}
		return code
	default:
		panic(fmt.Sprintf("column %s points to a %T", c.Name, field))
	}
}

// Error is the error of a value in this column, with the sentence that a user reads. The value is cut
// to MaxErrorValue.
func (c *Column) Error(code Code, value string) FieldError {
	return FieldError{Column: c.Name, Code: code, Message: c.message(code, value), Value: Excerpt(value, MaxErrorValue)}
}

// Value is what a record holds in this column: a string, bool or int, or nil if it was not given.
func (c *Column) Value(r *Record) any {
	switch field := c.field(r.target()).(type) {
	case *string:
		if *field != "" {
			return *field
		}
	case **bool:
		if *field != nil {
			return **field
		}
	case **int:
		if *field != nil {
			return **field
		}
	}
	return nil
}

func indexColumns() map[string]int {
	index := make(map[string]int, NumColumns)
	for i := range Columns {
		index[Columns[i].Name] = i
	}
	return index
}

func mustColumn(name string) int {
	for i := range Columns {
		if Columns[i].Name == name {
			return i
		}
	}
	panic("no column " + name)
}

package events

// License holds what a row says of a license, typed and with the defaults filled in. A nil pointer or an
// empty text means "not given". The JSON names are the columns' names without their prefix, and the
// order of the fields is the wire's.
type License struct {
	Key                       string `json:"license_key"`
	Enabled                   *bool  `json:"enabled,omitempty"`
	MaxActivations            *int   `json:"max_activations,omitempty"`
	AllowUnlimitedActivations *bool  `json:"allow_unlimited_activations,omitempty"`
	ValidityPeriod            string `json:"validity_period,omitempty"` // YYYY-MM-DD
	ValidDuration             string `json:"valid_duration,omitempty"`  // such as 30d, 6m, 1y
	LicenseType               string `json:"license_type,omitempty"`
	EnableMaintenancePeriod   *bool  `json:"enable_maintenance_period,omitempty"`
	MaintenancePeriod         string `json:"maintenance_period,omitempty"` // YYYY-MM-DD
	MaintenanceDuration       string `json:"maintenance_duration,omitempty"`
	IsTrial                   *bool  `json:"is_trial,omitempty"`
	MaxConsumptions           *int   `json:"max_consumptions,omitempty"`
	SubscriptionID            string `json:"subscription_id,omitempty"`
	PreventVM                 *bool  `json:"prevent_vm,omitempty"`
	AllowOverages             *bool  `json:"allow_overages,omitempty"`
	MaxOverages               *int   `json:"max_overages,omitempty"`
	ResetConsumption          *bool  `json:"reset_consumption,omitempty"`
	ConsumptionPeriod         string `json:"consumption_period,omitempty"`
	TrialDays                 *int   `json:"trial_days,omitempty"`
	IsFloating                *bool  `json:"is_floating,omitempty"`
	IsFloatingCloud           *bool  `json:"is_floating_cloud,omitempty"`
	FloatingUsers             *int   `json:"floating_users,omitempty"`
	Note                      string `json:"note,omitempty"`
	MaxLicenseUsers           *int   `json:"max_license_users,omitempty"`
	FloatingTimeout           *int   `json:"floating_timeout,omitempty"` // minutes
}

// Customer holds what a row says of its customer. Email is the identity, as it was written; EmailKey is
// the form in which e-mail addresses are compared.
type Customer struct {
	Email       string `json:"email,omitempty"`
	FirstName   string `json:"first_name,omitempty"`
	LastName    string `json:"last_name,omitempty"`
	CompanyName string `json:"company_name,omitempty"`
	Phone       string `json:"phone,omitempty"`
	Reference   string `json:"reference,omitempty"`
	Address     string `json:"address,omitempty"`
	Postcode    string `json:"postcode,omitempty"`
	State       string `json:"state,omitempty"`
	City        string `json:"city,omitempty"`
	Country     string `json:"country,omitempty"`
}

// EmailKey is the form in which e-mail addresses are compared: A to Z in lower case, every other character
// as it is. Unicode's case mapping is not used, since it would make one of two addresses that differ: the
// lower case of U+212A KELVIN SIGN is k.
func EmailKey(email string) string {
	for i := range len(email) {
		if 'A' <= email[i] && email[i] <= 'Z' {
			return lowerASCII(email, i)
		}
	}
	return email
}

// lowerASCII returns s with A to Z in lower case. None is before from.
func lowerASCII(s string, from int) string {
	b := []byte(s)
	for i := from; i < len(b); i++ {
		if 'A' <= b[i] && b[i] <= 'Z' {
			b[i] += 'a' - 'A'
		}
	}
	return string(b)
}

// Order holds what a row says of its order. StoreID is the identity; without one the license has a
// separate order.
type Order struct {
	StoreID        string `json:"store_id,omitempty"`
	Type           string `json:"type,omitempty"`
	IsTest         *bool  `json:"is_test,omitempty"`
	IsTrial        *bool  `json:"is_trial,omitempty"`
	DownloadID     string `json:"download_id,omitempty"`
	Language       string `json:"language,omitempty"`
	CampaignParams string `json:"campaign_params,omitempty"`
}

// Product is a product of the catalogue as it was when the row was processed. While the catalogue is empty,
// every product is accepted and only its ShortCode is known.
type Product struct {
	ShortCode      string `json:"short_code"`                // its identity; upper and lower case differ
	Name           string `json:"name,omitempty"`            // as people call it
	LicenseType    string `json:"license_type,omitempty"`    // default for rows that leave it empty
	MaxActivations *int   `json:"max_activations,omitempty"` // default for rows that leave it empty
}

// CatalogueProduct is a product of the catalogue as it is now.
type CatalogueProduct struct {
	Product
	// Features are those that its licenses may have. None: any.
	Features []ProductFeature `json:"features,omitempty"`
}

// ProductFeature is a feature that the catalogue lists for a product.
type ProductFeature struct {
	Code        string `json:"code"`         // its identity within the product; upper and lower case differ
	Name        string `json:"name"`         // as people call it
	FeatureType string `json:"feature_type"` // such as consumption
}

// Feature is a feature of a license, typed. A nil pointer or an empty text means "not given". The JSON names
// are the columns' names, and the order of the fields is the wire's.
type Feature struct {
	Code              string `json:"code"` // its identity within the license
	MaxConsumption    *int   `json:"max_consumption,omitempty"`
	TotalConsumptions *int   `json:"total_consumptions,omitempty"`
	MaxOverages       *int   `json:"max_overages,omitempty"`
	ExpiryDate        string `json:"expiry_date,omitempty"` // YYYY-MM-DD
	AllowOverages     *bool  `json:"allow_overages,omitempty"`
	ResetConsumption  *bool  `json:"reset_consumption,omitempty"`
	ConsumptionPeriod string `json:"consumption_period,omitempty"`
	// As the catalogue had the feature when a row made it.
	Name        string `json:"name,omitempty"`         // as people call it
	FeatureType string `json:"feature_type,omitempty"` // such as consumption
}

// Record is one row of the file, typed. Which parts it fills depends on the kind of the import.
type Record struct {
	License    License
	Product    string // its short code
	Customer   Customer
	Order      Order
	LicenseKey string // of the license that has the Feature
	Feature    Feature
}

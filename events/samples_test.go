package events

import "reflect"

func ptr[T any](v T) *T { return &v }

// The full samples have every field filled in, in several scripts. init fills the fields of columns
// that are not named here.
var fullLicense = License{
	Key: "КЛЮЧ-0001-ß", Enabled: ptr(true), MaxActivations: ptr(3), AllowUnlimitedActivations: ptr(false),
	ValidityPeriod: "2030-12-31", ValidDuration: "1y", LicenseType: "time-limited",
	EnableMaintenancePeriod: ptr(true), MaintenancePeriod: "2028-02-29", MaintenanceDuration: "6m",
	IsTrial: ptr(true), MaxConsumptions: ptr(100), SubscriptionID: "sub-£-7", PreventVM: ptr(true),
	AllowOverages: ptr(true), MaxOverages: ptr(10), ResetConsumption: ptr(false), ConsumptionPeriod: "annually",
	TrialDays: ptr(30), IsFloating: ptr(true), IsFloatingCloud: ptr(false), FloatingUsers: ptr(5),
	Note: "  zwei Zeilen:\r\n\t\"Grüße\" & <b>挨拶</b> \\ 🔑\u2028 ", MaxLicenseUsers: ptr(0), FloatingTimeout: ptr(120),
}

var fullCustomer = Customer{
	Email: "łucja@пример.рф", FirstName: "Łucja", LastName: "O'Connor", CompanyName: "株式会社ライセンス", Phone: "+48 22 000 00 00",
	Reference: "00042", Address: "ul. Długa 1", Postcode: "00-238", State: "Mazowieckie", City: "Kraków", Country: "PL",
}

var fullOrder = Order{
	StoreID: "Bestellung-№1", Type: "normal", IsTest: ptr(false), IsTrial: ptr(true),
	DownloadID: "dl-1", Language: "pl", CampaignParams: "utm_source=Ωmega&utm_medium=mail",
}

var fullProduct = Product{ShortCode: "psc-é", Name: "Prüfstand ½", LicenseType: "perpetual", MaxActivations: ptr(1)}

var fullFeature = Feature{
	Code: "отчёты", MaxConsumption: ptr(100), TotalConsumptions: ptr(7), MaxOverages: ptr(10), ExpiryDate: "2030-12-31",
	AllowOverages: ptr(true), ResetConsumption: ptr(false), ConsumptionPeriod: "monthly",
	Name: "Отчёты", FeatureType: "consumption",
}

var fullWarnings = []Warning{{Column: "license__validity_period", Code: ValidityOnPerpetual, Value: "2030-12-31"}, {Column: "customer__city", Code: CustomerWithoutEmail, Value: "Kraków – \"<3\""}}

func init() {
	record := Record{
		License: fullLicense, Product: fullProduct.ShortCode, Customer: fullCustomer, Order: fullOrder,
		LicenseKey: fullLicense.Key, Feature: fullFeature,
	}
	for i := range Columns {
		c := &Columns[i]
		if c.Value(&record) != nil {
			continue
		}
		value := sampleValues[c.Type]
		if c.Type == Enum {
			value = c.Choices[0]
		}
		if code := c.Set(&record, value); code != "" {
			panic(c.Name + ": " + string(code))
		}
	}
	fullLicense, fullCustomer, fullOrder, fullFeature = record.License, record.Customer, record.Order, record.Feature
}

// sampleValues are values that a column of a type accepts.
var sampleValues = map[ColumnType]string{
	Text: "Ж", Email: "zoë@example.com", Bool: "true", Int: "7", Date: "2030-12-31", Duration: "30d",
}

// licenseColumns is how many columns a license has. They come first in the table.
var licenseColumns = len(Licenses.columns)

// fullValues is a row of licenses as sent, with every column.
func fullValues() Values {
	var values Values
	for i := range Columns[:licenseColumns] {
		values[i] = Columns[i].Example
		if values[i] == "" {
			values[i] = "7"
		}
	}
	values[ColumnKey] = "КЛЮЧ-0001-ß"
	values[ColumnProduct] = "psc-é"
	values[columnByHeader["license__note"]] = " \"Grüße\"\r\n\t\\ 挨拶 🔑\u2028<&>\b\x00\x7f "
	return values
}

// fill fills every field of an event that has no sample written by hand.
func fill(v reflect.Value) {
	if value, ok := fieldValues()[v.Type()]; ok {
		v.Set(reflect.ValueOf(value))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0))
		fill(v.Index(1))
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key)
		fill(value)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.String:
		v.SetString("Ж – 株")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(41)
	default:
		v.SetUint(42)
	}
}

// fieldValues are the values of fields whose type permits few.
func fieldValues() map[reflect.Type]any {
	return map[reflect.Type]any{
		reflect.TypeFor[JobID](): JobID(10), reflect.TypeFor[Row](): Row(17), reflect.TypeFor[Values](): fullValues(),
		reflect.TypeFor[Mode](): AllOrNothing, reflect.TypeFor[Phase](): Validate, reflect.TypeFor[Status](): Failed,
		reflect.TypeFor[Existing](): UpdateExisting,
		reflect.TypeFor[Code]():     MalformedRow, reflect.TypeFor[WarningCode](): ValidityOnPerpetual,
		reflect.TypeFor[License](): fullLicense, reflect.TypeFor[Product](): fullProduct,
		reflect.TypeFor[Customer](): fullCustomer, reflect.TypeFor[Order](): fullOrder,
		reflect.TypeFor[Feature](): fullFeature,
	}
}

var fullCounts = Counts{Imported: 1980, Existed: 10, Rejected: 8, Warnings: 4, Updated: 3, WouldImport: 7, WouldUpdate: 6, WouldExist: 5}

// fullEvents is one event of each type with every field filled in.
func fullEvents() map[string]Event {
	all := map[string]Event{}
	for i, name := range typeNames {
		all[name] = constructors[i]()
		fill(reflect.ValueOf(all[name]).Elem())
	}
	for _, e := range []Event{
		&RowReceived{JobID: 10, Row: 17, Line: 19, Values: fullValues(),
			Malformed: &Malformed{Code: MalformedRow, Message: "text after a closing quote", Column: "license__note",
				MoreColumns: []string{"customer__city", "customer__email"}, Raw: "a,\"b\"ç,\r\n挨拶"},
			Raw: "挨拶,\"–"},
		&ImportStarted{JobID: 10, FileName: "Lizenzen März – 許可.csv", Manager: "Zoë", Mode: AllOrNothing, DryRun: true,
			Columns: []string{"license__license_key", "product__short_code", "error__raw"}, Delimiter: ";", Products: []string{"psc-é", "b"}, Query: "dry_run=true&mode=all_or_nothing",
			Existing: UpdateExisting, Kind: "licenses", Headers: []string{"Серийный №", "Produkt", "error__raw"}, Ignored: []string{"Notizen <2>"}, Sheet: "Schlüssel", RetryOf: 9,
			Mapping: &Mapping{Name: "händler", Kind: "licenses", Columns: map[string]*string{"Серийный №": ptr("license__license_key"), "Notizen <2>": nil},
				Set: map[string]string{"product__short_code": "psc-é"}, DateFormat: "MM/DD/YYYY",
				Values: map[string]map[string]string{"license__license_type": {"Lebenslang": "perpetual"}}}},
		&ImportSealed{JobID: 10, Rows: 1000000, Bytes: 4 << 30, SHA256: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		&ImportAborted{JobID: 10, Code: "upload_incomplete", Message: "the upload ended early – nothing is imported", Rows: 41},
		&ImportCancelled{JobID: 10, Manager: "Zoë"},
		&LicenseImported{JobID: 10, Row: 17, License: fullLicense, Product: fullProduct, Customer: &fullCustomer, Order: fullOrder, Warnings: fullWarnings, Line: 21},
		&LicenseExisted{JobID: 10, Row: 18, LicenseKey: "КЛЮЧ-0001-ß", Product: fullProduct, By: Origin{JobID: 9, Row: 3}, Differs: []string{"customer__email", "license__note"}, Customer: &fullCustomer, Order: fullOrder, Warnings: fullWarnings, Line: 22},
		&RowRejected{JobID: 10, Row: 19, Line: 22, Values: fullValues(), Raw: "挨拶,\"", Errors: []FieldError{
			{Header: "E-Mail <Kunde>", Column: "license__max_activations", Code: InvalidInt, Message: "must be a whole number from 0 to 2147483647", Value: "viele – <3"},
			{Column: "", Code: FieldCount, Message: "has 3 fields, the header has 4", Value: ""}}},
		&ImportProgressed{JobID: 10, Phase: Validate, Row: 999, Counts: fullCounts, Position: 123456},
		&ImportFinished{JobID: 10, Status: Failed, Error: &Failure{Code: "refused", Message: "4 rows were rejected – nothing is imported"}, Row: 1998,
			Counts: fullCounts},
		&EventSetAside{Sequence: 4711, Manager: "Zoë", Reason: "published by mistake – not ours"},
	} {
		all[e.Type()] = e
	}
	return all
}

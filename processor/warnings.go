package processor

import (
	"strings"
	"unicode"

	"licenseimport/events"
)

var (
	columnValidityPeriod = mustColumn("license__validity_period")
	columnStoreID        = mustColumn("order__store_id")
	columnValidDuration  = mustColumn("license__valid_duration")
)

// A warningRule says when a valid row has a warning.
type warningRule struct {
	column  string
	code    events.WarningCode
	applies func(*events.Record) bool
}

// The tables of warnings about valid rows. Most say that the column's value has no effect, the last ones that a
// name is probably not what was meant.
var licenseWarnings = []warningRule{
	{"customer__email", events.CustomerWithoutEmail, func(r *events.Record) bool {
		return r.Customer.Email == "" && r.Customer != (events.Customer{})
	}},
	{"license__validity_period", events.ValidityOnPerpetual, func(r *events.Record) bool {
		return r.License.ValidityPeriod != "" && r.License.LicenseType == events.Perpetual
	}},
	{"license__valid_duration", events.ValidityOnPerpetual, func(r *events.Record) bool {
		return r.License.ValidDuration != "" && r.License.LicenseType == events.Perpetual
	}},
	{"license__maintenance_period", events.MaintenanceNotEnabled, func(r *events.Record) bool {
		return r.License.MaintenancePeriod != "" && !isSet(r.License.EnableMaintenancePeriod)
	}},
	{"license__maintenance_duration", events.MaintenanceNotEnabled, func(r *events.Record) bool {
		return r.License.MaintenanceDuration != "" && !isSet(r.License.EnableMaintenancePeriod)
	}},
	{"license__trial_days", events.NotATrial, func(r *events.Record) bool {
		return r.License.TrialDays != nil && !isSet(r.License.IsTrial)
	}},
	{"license__max_overages", events.OveragesNotAllowed, func(r *events.Record) bool {
		return r.License.MaxOverages != nil && !isSet(r.License.AllowOverages)
	}},
	{"license__floating_users", events.NotFloating, func(r *events.Record) bool {
		return r.License.FloatingUsers != nil && !isSet(r.License.IsFloating) && !isSet(r.License.IsFloatingCloud)
	}},
	{"license__license_key", events.NumberLike, func(r *events.Record) bool { return isNumberLike(r.License.Key) }},
	{"license__license_key", events.InvisibleCharacter, func(r *events.Record) bool { return hasInvisible(r.License.Key) }},
	{"product__short_code", events.InvisibleCharacter, func(r *events.Record) bool { return hasInvisible(r.Product) }},
	{"customer__email", events.InvisibleCharacter, func(r *events.Record) bool { return hasInvisible(r.Customer.Email) }},
	{"order__store_id", events.InvisibleCharacter, func(r *events.Record) bool { return hasInvisible(r.Order.StoreID) }},
}

var featureWarnings = []warningRule{
	{"max_overages", events.OveragesNotAllowed, func(r *events.Record) bool {
		return r.Feature.MaxOverages != nil && !isSet(r.Feature.AllowOverages)
	}},
	{"code", events.InvisibleCharacter, func(r *events.Record) bool { return hasInvisible(r.Feature.Code) }},
}

var customerWarnings = []warningRule{
	{"email", events.InvisibleCharacter, func(r *events.Record) bool { return hasInvisible(r.Customer.Email) }},
}

// warnings are those about what the row says.
func (v *Verdict) warnings(rules []warningRule, r *events.Record) []events.Warning {
	var found []events.Warning
	for i := range rules {
		if rule := &rules[i]; rule.applies(r) {
			found = append(found, v.warning(mustColumn(rule.column), rule.code))
		}
	}
	return found
}

// warning holds the value as sent.
func (v *Verdict) warning(column int, code events.WarningCode) events.Warning {
	return events.Warning{
		Column: events.Columns[column].Name, Code: code,
		Value: events.Excerpt(v.asSent(column), events.MaxErrorValue),
	}
}

// warnOfApostrophes warns of each value that begins with ' before a formula. The files of rejected rows
// guard such values; a file that has lost the columns that say so is read as it is.
func (v *Verdict) warnOfApostrophes() {
	for i, sent := range v.values() {
		if sent == "" || !isGuarded(events.Columns[i].Clean(sent)) {
			continue
		}
		v.Warnings = append(v.Warnings, v.warning(i, events.LeadingApostrophe))
	}
}

// isGuarded reports whether a value begins with ' before what may begin a formula.
func isGuarded(value string) bool {
	if value == "" || value[0] != '\'' {
		return false
	}
	for _, r := range strings.TrimLeftFunc(value, func(r rune) bool { return r == '\'' || unicode.IsSpace(r) }) {
		return strings.ContainsRune("=+-@＝＋－＠", r)
	}
	return false
}

func isSet(flag *bool) bool { return flag != nil && *flag }

func mustColumn(name string) int {
	i, ok := events.ColumnIndex(name)
	if !ok {
		panic("no column " + name)
	}
	return i
}

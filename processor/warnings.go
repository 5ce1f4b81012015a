package processor

import "licenseimport/events"

var (
	columnValidityPeriod = mustColumn("license__validity_period")
	columnValidDuration  = mustColumn("license__valid_duration")
)

// warningRules is the table of warnings about valid rows. Nearly all say that the column's value
// has no effect.
var warningRules = []struct {
	column  string
	code    events.WarningCode
	applies func(*events.Record) bool
}{
	{"customer__email", events.CustomerWithoutEmail, func(r *events.Record) bool {
		return r.Customer.Email == "" && r.Customer != (events.Customer{})
	}},
	{"license__validity_period", events.ValidityOnPerpetual, func(r *events.Record) bool {
		return r.License.ValidityPeriod != "" && r.License.LicenseType == defaultLicenseType
	}},
	{"license__valid_duration", events.ValidityOnPerpetual, func(r *events.Record) bool {
		return r.License.ValidDuration != "" && r.License.LicenseType == defaultLicenseType
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
}

func warnings(r *events.Record) []events.Warning {
	var found []events.Warning
	for _, rule := range warningRules {
		if rule.applies(r) {
			found = append(found, events.Warning{Column: rule.column, Code: rule.code})
		}
	}
	return found
}

func isSet(flag *bool) bool { return flag != nil && *flag }

func mustColumn(name string) int {
	i, ok := events.ColumnIndex(name)
	if !ok {
		panic("no column " + name)
	}
	return i
}

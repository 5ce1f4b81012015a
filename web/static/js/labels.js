// Labels of the columns, in people's words. The column's name stands beside it in small.

import { columnName, h } from "./dom.js";
import { capital } from "./format.js";

const labels = {
  license__license_key: "License key",
  product__short_code: "Product code",
  customer__email: "Customer’s e-mail",
  customer__first_name: "First name",
  customer__last_name: "Last name",
  customer__company_name: "Company",
  customer__phone: "Phone",
  customer__reference: "Customer number",
  customer__address: "Address",
  customer__postcode: "Postal code",
  customer__state: "State or region",
  customer__city: "City",
  customer__country: "Country",
  order__store_id: "Store order number",
  order__type: "Kind of order",
  order__is_test: "Test order",
  order__is_trial: "Trial order",
  order__download_id: "Download id",
  order__language: "Language of the order",
  order__campaign_params: "Campaign parameters",
  license__enabled: "Enabled",
  license__max_activations: "Maximum activations",
  license__allow_unlimited_activations: "Unlimited activations",
  license__validity_period: "Valid until",
  license__valid_duration: "Valid for",
  license__license_type: "License type",
  license__enable_maintenance_period: "Has maintenance",
  license__maintenance_period: "Maintenance until",
  license__maintenance_duration: "Maintenance for",
  license__is_trial: "Trial license",
  license__trial_days: "Days of the trial",
  license__max_consumptions: "Maximum uses",
  license__subscription_id: "Subscription id",
  license__prevent_vm: "Not in virtual machines",
  license__allow_overages: "Overages allowed",
  license__max_overages: "Maximum overages",
  license__reset_consumption: "Uses start again each period",
  license__consumption_period: "Period of uses",
  license__is_floating: "Floating (own server)",
  license__is_floating_cloud: "Floating (cloud)",
  license__floating_users: "Floating users",
  license__floating_timeout: "Floating timeout (minutes)",
  license__max_license_users: "Maximum users",
  license__note: "Note",
  license_key: "License key",
  code: "Feature code",
  max_consumption: "Maximum uses",
  total_consumptions: "Uses so far",
  max_overages: "Maximum overages",
  expiry_date: "Valid until",
  allow_overages: "Overages allowed",
  reset_consumption: "Uses start again each period",
  consumption_period: "Period of uses",
  email: "E-mail",
  first_name: "First name",
  last_name: "Last name",
  company_name: "Company",
  phone: "Phone",
  reference: "Customer number",
  address: "Address",
  postcode: "Postal code",
  state: "State or region",
  city: "City",
  country: "Country",
};

/** labelOf is a column's label; that of a column which this page does not know is made of its name. */
export function labelOf(name) {
  return labels[name] || capital(name.replace(/^(license|customer|order|product)__/, "").replaceAll("_", " "));
}

/** columnLabel is the label with the column's name below it. */
export function columnLabel(name) {
  return [h("span", { class: "column-label" }, labelOf(name)), h("div", { class: "under" }, columnName(name))];
}

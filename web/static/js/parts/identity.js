// What a row of an import is about: a license, a feature of one, or a customer.

import { h, user } from "../dom.js";
import { capital } from "../format.js";
import { kindOf } from "../kinds.js";
import { link } from "../router.js";

/** identityLabel is the head of the column that has what a row is about. */
export function identityLabel(of) {
  return capital(kindOf(of).one);
}

/** identity shows what a row of an import is about, linked where the page shows it. license_id is its license, if it is known. */
export function identity(row) {
  if (row.email !== undefined) return h("a", { href: link("customers", { email: row.email }) }, user(row.email));
  const under = h("div", { class: "under" }, row.feature_code !== undefined && h("span", {}, "feature ", user(row.feature_code)), row.product && h("span", {}, user(row.product)));
  if (row.license_key === undefined) return under;
  const href = row.license_id ? link(`licenses/${row.license_id}`) : link("licenses", { key: row.license_key, match: "exact", product: row.product });
  return [h("a", { class: "code", href }, user(row.license_key)), under];
}

/** identityText is the same as plain text. */
export function identityText(row) {
  return [row.license_key, row.feature_code, row.email].filter(Boolean).join(" ");
}

// The search of licenses.

import { h, user } from "../dom.js";
import { link } from "../router.js";
import { moment } from "../parts/badge.js";
import { empty } from "../parts/notice.js";
import { exportButton } from "../parts/download.js";
import { recordList } from "../parts/recordlist.js";
import { row } from "../parts/table.js";

const columns = [
  { label: "License key", class: "lead", sort: "license_key" }, { label: "Product", sort: "product__short_code" },
  { label: "Customer", sort: "customer_email" }, { label: "Order", sort: "order__store_id" }, { label: "Import", class: "short" },
  { label: "Imported", sort: "created_at" },
];

export const licenses = recordList({
  path: "licenses", title: "Licenses", noun: "license", columns, hint: "License key, e-mail, name, company, order or product.",
  scopes: [
    { name: "product", label: "product", filter: "product__short_code", exact: "Product code" },
    { name: "email", label: "customer", filter: "customer_email", exact: "Customer’s e-mail" },
    { name: "order", label: "order", filter: "order__store_id", exact: "Store order number" },
    { name: "import_id", label: "import", filter: "import_id" },
    {
      name: "key", alone: "match", exact: "License key", with: { match: "exact" },
      label: ({ match }) => ({ exact: "key", icontains: "keys with" }[match] || "keys beginning with"),
      filter: ({ match }) => ({ exact: "license_key", icontains: "license_key__icontains" }[match] || "license_key__startswith"),
    },
  ],
  nothing: (advice) => (advice
    ? empty("No licenses match", h("p", {}, advice))
    : empty("No licenses yet", h("p", {}, h("a", { href: "#/" }, "Import a file"), " to see its licenses here."))),
  actions: (filters) => exportButton("licenses", filters),
  draw: entry,
});

function entry(l) {
  const name = [l.customer?.first_name, l.customer?.last_name].filter(Boolean).join(" ") || l.customer?.company_name;
  return row(columns, [
    [h("a", { class: "code", href: link(`licenses/${l.id}`) }, user(l.license_key)), !l.enabled && l.enabled !== null && [" ", h("span", { class: "badge" }, "disabled")]],
    user(l.product.short_code),
    l.customer && [user(l.customer.email), name && h("div", { class: "under" }, user(name))],
    l.order?.store_id && user(l.order.store_id),
    [h("a", { href: link(`imports/${l.import_id}`) }, l.import_id), h("span", { class: "soft" }, `, row ${l.import_row}`)],
    moment(l.created_at),
  ]);
}

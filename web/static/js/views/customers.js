// The search of customers.

import { h, user } from "../dom.js";
import { link } from "../router.js";
import { moment } from "../parts/badge.js";
import { exportButton } from "../parts/download.js";
import { empty } from "../parts/notice.js";
import { recordList } from "../parts/recordlist.js";
import { row } from "../parts/table.js";

const columns = [
  { label: "E-mail", class: "lead", sort: "email" }, { label: "Name", sort: "first_name" }, { label: "Company", sort: "company_name" },
  { label: "Import", class: "short" }, { label: "Since", sort: "created_at" },
];

export const customers = recordList({
  path: "customers", title: "Customers", noun: "customer", columns, hint: "E-mail, name or company.",
  scopes: [
    { name: "email", label: "e-mail", filter: "email__icontains" },
    { name: "reference", label: "customer number", filter: "reference__exact", exact: "Customer number" },
  ],
  nothing: (advice) => (advice
    ? empty("No customers match", h("p", {}, advice))
    : empty("No customers yet", h("p", {}, h("a", { href: "#/" }, "Import a file"), " with customers to see them here."))),
  actions: (filters) => exportButton("customers", filters),
  draw: (c) => row(columns, [
    h("a", { href: link("licenses", { email: c.email }), title: "Licenses of this customer" }, user(c.email)),
    [c.first_name, c.last_name].filter(Boolean).map((name, i) => [i > 0 && " ", user(name)]),
    c.company_name && user(c.company_name),
    [h("a", { href: link(`imports/${c.import_id}`) }, c.import_id), h("span", { class: "soft" }, `, row ${c.import_row}`)],
    moment(c.created_at),
  ]),
});

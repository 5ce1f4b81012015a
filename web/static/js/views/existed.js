// The rows whose license existed, each with the import that the license is from.

import { h, user } from "../dom.js";
import { number } from "../format.js";
import { link } from "../router.js";
import { row } from "../parts/table.js";
import { rowList } from "./rowlist.js";

const columns = [
  { label: "Row", class: "number" }, { label: "License key" }, { label: "Product" }, { label: "Already imported in", class: "short" }, { label: "Customer" },
];

/** existedRows has a root, and show(found, query). */
export function existedRows(id, signal) {
  return rowList(id, {
    name: "existed", path: "existed_rows", caption: "Rows whose license existed already", columns,
    filter: () => ({}), count: (found) => found.result.existed_licenses_count,
    draw: (r) => [row(columns, [
      number(r.row),
      h("a", { class: "code", href: link("licenses", { key: r.license_key, match: "exact", product: r.product }) }, user(r.license_key)),
      user(r.product),
      r.import_id === id
        ? `Row ${number(r.import_row)} of this file (left unchanged)`
        : [h("a", { href: link(`imports/${r.import_id}`) }, `Import ${r.import_id}`), `, row ${number(r.import_row)} (left unchanged)`],
      r.customer_email && user(r.customer_email),
    ])],
  }, signal);
}

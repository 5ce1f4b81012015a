// The licenses that an undo left as they are, each with the import that changed it later.

import { h, user } from "../dom.js";
import { number } from "../format.js";
import { link } from "../router.js";
import { row } from "../parts/table.js";
import { rowList } from "./rowlist.js";

const columns = [{ label: "Row", class: "number" }, { label: "License key" }, { label: "Product" }, { label: "Changed later by", class: "short" }];

/** keptRows has a root, and show(found, query). */
export function keptRows(id, signal) {
  return rowList(id, {
    name: "kept", path: "kept_rows", caption: "Licenses that the undo left as they are", columns,
    filter: () => ({}), count: (found) => found.undo?.kept || 0,
    draw: (r) => [row(columns, [
      number(r.row),
      h("a", { class: "code", href: link("licenses", { key: r.license_key, match: "exact", product: r.product }) }, user(r.license_key)),
      user(r.product),
      [h("a", { href: link(`imports/${r.import_id}`) }, `Import ${r.import_id}`), `, row ${number(r.import_row)}`],
    ])],
  }, signal);
}

// The rows that changed a license, or would: of each column the value before and after.

import { h, user } from "../dom.js";
import { beginning, number } from "../format.js";
import { columnLabel } from "../labels.js";
import { link } from "../router.js";
import { row } from "../parts/table.js";
import { rowList } from "./rowlist.js";

const columns = [
  { label: "Row", class: "number" }, { label: "License" }, { label: "Field" }, { label: "Before" }, { label: "After" },
];

/** updatedRows has a root, and show(found, query). */
export function updatedRows(id, signal) {
  return rowList(id, {
    name: "updated", path: "updated_rows", caption: "Rows with changes", columns,
    filter: () => ({}), count: (found) => found.result.updated_licenses_count || found.result.preview?.updated_licenses || 0, draw,
  }, signal);
}

function draw(changed) {
  const { changed: changes } = changed;
  return changes.map((c, i) => row(columns, [
    i === 0 ? number(changed.row) : h("span", { class: "unseen" }, number(changed.row)),
    i === 0
      ? [changed.license_id
        ? h("a", { class: "code", href: link(`licenses/${changed.license_id}`) }, user(changed.license_key))
        : user(changed.license_key, { class: "code" }), h("div", { class: "under" }, user(changed.product))]
      : h("span", { class: "unseen" }, changed.license_key),
    columnLabel(c.column), value(c.from), value(c.to),
  ], { class: [i > 0 && "again", i < changes.length - 1 && "joined-below"].filter(Boolean).join(" ") || null }));
}

/** value is a value of a change, cut if long. */
export function value(text) {
  return text === "" || text === null || text === undefined ? h("span", { class: "soft" }, "empty") : user(beginning(text, 160), { class: "value" });
}

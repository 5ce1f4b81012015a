// The rows that changed something, or would: of each column the value before and after.

import { h, user } from "../dom.js";
import { beginning, number } from "../format.js";
import { columnLabel } from "../labels.js";
import { made, would } from "../kinds.js";
import { identity, identityLabel, identityText } from "../parts/identity.js";
import { row } from "../parts/table.js";
import { rowList } from "./rowlist.js";

const columnsOf = (of) => [
  { label: "Row", class: "number" }, { label: identityLabel(of) }, { label: "Field" }, { label: "Before" }, { label: "After" },
];

/** updatedRows has a root, and show(found, query). */
export function updatedRows(of, signal) {
  const columns = columnsOf(of);
  return rowList(of, {
    name: "updated", path: "updated_rows", caption: "Rows with changes", columns, draw: draw(columns),
    filter: () => ({}), count: (found) => made(found).updated || would(found)?.updated || 0,
  }, signal);
}

const draw = (columns) => (changed) => {
  const { changed: changes } = changed;
  return changes.map((c, i) => row(columns, [
    i === 0 ? number(changed.row) : h("span", { class: "unseen" }, number(changed.row)),
    i === 0
      ? identity(changed)
      : h("span", { class: "unseen" }, identityText(changed)),
    columnLabel(c.column), value(c.from), value(c.to),
  ], { class: [i > 0 && "again", i < changes.length - 1 && "joined-below"].filter(Boolean).join(" ") || null }));
};

/** value is a value of a change, cut if long. */
export function value(text) {
  return text === "" || text === null || text === undefined ? h("span", { class: "soft" }, "empty") : user(beginning(text, 160), { class: "value" });
}

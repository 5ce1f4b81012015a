// The valid rows with warnings, filtered by what they warn of.

import { h, user } from "../dom.js";
import { beginning, number } from "../format.js";
import { columnLabel } from "../labels.js";
import { link } from "../router.js";
import { onPage, warningName } from "../words.js";
import { filter } from "../parts/filter.js";
import { identity, identityLabel } from "../parts/identity.js";
import { row } from "../parts/table.js";
import { rowList } from "./rowlist.js";

const columnsOf = (of) => [{ label: "Row", class: "number" }, { label: identityLabel(of) }, { label: "Field" }, { label: "Value" }, { label: "Warning", class: "wide" }];

/** warnedRows has a root, and show(found, query). */
export function warnedRows(of, signal) {
  const columns = columnsOf(of);
  const list = rowList(of, {
    name: "warnings", path: "warnings", caption: "Rows with warnings", columns,
    count: (found, query) => (query.code ? found.result.warning_counts[query.code] || 0 : found.result.warning_count),
    filter: (query) => (query.code ? { code: query.code } : {}), draw: draw(columns),
  }, signal);
  const codes = filter("Warning");
  const leftOut = h("p", { class: "soft", hidden: true }, "A check lists the warnings of rows that would be changed only. The import lists them all.");
  const root = h("div", { class: "stack" }, codes.root, leftOut, list.root);
  const show = (found, query) => {
    leftOut.hidden = !found.dry_run;
    codes.show(choices(found, query.code || ""));
    list.show(found, query);
  };
  return { root, show };
}

function choices(found, chosen) {
  const counts = Object.entries(found.result.warning_counts || {}).sort((a, b) => b[1] - a[1]);
  return [["", "Any", found.result.warning_count], ...counts.map(([code, n]) => [code, warningName(code), n])].map(([code, label, rows]) => ({
    label, rows, href: link(`imports/${found.id}`, { show: "warnings", code }), chosen: code === chosen,
  }));
}

const draw = (columns) => (w) => [row(columns, [
  number(w.row),
  identity(w),
  columnLabel(w.column),
  w.value === null ? h("span", { class: "soft" }, "not known") : user(beginning(w.value, 160), { class: "value" }),
  [h("strong", {}, warningName(w.code)), h("div", {}, onPage(w.message))],
])];

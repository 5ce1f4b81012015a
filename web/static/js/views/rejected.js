// The rejected rows of an import: filtered by error code, each error with advice.

import { h, user } from "../dom.js";
import { beginning, number } from "../format.js";
import { columnLabel } from "../labels.js";
import { link } from "../router.js";
import { errorName, whatToDo } from "../words.js";
import { rejectedButtons } from "../parts/download.js";
import { filter } from "../parts/filter.js";
import { row } from "../parts/table.js";
import { unknownProducts } from "../parts/unknownproduct.js";
import { rowList } from "./rowlist.js";

const columns = [{ label: "Line", class: "number" }, { label: "Column" }, { label: "Value" }, { label: "What to do", class: "wide" }];

/** rejectedRows has a root, and show(found, query). */
export function rejectedRows(of, signal) {
  let imported = null;
  const products = unknownProducts(() => imported, signal);
  const list = rowList(of, {
    name: "rejected", path: "invalid_rows", caption: "Rejected rows", columns,
    count: (found, query) => (query.code ? found.result.error_counts[query.code] || 0 : found.result.invalid_row_count),
    filter: (query) => (query.code ? { code: query.code } : {}), draw: (rejected) => draw(rejected, products),
  }, signal);
  const codes = filter("Problem");
  const root = h("div", { class: "stack" }, h("div", { class: "beside" }, codes.root, h("div", { class: "actions" }, rejectedButtons(of))), list.root);
  const show = (found, query) => {
    imported = found;
    codes.show(choices(found, query.code || ""));
    list.show(found, query);
  };
  return { root, show };
}

function choices(found, chosen) {
  const counts = Object.entries(found.result.error_counts).sort((a, b) => b[1] - a[1]);
  return [["", "Any", found.result.invalid_row_count], ...counts.map(([code, n]) => [code, errorName(code), n])].map(([code, label, rows]) => ({
    label, rows, href: link(`imports/${found.id}`, { show: "rejected", code }), chosen: code === chosen,
  }));
}

/** draw makes a table row for each error. It cuts long values; the row as sent shows them in full. */
function draw(rejected, products) {
  const { errors } = rejected;
  return errors.map((e, i) => row(columns, [
    i === 0 ? number(rejected.line) : h("span", { class: "unseen" }, number(rejected.line)),
    e.column ? [columnLabel(e.column), header(e)] : h("span", { class: "soft" }, "the whole row"),
    e.value === "" ? h("span", { class: "soft" }, "empty") : user(beginning(e.value, 160), { class: "value" }),
    [h("strong", {}, errorName(e.code)), h("div", {}, whatToDo(e)), e.code === "unknown_product" && e.value && products.help(e.value),
      i === errors.length - 1 && whole(rejected)],
  ], { class: [i > 0 && "again", i < errors.length - 1 && "joined-below"].filter(Boolean).join(" ") || null }));
}

/** header is what the file itself calls the column, where that is another name. */
function header({ column, header: own }) {
  return own && own.trim().toLowerCase() !== column ? h("div", { class: "under" }, h("span", {}, "in your file: ", user(own))) : null;
}

/** whole is the row as sent. */
function whole(rejected) {
  const values = Object.entries(rejected.values || {});
  return h("details", {}, h("summary", {}, "The row as sent", h("span", { class: "unseen" }, `, line ${rejected.line}`)),
    values.length > 0 && h("dl", { class: "facts" }, values.map(([name, value]) => [h("dt", {}, columnLabel(name)), h("dd", {}, user(value))])),
    rejected.raw && h("pre", { class: "pre" }, user(rejected.raw)));
}

// The rejected rows of an import: grouped by what is wrong, each with what to do.

import { save } from "../api.js";
import { fill, h, user } from "../dom.js";
import { number } from "../format.js";
import { link } from "../router.js";
import { errorName } from "../words.js";
import { working } from "../parts/notice.js";
import { row } from "../parts/table.js";
import { rowList } from "./rowlist.js";

const columns = [{ label: "Line", class: "number" }, { label: "Column" }, { label: "Value" }, { label: "What to do", class: "wide" }];

/** rejectedRows has a root, and show(found, query). */
export function rejectedRows(id, signal) {
  const list = rowList(id, {
    name: "rejected", path: "invalid_rows", caption: "Rejected rows", columns,
    filter: (query) => (query.code ? { code: query.code } : {}), draw,
  }, signal);
  const codes = h("nav", { "aria-label": "Filter by what is wrong" });
  const button = h("button", { type: "button", class: "button" }, "Download them as CSV");
  button.addEventListener("click", () => working(button, () => save(`licenses-import-results/${id}/invalid_rows.csv`, `import-${id}-invalid-rows.csv`)));
  const root = h("div", { class: "stack" }, h("div", { class: "heading" }, codes, h("div", { class: "actions" }, button)), list.root);
  const show = (found, query) => {
    drawCodes(codes, found, query.code || "");
    list.show(found, query);
  };
  return { root, show };
}

function drawCodes(codes, found, chosen) {
  const counts = Object.entries(found.result.error_counts).sort((a, b) => b[1] - a[1]);
  const version = JSON.stringify([counts, chosen]);
  if (codes.dataset.version === version) return;
  codes.dataset.version = version;
  const chip = (code, label, n) => h("li", {}, h("a", {
    href: link(`imports/${found.id}`, { show: "rejected", code }), "aria-current": code === chosen && "true",
  }, label, h("span", { class: "count" }, number(n))));
  fill(codes, h("ul", { class: "chips" },
    chip("", "Everything", found.result.invalid_row_count),
    counts.map(([code, n]) => chip(code, errorName(code), n))));
}

/** draw makes a table row for each error of a rejected row. */
function draw(rejected) {
  const { errors } = rejected;
  return errors.map((e, i) => row(columns, [
    i === 0 ? number(rejected.line) : h("span", { class: "unseen" }, number(rejected.line)),
    e.column ? h("code", { class: "code" }, e.column) : h("span", { class: "soft" }, "the whole row"),
    e.value === "" ? h("span", { class: "soft" }, "empty") : user(e.value, { class: "value" }),
    [h("strong", {}, errorName(e.code)), h("div", {}, e.message[0].toUpperCase() + e.message.slice(1)),
      i === errors.length - 1 && whole(rejected)],
  ], { class: [i > 0 && "again", i < errors.length - 1 && "joined-below"].filter(Boolean).join(" ") || null }));
}

/** whole is the row as it was sent. */
function whole(rejected) {
  const values = Object.entries(rejected.values || {});
  return h("details", {}, h("summary", { "aria-label": `Line ${rejected.line} as it was sent` }, "The row as sent"),
    values.length > 0 && h("dl", { class: "facts" }, values.map(([name, value]) => [h("dt", {}, h("code", {}, name)), h("dd", {}, user(value))])),
    rejected.raw && h("pre", { class: "pre" }, user(rejected.raw)));
}
